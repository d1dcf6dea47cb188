"""Translate many texts in blocks, within a time limit, and report the progress."""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from passerelle.errors import LongTextError
from passerelle.inference.result import Result
from passerelle.special_tokens import UNK
from passerelle.synthetic.writer import Writer

__all__ = ["UNUSABLE", "Journal", "Progress", "Text", "write"]

Text = tuple[str, str]
"""A text and its tags, "" without tags."""

UNUSABLE = ""
"""Stands for a translation that cannot be used: empty, cut off at the length limit, with an unknown token, or of a text
that is too long for memory."""

FIRST_BLOCK, MAX_BLOCK = 256, 2**14
"""Number of texts in the first block, and in the largest one."""

BLOCK_SECONDS = 10.0
"""Time of a block: an interruption loses at most the work of one."""


@dataclass(frozen=True)
class Progress:
    """Progress of the translation after a block.

    Attributes:
        done: number of texts that are translated, including those that were translated before.
        total: number of texts.
        seconds_left: expected seconds for the other texts; None after the first block, which also compiles programs.
    """

    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True)
class Journal:
    """Keeps translations for a repetition after an interruption. By default, it keeps nothing.

    Attributes:
        known: the translations that an earlier call wrote, by text; `UNUSABLE` for one that cannot be used.
        keep: receives the translations of each block, by text.
        report: receives the progress after each block.
    """

    known: Mapping[Text, str] | None = None
    keep: Callable[[Mapping[Text, str]], object] = lambda translations: None
    report: Callable[[Progress], object] = lambda progress: None


def write(
    writer: Writer,
    texts: Sequence[Text],
    *,
    seed: int,
    ends: float = math.inf,
    journal: Journal | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Text, str]:
    """Translate distinct texts in random order.

    Args:
        writer: translates the texts.
        texts: distinct texts with their tags.
        seed: seed of the order. If time is too short for all texts, those that are translated are a random sample.
        ends: value of `clock()` at which the translation ends. The first block is always translated.
        journal: translations of an earlier call, and the receiver of those of this call; None for neither.
        clock: the time in seconds.

    Returns:
        The translations of all texts for which there was time, by text; `UNUSABLE` for one that cannot be used.
    """
    journal = journal or Journal()
    known = journal.known or {}
    written = {text: known[text] for text in texts if text in known}
    waiting = [text for text in texts if text not in known]
    random.Random(seed).shuffle(waiting)
    characters = sum(len(text) + 1 for text, _ in waiting)
    size, position, speed = FIRST_BLOCK, 0, 0.0  # the speed in characters per second
    while position < len(waiting):
        began = clock()
        if position and began >= ends:
            break
        if position and ends < math.inf:
            share = min(1.0, (ends - began) * speed / characters)
            size = min(size, math.ceil(share * (len(waiting) - position)))
        block = waiting[position : position + size]
        translations = dict(zip(block, _translate(writer, block), strict=True))
        journal.keep(translations)
        written |= translations
        seconds = max(clock() - began, 1e-9)
        of_block = sum(len(text) + 1 for text, _ in block)
        characters -= of_block
        speed = of_block / seconds
        journal.report(Progress(len(written), len(texts), characters / speed if position else None))
        position += len(block)
        size = max(FIRST_BLOCK, min(MAX_BLOCK, int(BLOCK_SECONDS / seconds * len(block))))
    return written


def _translate(writer: Writer, block: Sequence[Text]) -> list[str]:
    """Return the translation of each text, `UNUSABLE` for one that cannot be used."""
    translations = [UNUSABLE] * len(block)
    rows = list(range(len(block)))
    while rows:
        tags = [block[row][1] for row in rows] if writer.tagged else None
        try:
            results = writer.translator.search([block[row][0] for row in rows], tags=tags, **writer.search)
        except LongTextError as error:
            del rows[error.row]
            continue
        for row, result in zip(rows, results, strict=True):
            translations[row] = _usable(result)
        break
    return translations


def _usable(result: Result) -> str:
    usable = result.finished and UNK not in result.ids and result.text.strip()
    return result.text if usable else UNUSABLE
