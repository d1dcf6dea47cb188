"""Sets of characters as ranges of code points, and ranges of code points as ranges of UTF-8 bytes."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache

from passerelle.constraints.limits import Steps

__all__ = [
    "ALL_CODE_POINTS",
    "Ranges",
    "Transition",
    "byte_transitions",
    "complement",
    "merged",
    "partition",
    "ranges_of",
]

Ranges = tuple[tuple[int, int], ...]
"""First and last code point of each range; ascending, disjoint and not adjacent."""

Transition = tuple[int, int, int]
"""First byte, last byte, and the node that these bytes lead to; ~n after the last byte of a character in set n."""

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


def partition(sets: Sequence[Ranges], steps: Steps) -> list[tuple[tuple[int, ...], Ranges]]:
    """Divide the characters of sets that may overlap into disjoint sets.

    Args:
        sets: sets of characters.
        steps: counts the steps.

    Returns:
        For each combination of sets that occurs: the indices of its sets, and the characters that are in exactly these.

    Raises:
        SettingsError: if it takes too many steps.
    """
    if len(sets) == 1:
        return [((0,), sets[0])] if sets[0] else []
    edges = sorted(
        (point, index) for index, ranges in enumerate(sets) for low, high in ranges for point in (low, high + 1)
    )
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    inside: set[int] = set()
    for (point, index), (after, _) in itertools.pairwise([*edges, (ALL_CODE_POINTS[0][1] + 1, -1)]):
        inside ^= {index}
        steps.add(1 + len(inside) // 4)
        if inside and point < after:
            found.setdefault(tuple(sorted(inside)), []).append((point, after - 1))
    return [(members, merged(ranges)) for members, ranges in found.items()]


@lru_cache(1024)
def byte_transitions(sets: tuple[Ranges, ...]) -> tuple[tuple[Transition, ...], ...]:
    """Return the UTF-8 sequences of all characters in disjoint sets as a deterministic acyclic graph.

    Returns:
        The transitions of each node. A node comes after those that it leads to, and the last node is the start; equal
        nodes are merged.
    """
    ranges = sorted((low, high, index) for index, ranges in enumerate(sets) for low, high in ranges)
    sequences = [(sequence, ~index) for low, high, index in ranges for sequence in _sequences(low, high)]
    nodes: dict[tuple[Transition, ...], int] = {}
    _add_node(sequences, 0, nodes)
    return tuple(nodes)


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


def _add_node(
    sequences: list[tuple[tuple[tuple[int, int], ...], int]], place: int, nodes: dict[tuple[Transition, ...], int]
) -> int:
    """Return the number of the node from which the rest of `sequences`, from byte `place`, leads to their ends.

    The byte ranges at one position of the sequences must be equal or disjoint.
    """
    transitions: list[Transition] = []
    for (low, high), grouped in itertools.groupby(sequences, key=lambda each: each[0][place]):
        group = list(grouped)
        sequence, end = group[0]
        node = _add_node(group, place + 1, nodes) if place + 1 < len(sequence) else end
        if transitions and transitions[-1][1:] == (low - 1, node):
            transitions[-1] = (transitions[-1][0], high, node)
        else:
            transitions.append((low, high, node))
    return nodes.setdefault(tuple(transitions), len(nodes))
