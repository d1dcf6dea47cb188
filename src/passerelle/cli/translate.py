"""passerelle translate"""

import json
import math
import queue
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import note
from passerelle.errors import DataError

if TYPE_CHECKING:
    from passerelle.search import Result, SearchOptions
    from passerelle.translator import Translator

__all__ = ["tagged", "translate"]

LARGEST_BLOCK = 4096
"""Lines translated at once where more are waiting: bounds the memory, whatever the input's length."""


_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Of Unicode's, those that JSON leaves as they are: an object is to stay on one line, whoever reads it."""


def translate(
    model: str,
    /,
    *texts: str,
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
    """Translate texts, or the lines of standard input.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    texts
        What to translate, one line of output each; without any, every line of standard input.
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
    from passerelle.translator import Translator

    options: SearchOptions = {"beam": n_best if beam is None else beam}
    if length_power is not None:
        options["length_power"] = length_power
    if min_length is not None:
        options["min_length"] = min_length
    if max_length is not None:
        options["max_length"] = max_length
    validated(SearchSettings, {**options, "n_best": n_best})
    translator = Translator.load(model).together_with([Translator.load(path) for path in with_])
    blocks = iter([list(texts)]) if texts else _blocks()
    said: set[str] = set()
    cut = written = 0
    for block in blocks:
        tags: str | list[str] | None = feature
        if feature is None and translator.codec.features is not None:
            block, tags = tagged(block)
        found = translator.n_best(block, n_best, features=tags, **options)
        for number, results in enumerate(found, start=written + 1):
            if as_json:
                text = json.dumps(_values(translator, results), ensure_ascii=False)
                sys.stdout.write(text.translate(_LINE_ENDS) + "\n")
            elif scores:
                sys.stdout.writelines(_columns(number, rank, result) for rank, result in enumerate(results, start=1))
            else:
                sys.stdout.writelines(_line(result) + "\n" for result in results)
                sys.stdout.write("\n" * (n_best - len(results)))
        sys.stdout.flush()
        written += len(found)
        new = {symbol for results in found for symbol in results[0].unknown} - said
        if new:
            said |= new
            note(f"passerelle: not seen in training, read as unknown: {' '.join(map(repr, sorted(new)))}")
        cut += sum(not results[0].finished for results in found)
    if cut:
        note(f"passerelle: {cut:,} translations were cut at their length limit")
    return 0


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


def _blocks() -> Iterator[list[str]]:
    """Lines of standard input: as many as are there, at least one, so that a person typing gets each answer at once."""
    from passerelle.data.files import STANDARD_INPUT, read_lines

    waiting: queue.Queue[str | BaseException | None] = queue.Queue(2 * LARGEST_BLOCK)

    def read() -> None:
        try:
            for line in read_lines(STANDARD_INPUT):
                waiting.put(line)
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)  # to be raised where the lines are used

    threading.Thread(target=read, daemon=True).start()
    block: list[str] = []
    while True:
        item = waiting.get()
        if not isinstance(item, str):
            if block:
                yield block
            if item is None:
                return
            raise item
        block.append(item)
        if waiting.empty() or len(block) >= LARGEST_BLOCK:
            yield block
            block = []
