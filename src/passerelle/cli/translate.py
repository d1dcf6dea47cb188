"""passerelle translate"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.display import LinesDisplay
from passerelle.cli.lines import LARGEST_BLOCK, Block, read_blocks, size_of
from passerelle.cli.output import open_output, require_apart
from passerelle.cli.page import Page, Tally
from passerelle.cli.searching import Together, Wishes
from passerelle.errors import DataError, LongTextError, SettingsError

if TYPE_CHECKING:
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.result import Result
    from passerelle.translator import Translator

__all__ = ["tagged", "translate"]
MANY = 1000
"""Lines from which on their number and speed are told."""


def translate(
    model: str,
    /,
    *texts: str,
    in_: Annotated[str | None, Parameter(name="--in")] = None,
    out: str | None = None,
    resume: Annotated[bool, Parameter(negative=())] = False,
    together: Together | None = None,
    tags: str | None = None,
    n_best: int = 1,
    wishes: Wishes | None = None,
    scores: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    align: Annotated[bool, Parameter(negative=())] = False,
    pictures: str | None = None,
    replace_unknown: Annotated[bool, Parameter(negative=())] = False,
    replacements: str | None = None,
) -> int:
    """Translate texts, or the lines of a file or of standard input, any number of them.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    texts
        What to translate, one line of output each; without any, every line of standard input.
    in_
        A file, plain, .gz or .zip, each line of which is translated.
    out
        The file to write, instead of standard output. It grows by whole lines, so it is of use whatever happens; one
        that holds something already is refused.
    resume
        Go on behind what --out holds already, with the options that it was begun with: half a line or half a text at
        its end is dropped, and as many lines of the input are passed over as texts are there.
    tags
        The tags of all texts, for a model that was taught with tags; without, each text brings its own after a tab.
    n_best
        Write so many translations of each text, a line each, best first; empty lines where there are fewer.
    scores
        Write columns: number of the text, rank, score over length penalty, log probability, translation.
    as_json
        Write one JSON object a text, with the probability of every token.
    align
        Add where each token looked, source-target pairs such as 0-0 1-2, after a tab or in the JSON object.
    pictures
        A folder for pictures of where the best translation of each text looked: 1.svg, 2.svg, ...
    replace_unknown
        Write the source token that attention points at in the place of each unknown one.
    replacements
        A file of tab-separated source tokens and what to write for them; goes with --replace-unknown.
    """
    from passerelle.data.files import STANDARD_INPUT, input_name, prepare_folder
    from passerelle.inference.alignment import replace_unknown

    options = (wishes or Wishes()).options(n_best)
    if replacements is not None and not replace_unknown:
        raise SettingsError("--replacements says what --replace-unknown writes. Give both.")
    words = {} if replacements is None else _replacements(replacements)
    folder = None if pictures is None else prepare_folder(pictures)
    if texts and in_ is not None:
        raise SettingsError("texts and --in exclude each other. Give either.")
    if resume and out is None:
        raise SettingsError("--resume goes on behind the lines of a file. Name it: --out FILE")
    require_apart(in_, out)
    page = Page(n_best, scores=scores, as_json=as_json, aligned=align)
    # Whoever types at a terminal, or reads there, is not to be disturbed.
    shown = not sys.stdin.isatty() if out or not sys.stdout.isatty() else False
    with (
        open_output(out, resume=resume, form=page.form) as output,
        LinesDisplay.open(None if in_ is None else size_of(in_), shown=shown and not texts) as display,
    ):
        translator = (together or Together()).load(model)
        if texts:
            blocks = iter([Block(list(texts[output.done :]), 0)])
        else:
            blocks = read_blocks(in_ or STANDARD_INPUT, most=max(1, LARGEST_BLOCK // n_best), skip=output.done)
        tally = Tally(written=output.done)
        for block in blocks:
            lines, own_tags = block.lines, tags
            if tags is None and translator.codec.tags is not None:
                lines, own_tags = tagged(lines)
            try:
                found = translator.n_best(lines, n_best, tags=own_tags, **options)
            except LongTextError as error:
                where = "text" if texts else f"{input_name(in_ or STANDARD_INPUT)}, line"
                raise DataError(f"{where} {tally.written + error.row + 1:,} {error.reason}") from None
            links = _aligned(translator, found, own_tags) if align or replace_unknown or folder is not None else None
            if replace_unknown and links is not None:
                found = [
                    [replace_unknown(*both, translator.codec, words) for both in zip(results, own, strict=True)]
                    for results, own in zip(found, links, strict=True)
                ]
            if folder is not None and links is not None:
                for number, (results, own) in enumerate(zip(found, links, strict=True), start=tally.written + 1):
                    _draw(folder / f"{number}.svg", own[0], results[0])
            output.write(page.text(translator, found, links, first=tally.written + 1))
            tally.add(found)
            display.progress(len(found), block.place)
    tally.tell(translator)
    display.summary(MANY if in_ is None and out is None else 0)
    return 1 if tally.none else 0


def _replacements(path: str) -> dict[str, str]:
    from passerelle.data.files import read_lines

    rows = [line.split("\t") for line in read_lines(path) if line.strip()]
    for row in rows:
        if len(row) < 2:
            raise DataError(f"{path}: {row[0][:40]!r} has no tab before what to write for it.")
    return {row[0]: row[1] for row in rows}


def _aligned(
    translator: "Translator", found: list[list["Result"]], tags: str | list[str] | None
) -> list[list["Alignment"]]:
    """The alignments of all results, asked for at once."""
    if isinstance(tags, list):
        tags = [tag for tag, results in zip(tags, found, strict=True) for _ in results]
    aligned = iter(translator.align([result for results in found for result in results], tags=tags))
    return [[next(aligned) for _ in results] for results in found]


def _draw(path: Path, alignment: "Alignment", result: "Result") -> None:
    from passerelle.data.files import write_atomically
    from passerelle.plots.attention import draw_attention

    title = f"{result.source} \u2192 {result.text}"
    picture = draw_attention(alignment.source, alignment.target, alignment.weights, title=title).encode()
    write_atomically(path, lambda stream: stream.write(picture))


def tagged(lines: list[str]) -> tuple[list[str], list[str]]:
    """Texts and their tags; blank lines need none.

    Raises:
        DataError: if a line has no tab.
    """
    for line in lines:
        if line.strip() and "\t" not in line:
            raise DataError(
                f"{line[:40]!r} has no tab before its tags, and this model was taught with tags. Write text, tab, "
                f"tags, or give tags for all with --tags."
            )
    rows = [line.split("\t", 1) if "\t" in line else [line, ""] for line in lines]
    return [row[0] for row in rows], [row[1] for row in rows]
