"""Sets of characters as ranges of code points, and ranges of code points as ranges of UTF-8 bytes."""

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

__all__ = ["ALL_CODE_POINTS", "Ranges", "Transition", "byte_transitions", "complement", "merged", "ranges_of"]

Ranges = tuple[tuple[int, int], ...]
"""First and last code point of each range; ascending, disjoint and not adjacent."""

Transition = tuple[int, int, int]
"""First byte, last byte, and the node that these bytes lead to."""

ALL_CODE_POINTS: Ranges = ((0, 0x10FFFF),)

# Ranges of code points that have UTF-8 sequences of one length. Surrogates have none.
_LENGTHS = ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort any ranges and merge those that overlap or are adjacent."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def complement(ranges: Ranges) -> Ranges:
    """Return all code points that are not in `ranges`."""
    first = (0, *(high + 1 for _, high in ranges))
    last = (*(low - 1 for low, _ in ranges), ALL_CODE_POINTS[0][1])
    return tuple((low, high) for low, high in zip(first, last, strict=True) if low <= high)


@cache
def ranges_of(escape: str) -> Ranges:
    r"""Return the code points that `\d`, `\w` or `\s` matches in Python, found by matching all of them with `re`."""
    every = "".join(map(chr, range(ALL_CODE_POINTS[0][1] + 1)))
    return tuple((found.start(), found.end() - 1) for found in re.finditer(f"{escape}+", every))


@lru_cache(1024)
def byte_transitions(ranges: Ranges) -> tuple[tuple[Transition, ...], ...]:
    """Return the UTF-8 sequences of all characters in `ranges` as a deterministic acyclic graph.

    Returns:
        The transitions of each node. Node 0 is the end and the last node is the start; equal nodes are merged.
    """
    sequences = [sequence for low, high in ranges for sequence in _sequences(low, high)]
    nodes: dict[tuple[Transition, ...], int] = {(): 0}
    _add_node(sequences, nodes)
    return tuple(nodes) if len(nodes) > 1 else ((), ())


def _sequences(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Split a range of code points into parts that are Cartesian products of byte ranges, ascending.

    Source: Russ Cox's program for RE2 (Regular Expression Matching in the Wild, 2010, "Step 2").
    """
    for first, last in _LENGTHS:
        if max(low, first) <= min(high, last):
            yield from _split(max(low, first), min(high, last))


def _split(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    first, last = chr(low).encode(), chr(high).encode()
    for bits in range(6, 6 * len(first), 6):
        tail = (1 << bits) - 1
        if low >> bits != high >> bits:
            if low & tail:
                yield from _split(low, low | tail)
                yield from _split((low | tail) + 1, high)
                return
            if high & tail != tail:
                yield from _split(low, (high & ~tail) - 1)
                yield from _split(high & ~tail, high)
                return
    yield tuple(zip(first, last, strict=True))


def _add_node(sequences: list[tuple[tuple[int, int], ...]], nodes: dict[tuple[Transition, ...], int]) -> int:
    """Return the number of the node from which `sequences` lead to the end.

    The byte ranges at one position of the sequences must be equal or disjoint.
    """
    transitions: list[Transition] = []
    for (low, high), group in itertools.groupby(sequences, key=lambda sequence: sequence[0]):
        rest = [sequence[1:] for sequence in group]
        node = _add_node(rest, nodes) if rest[0] else 0
        if transitions and transitions[-1][1:] == (low - 1, node):
            transitions[-1] = (transitions[-1][0], high, node)
        else:
            transitions.append((low, high, node))
    return nodes.setdefault(tuple(transitions), len(nodes))
