"""Positions of the boxes and arrows of a layered graph, in pixels.

The positions in each row minimize weighted absolute deviations, which aligns boxes in straight columns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from passerelle.plots.ranks import Edge, RankedGraph, rank_boxes

__all__ = ["LEAD", "Layout", "Segment", "arrange"]

LEAD = 20.0  # the straight segment above a box: the arrow's head and the number of tensors
_PORT_INSET = 16.0
_PORT_DISTANCE = 28.0
_MAIN, _LONG, _SIDE = 12.0, 4.0, 1.0  # weights of the horizontal deviation of an edge

Segment = tuple[float, float, float]  # x, top, bottom of a vertical segment of an arrow; curves connect the segments
Desired = tuple[float, float]  # x, weight


@dataclass(frozen=True)
class Layout:
    """A layout, in pixels.

    Attributes:
        width: total width.
        height: total height.
        corners: left and top of each box.
        routes: the vertical segments of each edge, from top to bottom.
    """

    width: float
    height: float
    corners: list[tuple[float, float]]
    routes: list[list[Segment]]


def arrange(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    *,
    terminals: Collection[int],
    light: Collection[Edge] = (),
) -> Layout:
    """Arrange boxes in rows from top to bottom so that no boxes overlap and no edge crosses a box.

    Long edges that leave the same box share segments.

    Args:
        sizes: width and height of each box, producers before consumers.
        edges: (source, target), indices of boxes with source < target; each pair once.
        terminals: boxes to place in the bottom row, such as the outputs of a model.
        light: less important edges, which need not be straight.
    """
    graph = rank_boxes([width for width, _ in sizes], edges, terminals, light)
    middles = _place_rows(graph)
    left = min(middle - width / 2 for middle, width in zip(middles, graph.widths, strict=True))
    middles = [middle - left for middle in middles]
    width = max(middle + width / 2 for middle, width in zip(middles, graph.widths, strict=True))
    bands = _bands(graph, sizes, middles)
    corners = [(0.0, 0.0)] * len(sizes)
    for row, (top, bottom) in zip(graph.rows, bands, strict=True):
        for slot in row:
            if not graph.is_bend(slot):
                corners[slot] = (middles[slot] - sizes[slot][0] / 2, (top + bottom - sizes[slot][1]) / 2)
    return Layout(width, bands[-1][1], corners, _routes(graph, sizes, middles, bands, corners))


def _place_rows(graph: RankedGraph) -> list[float]:
    """Return the x of the middle of each slot: close to its neighbours above and below, without overlaps."""
    middles = [0.0] * len(graph.widths)

    def place(row: list[int], sides: Sequence[list[list[int]]]) -> None:
        desired: list[list[Desired]] = []
        for slot in row:
            found = [(middles[other], _weight(graph, slot, other)) for side in sides for other in side[slot]]
            if graph.is_bend(slot) or not found:
                found.append((middles[slot], 0.01))  # with no better position it does not move
            desired.append(found)
        gaps = [
            (graph.widths[left] + graph.widths[right]) / 2
            + (16.0 if graph.is_bend(left) and graph.is_bend(right) else 28.0)
            for left, right in pairwise(row)
        ]
        for slot, middle in zip(row, _closest(desired, gaps), strict=True):
            middles[slot] = middle

    for turn in range(24):
        sides = ([graph.ups], [graph.downs])[turn % 2] if turn < 12 else [graph.ups, graph.downs]
        for row in graph.rows if turn % 2 == 0 else reversed(graph.rows):
            place(row, sides)
    return middles


def _weight(graph: RankedGraph, slot: int, other: int) -> float:
    """Return the weight of an edge: largest within a column of boxes, least for side inputs, side outputs and masks."""
    bends = graph.is_bend(slot) + graph.is_bend(other)
    if bends:
        return _LONG if bends == 2 else _SIDE
    above, below = min(slot, other), max(slot, other)
    aside = (not graph.ups[above] and len(graph.ups[below]) > 1) or (
        not graph.downs[below] and len(graph.downs[above]) > 1
    )
    return _SIDE if aside or (above, below) in graph.light else _MAIN


def _closest(desired: Sequence[Sequence[Desired]], gaps: Sequence[float]) -> list[float]:
    """Return the positions, at least `gaps` apart, that minimize the weighted distances to the desired positions.

    Source: the pool-adjacent-violators algorithm with weighted medians (Best and Chakravarti 1990).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, list[Desired], int]] = []
    for own, offset in zip(desired, offsets, strict=True):
        pooled, members = [(x - offset, weight) for x, weight in own], 1
        level = _median(pooled)
        while pools and pools[-1][0] >= level:
            _, earlier, count = pools.pop()
            pooled, members = earlier + pooled, members + count
            level = _median(pooled)
        pools.append((level, pooled, members))
    levels = [level for level, _, members in pools for _ in range(members)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _median(desired: Sequence[Desired]) -> float:
    half = sum(weight for _, weight in desired) / 2
    reached = 0.0
    ordered = sorted(desired)
    for at, (x, weight) in enumerate(ordered):
        reached += weight
        if abs(reached - half) < 1e-9 and at + 1 < len(ordered):
            return (x + ordered[at + 1][0]) / 2
        if reached > half:
            return x
    return ordered[-1][0]


def _bands(
    graph: RankedGraph, sizes: Sequence[tuple[float, float]], middles: Sequence[float]
) -> list[tuple[float, float]]:
    """Return the top and bottom of each row; rows are further apart where edges run further sideways."""
    bands: list[tuple[float, float]] = []
    top = 0.0
    for row in graph.rows:
        height = max((sizes[slot][1] for slot in row if not graph.is_bend(slot)), default=0.0)
        bands.append((top, top + height))
        shifts = [abs(middles[slot] - middles[below]) for slot in row for below in graph.downs[slot]]
        top += height + LEAD + min(max(0.11 * max(shifts, default=0.0), 28.0), 90.0)
    return bands


def _ports(aims: Mapping[int, float], middle: float, width: float) -> dict[int, float]:
    """Return the x at which the edge of each neighbour touches a box; `aims` is the x of each neighbour."""
    if not aims:
        return {}
    others = sorted(aims, key=aims.__getitem__)
    reach = max(width / 2 - _PORT_INSET, 0.0)
    step = min(_PORT_DISTANCE, 2 * reach / max(len(others) - 1, 1))
    lowest, highest = middle - reach, middle + reach - step * (len(others) - 1)
    desired: list[list[Desired]] = []
    for at, other in enumerate(others):
        desired.append([(min(max(aims[other], lowest + at * step), highest + at * step), 1.0)])
    return dict(zip(others, _closest(desired, [step] * (len(others) - 1)), strict=True))


def _routes(
    graph: RankedGraph,
    sizes: Sequence[tuple[float, float]],
    middles: Sequence[float],
    bands: Sequence[tuple[float, float]],
    corners: Sequence[tuple[float, float]],
) -> list[list[Segment]]:
    """Return the segments of each edge: below its source, along each row that it passes, above its target."""
    leave = [
        _ports({below: middles[below] for below in graph.downs[box]}, middles[box], graph.widths[box])
        for box in range(graph.boxes)
    ]
    enter = [
        _ports(
            {above: middles[above] if graph.is_bend(above) else leave[above][box] for above in graph.ups[box]},
            middles[box],
            graph.widths[box],
        )
        for box in range(graph.boxes)
    ]
    band = {slot: band for row, band in zip(graph.rows, bands, strict=True) for slot in row}
    routes: list[list[Segment]] = []
    for chain in graph.chains:
        source, *bends, target = chain
        segments = [(leave[source][chain[1]], corners[source][1] + sizes[source][1], band[source][1])]
        segments += [(middles[bend], band[bend][0] - LEAD, band[bend][1]) for bend in bends]
        segments.append((enter[target][chain[-2]], band[target][0] - LEAD, corners[target][1]))
        routes.append(segments)
    return routes
