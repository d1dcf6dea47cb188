"""passerelle translate"""

import queue
import sys
import threading
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.display import note
from passerelle.errors import DataError

__all__ = ["translate"]

LARGEST_BLOCK = 4096
"""Lines translated at once where more are waiting: bounds the memory, whatever the input's length."""


def translate(
    model: str,
    /,
    *texts: str,
    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = (),
    feature: str | None = None,
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
    """
    from passerelle.translator import Translator

    translator = Translator.load(model).together_with([Translator.load(path) for path in with_])
    blocks = iter([list(texts)]) if texts else _blocks()
    said: set[str] = set()
    cut = 0
    for block in blocks:
        tags: str | list[str] | None = feature
        if feature is None and translator.codec.features is not None:
            block, tags = _tagged(block)
        results = translator.search(block, features=tags)
        sys.stdout.write("".join(f"{' '.join(result.text.splitlines())}\n" for result in results))
        sys.stdout.flush()
        new = {symbol for result in results for symbol in result.unknown} - said
        if new:
            said |= new
            note(f"passerelle: not seen in training, read as unknown: {' '.join(map(repr, sorted(new)))}")
        cut += sum(not result.finished for result in results)
    if cut:
        note(f"passerelle: {cut:,} translations were cut at their length limit")
    return 0


def _tagged(lines: list[str]) -> tuple[list[str], list[str]]:
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
