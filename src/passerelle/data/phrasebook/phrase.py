"""Output of the grammar: sentences with all their translations, and the rows of the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from .clause import Clause

__all__ = ["Item", "Phrase", "Sentence", "digest", "sample", "to_sentence"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Phrase:
    """One row of the corpus.

    Attributes:
        source: English sentence.
        target: French sentence.
        pattern: name of the pattern that generated it.
        lemmas: its English content words, uninflected, in the order of the pattern.
        combination: the two lemmas whose combination may be held out; empty if the pattern holds out none.
    """

    source: str
    target: str
    pattern: str
    lemmas: tuple[str, ...]
    combination: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """An English sentence with all French translations that the grammar can generate."""

    source: str
    targets: tuple[str, ...]
    lemmas: tuple[str, ...] = ()
    combination: tuple[str, ...] = ()


def to_sentence(clause: Clause, *combination: str) -> Sentence:
    """Convert a clause to a sentence; `combination` contains the two lemmas that may be held out together, if any."""
    return Sentence(clause.source, clause.targets, clause.lemmas, combination)


def digest(text: str) -> bytes:
    """Return a 64-byte hash of `text` that is the same in all processes and on all platforms."""
    return blake2b(text.encode()).digest()


def sample(items: Iterable[Item], count: int, *key: str) -> Sequence[Item]:
    """Sample up to `count` items without replacement, at most 16, with `key` as the seed."""
    pool = list(items)
    noise = digest("|".join(key))
    count = min(count, len(pool), len(noise) // 4)
    # The first `count` steps of a Fisher-Yates shuffle; `random` may differ between Python versions.
    for i in range(count):
        j = i + int.from_bytes(noise[4 * i : 4 * i + 4], "big") % (len(pool) - i)
        pool[i], pool[j] = pool[j], pool[i]
    return pool[:count]
