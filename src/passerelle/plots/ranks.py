"""The row (rank) of each box in a layered graph, and the order in each row, with few crossings of edges.

Source: Sugiyama, Tagawa and Toda 1981 (ranks by longest paths, dummy nodes for long edges, barycenter sweeps), with the
swaps of neighbours of Gansner et al. 1993. A dummy node is called a bend.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Edge", "RankedGraph", "rank_boxes"]

Edge = tuple[int, int]  # source, target: indices of boxes, source < target

_SWEEPS = 12
_MOST_IN_ROW = 4  # inputs or outputs that share one row


@dataclass
class RankedGraph:
    """A graph with a bend wherever an edge passes a rank. Slots are the boxes, numbered first, and the bends.

    Attributes:
        widths: of each slot, in pixels; 0 for bends.
        boxes: number of boxes.
        rows: the slots of each rank, from left to right.
        ups: the slots above each slot that are connected with it.
        downs: those below it.
        chains: the slots of each edge: source box, bends, target box.
        light: edges that need not be straight.
    """

    widths: list[float]
    boxes: int
    rows: list[list[int]]
    ups: list[list[int]]
    downs: list[list[int]]
    chains: list[list[int]]
    light: Collection[Edge]

    def is_bend(self, slot: int) -> bool:
        return slot >= self.boxes


def rank_boxes(
    widths: Sequence[float], edges: Sequence[Edge], terminals: Collection[int], light: Collection[Edge]
) -> RankedGraph:
    """Assign a row to each box, add a bend in each row that an edge passes, and order the rows.

    Edges that leave the same box share their bends.

    Args:
        widths: width of each box, producers before consumers.
        edges: each pair of boxes once.
        terminals: boxes to place in the bottom row.
        light: edges that need not be straight.
    """
    graph = _add_bends(widths, _ranks(len(widths), edges, terminals), edges, light)
    _order(graph)
    return graph


def _ranks(count: int, edges: Sequence[Edge], terminals: Collection[int]) -> list[int]:
    ups: list[list[int]] = [[] for _ in range(count)]
    downs: list[list[int]] = [[] for _ in range(count)]
    ranks = [0] * count
    for source, target in sorted(edges):
        ups[target].append(source)
        downs[source].append(target)
        ranks[target] = max(ranks[target], ranks[source] + 1)
    if len(terminals) <= _MOST_IN_ROW:
        bottom = max((rank for box, rank in enumerate(ranks) if box not in terminals), default=-1) + 1
        ranks = [bottom if box in terminals else rank for box, rank in enumerate(ranks)]
    for box in reversed(range(count)):
        # A box with at least as many consumers as producers moves down, which shortens its edges. A box whose producers
        # are all inputs does not move.
        if len(downs[box]) >= len(ups[box]) and any(ups[above] for above in ups[box]):
            ranks[box] = min(ranks[below] for below in downs[box]) - 1
    if sum(not above for above in ups) > _MOST_IN_ROW:
        # Too many inputs for one row: each moves to the row above its first consumer, with all boxes between them that
        # lead nowhere else.
        loose = [False] * count
        for box in range(count):
            led_to = all(loose[above] and len(downs[above]) == 1 for above in ups[box])
            loose[box] = led_to and bool(downs[box])
        for box in reversed(range(count)):
            if loose[box]:
                ranks[box] = min(ranks[below] for below in downs[box]) - 1
    return ranks


def _add_bends(
    widths: Sequence[float],
    ranks: list[int],
    edges: Sequence[Edge],
    light: Collection[Edge],
) -> RankedGraph:
    """Add a bend in each rank that an edge passes; the edges of one source share their bends."""
    boxes = len(widths)
    widths, ranks = list(widths), list(ranks)
    bends: dict[tuple[int, int], int] = {}
    chains: list[list[int]] = []
    for source, target in edges:
        chain = [source]
        for rank in range(ranks[source] + 1, ranks[target]):
            if (source, rank) not in bends:
                bends[source, rank] = len(widths)
                widths.append(0.0)
                ranks.append(rank)
            chain.append(bends[source, rank])
        chains.append([*chain, target])
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    ups: list[list[int]] = [[] for _ in widths]
    downs: list[list[int]] = [[] for _ in widths]
    for slot, rank in enumerate(ranks):
        rows[rank].append(slot)
    joints = dict.fromkeys(joint for chain in chains for joint in pairwise(chain))  # distinct, in order
    for above, below in joints:
        downs[above].append(below)
        ups[below].append(above)
    return RankedGraph(widths, boxes, rows, ups, downs, chains, light)


def _order(graph: RankedGraph) -> None:
    """Order each row to reduce the crossings of edges."""
    best, fewest = [list(row) for row in graph.rows], _crossings(graph)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        neighbours = graph.ups if downwards else graph.downs
        fixed: dict[int, int] = {}
        for row in graph.rows if downwards else reversed(graph.rows):
            centre = {slot: float(at) for at, slot in enumerate(row)}
            for slot in row:
                places = [fixed[other] for other in neighbours[slot] if other in fixed]
                centre[slot] = sum(places) / len(places) if places else centre[slot]
            row.sort(key=centre.__getitem__)
            fixed = {slot: at for at, slot in enumerate(row)}
        _swap_neighbours(graph)
        crossings = _crossings(graph)
        if crossings < fewest:
            best, fewest = [list(row) for row in graph.rows], crossings
    graph.rows[:] = best


def _crossings(graph: RankedGraph) -> int:
    total = 0
    for upper, lower in pairwise(graph.rows):
        place = {slot: at for at, slot in enumerate(lower)}
        seen: list[int] = []
        for slot in upper:
            ends = sorted(place[below] for below in graph.downs[slot])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _swap_neighbours(graph: RankedGraph) -> None:
    place = {slot: at for row in graph.rows for at, slot in enumerate(row)}

    def crossed(left: int, right: int) -> int:
        return sum(place[a] > place[b] for side in (graph.ups, graph.downs) for a in side[left] for b in side[right])

    for row in graph.rows * 3:
        for at in range(len(row) - 1):
            left, right = row[at], row[at + 1]
            if crossed(right, left) < crossed(left, right):
                row[at], row[at + 1] = right, left
                place[left], place[right] = at + 1, at
