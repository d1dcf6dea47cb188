"""Ids for copying: what each source symbol is called on the target side, whether the target's vocabulary has it or not.

A source symbol without a target id is called by its place: the size of the target vocabulary plus the position of its
first occurrence in its source. So each text brings names of its own, and a network can write what it never saw.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from passerelle.symbols import END, UNK
from passerelle.text.sequences import Sequences
from passerelle.text.tokenizer import Tokenizer

__all__ = ["copied_symbols", "copy_ids", "copying_targets"]

Symbols = list[str]
"""Those of one source, as a tokenizer splits it."""


def copy_ids(sources: Iterable[Symbols], target: Tokenizer) -> Sequences:
    """For each source the target ids of its symbols."""
    return Sequences.from_lists(ids for ids, _ in _named(sources, target))


def copying_targets(sources: Iterable[Symbols], target: Tokenizer, answers: Sequence[str]) -> Sequences:
    """Target ids of `answers`, END after each; symbols that only the source has go by their place in it."""
    id_of = target.vocabulary.id_of

    def rows() -> Iterator[list[int]]:
        for (_, places), answer in zip(_named(sources, target), answers, strict=True):
            ids = ((symbol, id_of(symbol)) for symbol in target.read(answer))
            yield [*(places.get(symbol, UNK) if identifier == UNK else identifier for symbol, identifier in ids), END]

    return Sequences.from_lists(rows())


def copied_symbols(source: Symbols, target: Tokenizer, ids: np.ndarray) -> list[str]:
    """The symbols of target ids, some of which may stand for symbols of the source."""
    size = target.vocabulary.size
    return [target.vocabulary.symbol_of(i) if i < size else source[i - size] for i in ids.tolist()]


def _named(sources: Iterable[Symbols], target: Tokenizer) -> Iterator[tuple[list[int], dict[str, int]]]:
    """For each source its symbols' target ids, and the places of those without one."""
    id_of, size = target.vocabulary.id_of, target.vocabulary.size
    for symbols in sources:
        places: dict[str, int] = {}
        ids = []
        for position, symbol in enumerate(symbols):
            identifier = id_of(symbol)
            ids.append(places.setdefault(symbol, size + position) if identifier == UNK else identifier)
        yield ids, places
