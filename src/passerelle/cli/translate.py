"""passerelle translate"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import LinesDisplay
from passerelle.cli.ensemble import EnsembleOptions
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.lines import LARGEST_BLOCK, Block, read_blocks, size_of
from passerelle.cli.options import SearchOptions
from passerelle.cli.output import open_output, require_apart
from passerelle.cli.page import Page, Tally
from passerelle.errors import DataError, LongTextError, SettingsError

if TYPE_CHECKING:
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.result import Result
    from passerelle.translator import Translator

__all__ = ["Written", "tagged", "translate"]

MANY = 1000
"""Lines from which on their number and speed are reported."""

Flag = Annotated[bool, Parameter(negative=())]


@Parameter(name="*", group=IN_GROUP["Output"])
@dataclass(frozen=True, kw_only=True)
class Written:
    """Output options.

    Parameters
    ----------
    scores
        Write columns: number of the text, rank, normalized score, log probability, translation.
    as_json
        Write one JSON object per text, with the probability of every token.
    align
        Add the alignment, source-target pairs such as 0-0 1-2, after a tab or in the JSON object.
    pictures
        A folder for pictures of the alignment of the best translation of each text: 1.svg, 2.svg, ...
    replace_unknown
        Replace each unknown token by the source token that it attended to most.
    replacements
        A file of tab-separated source tokens and their translations; needs --replace-unknown.
    """

    scores: Flag = False
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False
    align: Flag = False
    pictures: str | None = None
    replace_unknown: Flag = False
    replacements: str | None = None

    @property
    def needs_alignments(self) -> bool:
        """Whether translations must be aligned."""
        return self.align or self.replace_unknown or self.pictures is not None


def translate(
    model: str,
    /,
    *texts: str,
    in_: Annotated[str | None, Parameter(name="--in", group=IN_GROUP["Data"])] = None,
    out: str | None = None,
    resume: Flag = False,
    ensemble: EnsembleOptions | None = None,
    tags: Annotated[str | None, Parameter(group=IN_GROUP["Data"])] = None,
    n_best: Annotated[int, Parameter(group=IN_GROUP["Search"])] = 1,
    search: SearchOptions | None = None,
    written: Written | None = None,
) -> int:
    """Translate texts, or the lines of a file or of standard input, any number of them.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    texts
        The texts to translate, one line of output each; without any, every line of standard input.
    in_
        A file, plain, .gz or .zip, each line of which is translated.
    out
        The file to write, instead of standard output. It always ends in a complete line; a file that is not empty is
        refused.
    resume
        Continue a file that --out names, with the options that it was begun with: an incomplete line or text at its
        end is dropped, and as many lines of the input are skipped as it has texts.
    tags
        The tags of all texts, for a model that was trained with tags; without, each text has its own tags after a tab.
    n_best
        Translations of each text, a line each, best first; empty lines where there are fewer.
    """
    written = written or Written()
    options = (search or SearchOptions()).options(n_best)
    replacements = _replacements(written)
    _check_files(texts, in_, out, resume=resume)
    asked = _Asked(n_best, tags, options, written, replacements, _picture_folder(written), _place(texts, in_))
    page = Page(n_best, scores=written.scores, as_json=written.as_json, aligned=written.align)
    # Progress would disturb a person who types or reads at the terminal.
    shown = not sys.stdin.isatty() if out or not sys.stdout.isatty() else False
    with (
        open_output(out, resume=resume, form=page.form) as output,
        LinesDisplay.open(None if in_ is None else size_of(in_), shown=shown and not texts) as display,
    ):
        translator = (ensemble or EnsembleOptions()).load(model)
        blocks = _blocks(texts, in_, skip=output.done, most=max(1, LARGEST_BLOCK // n_best))
        tally = Tally(written=output.done)
        for block in blocks:
            answers = asked.answers(translator, block.lines, first=tally.written + 1)
            asked.draw(answers, first=tally.written + 1)
            output.write(page.text(translator.signature, answers.results, answers.alignments, first=tally.written + 1))
            tally.add(answers.results)
            display.progress(len(answers.results), block.place)
    tally.report(translator.lengths.split_above)
    display.summary(MANY if in_ is None and out is None else 0)
    return 1 if tally.none else 0


@dataclass(frozen=True)
class _Answers:
    """Results and alignments of some texts, best first; no alignments where nothing needs them."""

    results: list[list["Result"]]
    alignments: list[list["Alignment"]] | None


@dataclass(frozen=True)
class _Asked:
    """The options that the answers depend on; `place` is written before the number of a text in a message."""

    n_best: int
    tags: str | None
    options: dict[str, Any]
    written: Written
    replacements: Mapping[str, str]
    folder: Path | None
    place: str

    def answers(self, translator: "Translator", lines: list[str], *, first: int) -> _Answers:
        """Translate some lines; align the translations and replace unknown tokens where asked.

        Args:
            translator: any.
            lines: texts, with their tags after a tab where the translator needs them and none are given for all.
            first: the number of the first text.

        Raises:
            DataError: if a text is too long for memory.
        """
        own_tags: str | list[str] | None = self.tags
        if self.tags is None and translator.signature.tagged:
            lines, own_tags = tagged(lines)
        try:
            found = translator.n_best(lines, self.n_best, tags=own_tags, **self.options)
        except LongTextError as error:
            raise DataError(f"{self.place} {first + error.row:,} {error.reason}") from None
        if not self.written.needs_alignments:
            return _Answers(found, None)
        alignments = _aligned(translator, found, own_tags)
        if self.written.replace_unknown:
            found = self._replaced(translator, found, alignments)
        return _Answers(found, alignments)

    def _replaced(
        self, translator: "Translator", found: list[list["Result"]], alignments: list[list["Alignment"]]
    ) -> list[list["Result"]]:
        from passerelle.inference.alignment import replace_unknown

        return [
            [replace_unknown(*both, translator.signature, self.replacements) for both in zip(results, own, strict=True)]
            for results, own in zip(found, alignments, strict=True)
        ]

    def draw(self, answers: _Answers, *, first: int) -> None:
        """Draw the alignment of the best translation of each text, if asked; `first` numbers the first text."""
        from passerelle.data.files import write_atomically
        from passerelle.plots.attention import draw_attention

        if self.folder is None or answers.alignments is None:
            return
        for number, (results, own) in enumerate(zip(answers.results, answers.alignments, strict=True), start=first):
            best = own[0]
            title = f"{results[0].source} \u2192 {results[0].text}"
            picture = draw_attention(best.source, best.target, best.weights, title=title).encode()
            write_atomically(self.folder / f"{number}.svg", lambda stream, picture=picture: stream.write(picture))


def _aligned(
    translator: "Translator", found: list[list["Result"]], tags: str | list[str] | None
) -> list[list["Alignment"]]:
    """Return the alignments of all results, made in one call."""
    if isinstance(tags, list):
        tags = [tag for tag, results in zip(tags, found, strict=True) for _ in results]
    aligned = iter(translator.align([result for results in found for result in results], tags=tags))
    return [[next(aligned) for _ in results] for results in found]


def _check_files(texts: tuple[str, ...], in_: str | None, out: str | None, *, resume: bool) -> None:
    if texts and in_ is not None:
        raise SettingsError("texts and --in exclude each other. Give either.")
    if resume and out is None:
        raise SettingsError("--resume continues a file. Name it: --out FILE")
    require_apart(in_, out)


def _blocks(texts: tuple[str, ...], in_: str | None, *, skip: int, most: int) -> Iterator[Block]:
    """Return the texts to translate, in blocks of at most `most` lines, without the first `skip`."""
    from passerelle.data.files import STANDARD_INPUT

    if texts:
        return iter([Block(list(texts[skip:]), 0)])
    return iter(read_blocks(in_ or STANDARD_INPUT, most=most, skip=skip))


def _place(texts: tuple[str, ...], in_: str | None) -> str:
    """Return the words before the number of a text in a message."""
    from passerelle.data.files import STANDARD_INPUT, input_name

    return "text" if texts else f"{input_name(in_ or STANDARD_INPUT)}, line"


def _replacements(written: Written) -> dict[str, str]:
    from passerelle.data.files import read_lines

    path = written.replacements
    if path is None:
        return {}
    if not written.replace_unknown:
        raise SettingsError("--replacements needs --replace-unknown. Give both.")
    rows = [line.split("\t") for line in read_lines(path) if line.strip()]
    for row in rows:
        if len(row) < 2:
            raise DataError(f"{path}: {row[0][:40]!r} has no tab before its translation.")
    return {row[0]: row[1] for row in rows}


def _picture_folder(written: Written) -> Path | None:
    from passerelle.data.files import prepare_folder

    return None if written.pictures is None else prepare_folder(written.pictures)


def tagged(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split lines into texts and their tags; blank lines need none.

    Raises:
        DataError: if a line has no tab.
    """
    for line in lines:
        if line.strip() and "\t" not in line:
            raise DataError(
                f"{line[:40]!r} has no tab before its tags, and this model was trained with tags. Write text, tab, "
                f"tags, or give the tags of all texts with --tags."
            )
    rows = [line.split("\t", 1) if "\t" in line else [line, ""] for line in lines]
    return [row[0] for row in rows], [row[1] for row in rows]
