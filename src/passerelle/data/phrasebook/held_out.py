"""Which combinations of words are kept out of training."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from .grammar import phrases
from .phrase import Phrase, digest

__all__ = ["PERCENT_HELD_OUT", "held_out_combinations", "is_chosen", "is_held_out", "train_and_held_out"]

PERCENT_HELD_OUT = 7


def is_chosen(combination: tuple[str, ...]) -> bool:
    """Whether a combination of lemmas is kept out of training; it depends on nothing but its words."""
    text = "+".join(sorted(combination))
    return len(combination) > 1 and int.from_bytes(digest(text)[:4], "big") % 100 < PERCENT_HELD_OUT


@cache
def held_out_combinations() -> frozenset[frozenset[str]]:
    """The combinations that training never shows; each is an unordered pair of lemmas."""
    return frozenset(frozenset(phrase.combination) for phrase in phrases() if is_chosen(phrase.combination))


def is_held_out(phrase: Phrase) -> bool:
    """Whether a row holds any two lemmas that training must never show together, whatever their roles."""
    held_out = held_out_combinations()
    return any(frozenset(pair) in held_out for pair in combinations(phrase.lemmas, 2))


def train_and_held_out() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Splits the corpus by combinations of words, not by rows.

    A row is held out if it brings together two words of a held-out combination, in any pattern, tense or
    number: a model knows each word of a held-out source from other sentences, but has never seen them meet.

    Returns:
        Rows to train on, and rows held out, both as (English, French) in the order of `phrasebook`. All rows
        of one source are on one side.
    """
    train: list[tuple[str, str]] = []
    held_out: list[tuple[str, str]] = []
    for phrase in phrases():
        (held_out if is_held_out(phrase) else train).append((phrase.source, phrase.target))
    return train, held_out
