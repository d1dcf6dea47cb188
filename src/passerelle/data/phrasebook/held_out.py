"""The held-out part of the phrasebook: combinations of words that do not occur in the training part."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from .grammar import phrases
from .phrase import Phrase, digest

__all__ = ["PERCENT_HELD_OUT", "held_out_combinations", "is_chosen", "is_held_out", "train_and_held_out"]

PERCENT_HELD_OUT = 7


def is_chosen(combination: tuple[str, ...]) -> bool:
    """Whether a combination of lemmas is held out; this depends only on a hash of its words."""
    text = "+".join(sorted(combination))
    return len(combination) > 1 and int.from_bytes(digest(text)[:4], "big") % 100 < PERCENT_HELD_OUT


@cache
def held_out_combinations() -> frozenset[frozenset[str]]:
    """Return the held-out combinations, each an unordered pair of lemmas."""
    return frozenset(frozenset(phrase.combination) for phrase in phrases() if is_chosen(phrase.combination))


def is_held_out(phrase: Phrase) -> bool:
    """Whether a row contains both lemmas of a held-out combination, whatever their roles."""
    held_out = held_out_combinations()
    return any(frozenset(pair) in held_out for pair in combinations(phrase.lemmas, 2))


def train_and_held_out() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Split the corpus by combinations of words instead of rows.

    A row is held out if it contains both words of a held-out combination, in any pattern, tense or number. A model
    has seen each word of a held-out source in other sentences, but never both in the same sentence.

    Returns:
        (training rows, held-out rows), both as (English, French) in the order of `phrasebook`. All rows of a source are
        in the same part.
    """
    train: list[tuple[str, str]] = []
    held_out: list[tuple[str, str]] = []
    for phrase in phrases():
        (held_out if is_held_out(phrase) else train).append((phrase.source, phrase.target))
    return train, held_out
