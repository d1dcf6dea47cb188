"""What the grammar makes: sentences with all their translations, and the rows of the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from .clause import Clause

__all__ = ["Item", "Phrase", "Sentence", "choose", "digest", "say"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Phrase:
    """One row of the corpus.

    Attributes:
        source: English sentence.
        target: French sentence.
        pattern: name of the pattern that made it.
        lemmas: its English content words, uninflected, in the order of the pattern.
        combination: the two lemmas whose meeting may be held out; empty if the pattern holds out none.
    """

    source: str
    target: str
    pattern: str
    lemmas: tuple[str, ...]
    combination: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """An English sentence with every right French answer that the grammar can give."""

    source: str
    targets: tuple[str, ...]
    lemmas: tuple[str, ...] = ()
    combination: tuple[str, ...] = ()


def say(clause: Clause, *combination: str) -> Sentence:
    """Spells a clause out; `combination` as in `Phrase`."""
    return Sentence(clause.source, clause.targets, clause.lemmas, combination)


def digest(text: str) -> bytes:
    """64 bytes that depend on `text` alone: neither on the process nor on the platform."""
    return blake2b(text.encode()).digest()


def choose(items: Iterable[Item], count: int, *key: str) -> Sequence[Item]:
    """Draws up to `count` distinct items, at most 16, always the same ones for the same `key`."""
    pool = list(items)
    noise = digest("|".join(key))
    count = min(count, len(pool), len(noise) // 4)
    # The first `count` steps of a Fisher-Yates shuffle; `random` promises less about other Python versions.
    for i in range(count):
        j = i + int.from_bytes(noise[4 * i : 4 * i + 4], "big") % (len(pool) - i)
        pool[i], pool[j] = pool[j], pool[i]
    return pool[:count]
