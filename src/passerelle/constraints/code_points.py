"""Sets of characters as ranges of code points, and ranges as byte sequences of UTF-8."""

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

__all__ = ["EVERY", "Ranges", "Way", "byte_ways", "complement", "merged", "ranges_of"]

Ranges = tuple[tuple[int, int], ...]
"""First and last code points, ascending, none touching the next."""

Way = tuple[int, int, int]
"""First byte, last byte, and the node they lead to."""

EVERY: Ranges = ((0, 0x10FFFF),)

# No text holds surrogates; characters of one length in UTF-8 stand together.
_LENGTHS = ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Any ranges, put in order and joined where they touch."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that is not in `ranges`."""
    first = (0, *(high + 1 for _, high in ranges))
    last = (*(low - 1 for low, _ in ranges), EVERY[0][1])
    return tuple((low, high) for low, high in zip(first, last, strict=True) if low <= high)


@cache
def ranges_of(escape: str) -> Ranges:
    r"""What `\d`, `\w` or `\s` matches in Python: asked of Python itself."""
    every = "".join(map(chr, range(EVERY[0][1] + 1)))
    return tuple((found.start(), found.end() - 1) for found in re.finditer(f"{escape}+", every))


@lru_cache(1024)
def byte_ways(ranges: Ranges) -> tuple[tuple[Way, ...], ...]:
    """The bytes of every character in `ranges`, as a deterministic graph without circles.

    Returns:
        The ways out of each node. Node 0 is the end, the last one the beginning; equal nodes are one.
    """
    sequences = [sequence for low, high in ranges for sequence in _sequences(low, high)]
    nodes: dict[tuple[Way, ...], int] = {(): 0}
    _add_node(sequences, nodes)
    return tuple(nodes) if len(nodes) > 1 else ((), ())


def _sequences(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Cuts a range so that each part is a product of byte ranges, ascending.

    Source: Russ Cox's program for RE2 (Regular Expression Matching in the Wild, 2010, "Step 2").
    """
    for first, last in _LENGTHS:
        if max(low, first) <= min(high, last):
            yield from _cut(max(low, first), min(high, last))


def _cut(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    first, last = chr(low).encode(), chr(high).encode()
    for bits in range(6, 6 * len(first), 6):
        tail = (1 << bits) - 1
        if low >> bits != high >> bits:
            if low & tail:
                yield from _cut(low, low | tail)
                yield from _cut((low | tail) + 1, high)
                return
            if high & tail != tail:
                yield from _cut(low, (high & ~tail) - 1)
                yield from _cut(high & ~tail, high)
                return
    yield tuple(zip(first, last, strict=True))


def _add_node(sequences: list[tuple[tuple[int, int], ...]], nodes: dict[tuple[Way, ...], int]) -> int:
    """The number of the node from which `sequences` lead to the end; ranges at one place are equal or disjoint."""
    ways: list[Way] = []
    for (low, high), group in itertools.groupby(sequences, key=lambda sequence: sequence[0]):
        rest = [sequence[1:] for sequence in group]
        node = _add_node(rest, nodes) if rest[0] else 0
        if ways and ways[-1][1:] == (low - 1, node):
            ways[-1] = (ways[-1][0], high, node)
        else:
            ways.append((low, high, node))
    return nodes.setdefault(tuple(ways), len(nodes))
