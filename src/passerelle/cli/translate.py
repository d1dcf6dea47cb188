"""passerelle translate"""

import io
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import LinesDisplay, note
from passerelle.cli.lines import LARGEST_BLOCK, Block, read_blocks, size_of
from passerelle.cli.output import Form, json_line, open_output, require_apart
from passerelle.errors import DataError, LongTextError, SettingsError

if TYPE_CHECKING:
    from passerelle.search.results import Result, SearchOptions
    from passerelle.translator import Translator

__all__ = ["tagged", "translate"]

MANY = 1000
"""Lines from which on their number and speed are told."""

MOST_TOLD = 200
"""Unknown symbols told in one run."""


def translate(
    model: str,
    /,
    *texts: str,
    in_: Annotated[str | None, Parameter(name="--in")] = None,
    out: str | None = None,
    resume: Annotated[bool, Parameter(negative=())] = False,
    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = (),
    feature: str | None = None,
    beam: int | None = None,
    n_best: int = 1,
    length_power: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    scores: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
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
    with_
        Another model with the same vocabularies, asked together with MODEL: in each step the mean of their
        probabilities counts. May be given several times.
    feature
        The tags of all texts, for a model that was taught with tags; without, each text brings its own after a tab.
    beam
        Beginnings followed side by side, by default as many as --n-best; 1 takes the likeliest symbol in each step.
    n_best
        Write so many translations of each text, a line each, best first; empty lines where there are fewer.
    length_power
        Of the length penalty by which translations of one text are compared, by default 0.6; 0 prefers short ones.
    min_length
        Write at least so many symbols.
    max_length
        Write at most so many, the end counted; by default a limit learned in training.
    scores
        Write columns: number of the text, rank, score over length penalty, log probability, translation.
    as_json
        Write one JSON object a text, with the probability of every symbol.
    """
    from passerelle.config import SearchSettings, validated
    from passerelle.data.files import STANDARD_INPUT, input_name
    from passerelle.translator import Translator

    options: SearchOptions = {"beam": n_best if beam is None else beam}
    if length_power is not None:
        options["length_power"] = length_power
    if min_length is not None:
        options["min_length"] = min_length
    if max_length is not None:
        options["max_length"] = max_length
    validated(SearchSettings, {**options, "n_best": n_best})
    if texts and in_ is not None:
        raise SettingsError("texts and --in exclude each other. Give either.")
    if resume and out is None:
        raise SettingsError("--resume goes on behind the lines of a file. Name it: --out FILE")
    require_apart(in_, out)
    form = Form(1 if as_json else n_best, numbered=scores and not as_json, start=b"{" if as_json else b"")
    # Whoever types at a terminal, or reads there, is not to be disturbed.
    shown = not sys.stdin.isatty() if out or not sys.stdout.isatty() else False
    with (
        open_output(out, resume=resume, form=form) as output,
        LinesDisplay.open(None if in_ is None else size_of(in_), shown=shown and not texts) as display,
    ):
        translator = Translator.load(model).together_with([Translator.load(path) for path in with_])
        if texts:
            blocks = iter([Block(list(texts[output.done :]), 0)])
        else:
            blocks = read_blocks(in_ or STANDARD_INPUT, most=max(1, LARGEST_BLOCK // n_best), skip=output.done)
        said: set[str] = set()
        parted = cut = 0
        written = output.done
        for block in blocks:
            lines, tags = block.lines, feature
            if feature is None and translator.codec.features is not None:
                lines, tags = tagged(lines)
            try:
                found = translator.n_best(lines, n_best, features=tags, **options)
            except LongTextError as error:
                where = "text" if texts else f"{input_name(in_ or STANDARD_INPUT)}, line"
                raise DataError(f"{where} {written + error.row + 1:,} {error.reason}") from None
            page = io.StringIO()
            for number, results in enumerate(found, start=written + 1):
                if as_json:
                    page.write(json_line(_values(translator, results)) + "\n")
                elif scores:
                    page.writelines(_columns(number, rank, result) for rank, result in enumerate(results, start=1))
                else:
                    page.writelines(_line(result) + "\n" for result in results)
                    page.write("\n" * (n_best - len(results)))
            output.write(page.getvalue())
            written += len(found)
            new = {symbol for results in found for symbol in results[0].unknown} - said
            if new and len(said) < MOST_TOLD:
                said |= new
                note(f"passerelle: not seen in training, read as unknown: {_some(new)}")
            parted += sum(results[0].parts > 1 for results in found)
            cut += sum(not results[0].finished for results in found)
            display.progress(len(found), block.place)
    if parted:
        note(
            f"passerelle: {parted:,} texts were longer than {translator.lengths.whole:,} symbols, twice the longest in "
            f"training, and were translated sentence by sentence"
        )
    if cut:
        note(f"passerelle: {cut:,} translations were cut at their length limit")
    display.summary(MANY if in_ is None and out is None else 0)
    return 0


def _some(symbols: set[str]) -> str:
    """The first of them, in order."""
    listed = " ".join(map(repr, sorted(symbols)[:MOST_TOLD]))
    return f"{listed} and {len(symbols) - MOST_TOLD:,} more" if len(symbols) > MOST_TOLD else listed


def _line(result: "Result") -> str:
    """Its text on one line."""
    return " ".join(result.text.splitlines())


def _columns(number: int, rank: int, result: "Result") -> str:
    text = _line(result).replace("\t", " ")
    return f"{number}\t{rank}\t{result.normalized_score:.4f}\t{result.score:.4f}\t{text}\n"


def _values(translator: "Translator", results: list["Result"]) -> dict[str, Any]:
    """What a line of JSON says; a symbol that a translation copied looks like U+FFFD, and END is the last one."""
    symbol_of = translator.target.vocabulary.symbol_of
    return {
        "source": results[0].source,
        "unknown": results[0].unknown,
        "translations": [
            {
                "text": result.text,
                "score": result.normalized_score,
                "log_probability": result.score,
                "finished": result.finished,
                "symbols": [symbol_of(i) for i in result.ids],
                "probabilities": [round(math.exp(score), 6) for score in result.symbol_scores],
            }
            for result in results
        ],
    }


def tagged(lines: list[str]) -> tuple[list[str], list[str]]:
    """Texts and their tags; blank lines need none.

    Raises:
        DataError: if a line has no tab.
    """
    for line in lines:
        if line.strip() and "\t" not in line:
            raise DataError(
                f"{line[:40]!r} has no tab before its tags, and this model was taught with tags. Write text, tab, "
                f"tags, or give tags for all with --feature."
            )
    rows = [line.split("\t", 1) if "\t" in line else [line, ""] for line in lines]
    return [row[0] for row in rows], [row[1] for row in rows]
