"""Where the boxes and arrows of a layered picture go, in pixels; knows nothing of models or of drawing.

Each row is settled by weighted least absolute deviations, which snaps boxes into straight columns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from passerelle.plots.ranks import Edge, RankedGraph, rank_boxes

__all__ = ["LEAD", "Layout", "Station", "arrange"]

LEAD = 20.0  # the straight piece above a box, which holds the arrow's head and the number of tensors
_PORT_INSET = 16.0
_PORT_DISTANCE = 28.0
_MAIN, _LONG, _SIDE = 12.0, 4.0, 1.0  # how strongly an edge wants to be straight

Station = tuple[float, float, float]  # x, top, bottom of a vertical piece of an arrow; curves join them
Wish = tuple[float, float]  # x, weight


@dataclass(frozen=True)
class Layout:
    """The left and top of every box, the stations of every edge, and the size of the whole."""

    width: float
    height: float
    corners: list[tuple[float, float]]
    routes: list[list[Station]]


def arrange(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    *,
    terminals: Collection[int],
    light: Collection[Edge] = (),
) -> Layout:
    """Arranges boxes in rows from top to bottom: none overlaps another, and no edge runs through a box.

    Long edges that leave the same box share a trunk.

    Args:
        sizes: width and height of each box, producers before consumers.
        edges: (source, target) as indices of boxes, each pair once, source < target.
        terminals: boxes that belong at the bottom: the model's outputs.
        light: edges that matter less, and need not be straight.
    """
    graph = rank_boxes([width for width, _ in sizes], edges, terminals, light)
    middles = _settle_rows(graph)
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


def _settle_rows(graph: RankedGraph) -> list[float]:
    """Returns the middle of each slot: near its neighbours above and below, clear of those beside it."""
    middles = [0.0] * len(graph.widths)

    def settle(row: list[int], sides: Sequence[list[list[int]]]) -> None:
        wishes: list[list[Wish]] = []
        for slot in row:
            found = [(middles[other], _pull(graph, slot, other)) for side in sides for other in side[slot]]
            if graph.is_bend(slot) or not found:
                found.append((middles[slot], 0.01))  # stays where it is if it has no better place
            wishes.append(found)
        gaps = [
            (graph.widths[left] + graph.widths[right]) / 2
            + (16.0 if graph.is_bend(left) and graph.is_bend(right) else 28.0)
            for left, right in pairwise(row)
        ]
        for slot, middle in zip(row, _settle(wishes, gaps), strict=True):
            middles[slot] = middle

    for turn in range(24):
        sides = ([graph.ups], [graph.downs])[turn % 2] if turn < 12 else [graph.ups, graph.downs]
        for row in graph.rows if turn % 2 == 0 else reversed(graph.rows):
            settle(row, sides)
    return middles


def _pull(graph: RankedGraph, slot: int, other: int) -> float:
    """Columns of boxes stay straight, long edges bend around them, inputs and outputs keep to the side."""
    bends = graph.is_bend(slot) + graph.is_bend(other)
    if bends:
        return _LONG if bends == 2 else _SIDE
    above, below = min(slot, other), max(slot, other)
    aside = (not graph.ups[above] and len(graph.ups[below]) > 1) or (
        not graph.downs[below] and len(graph.downs[above]) > 1
    )
    return _SIDE if aside or (above, below) in graph.light else _MAIN


def _settle(wishes: Sequence[Sequence[Wish]], gaps: Sequence[float]) -> list[float]:
    """Returns positions at least `gaps` apart, the sum of whose weighted distances to the wishes is least.

    Pools adjacent violators, each pool at the weighted median of its wishes (Best and Chakravarti 1990).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, list[Wish], int]] = []
    for own, offset in zip(wishes, offsets, strict=True):
        pooled, members = [(x - offset, weight) for x, weight in own], 1
        level = _median(pooled)
        while pools and pools[-1][0] >= level:
            _, earlier, count = pools.pop()
            pooled, members = earlier + pooled, members + count
            level = _median(pooled)
        pools.append((level, pooled, members))
    levels = [level for level, _, members in pools for _ in range(members)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _median(wishes: Sequence[Wish]) -> float:
    half = sum(weight for _, weight in wishes) / 2
    reached = 0.0
    ordered = sorted(wishes)
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
    """Returns top and bottom of each row; the further edges run sideways, the more room between two rows."""
    bands: list[tuple[float, float]] = []
    top = 0.0
    for row in graph.rows:
        height = max((sizes[slot][1] for slot in row if not graph.is_bend(slot)), default=0.0)
        bands.append((top, top + height))
        shifts = [abs(middles[slot] - middles[below]) for slot in row for below in graph.downs[slot]]
        top += height + LEAD + min(max(0.11 * max(shifts, default=0.0), 28.0), 90.0)
    return bands


def _ports(aims: Mapping[int, float], middle: float, width: float) -> dict[int, float]:
    """Returns where the edges to or from each of the neighbours (keys, with their x) touch a box."""
    if not aims:
        return {}
    others = sorted(aims, key=aims.__getitem__)
    reach = max(width / 2 - _PORT_INSET, 0.0)
    step = min(_PORT_DISTANCE, 2 * reach / max(len(others) - 1, 1))
    lowest, highest = middle - reach, middle + reach - step * (len(others) - 1)
    wishes: list[list[Wish]] = []
    for at, other in enumerate(others):
        wishes.append([(min(max(aims[other], lowest + at * step), highest + at * step), 1.0)])
    return dict(zip(others, _settle(wishes, [step] * (len(others) - 1)), strict=True))


def _routes(
    graph: RankedGraph,
    sizes: Sequence[tuple[float, float]],
    middles: Sequence[float],
    bands: Sequence[tuple[float, float]],
    corners: Sequence[tuple[float, float]],
) -> list[list[Station]]:
    """Returns each edge's way: out of its source, past every row between, into its target."""
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
    routes: list[list[Station]] = []
    for chain in graph.chains:
        source, *bends, target = chain
        stations = [(leave[source][chain[1]], corners[source][1] + sizes[source][1], band[source][1])]
        stations += [(middles[bend], band[bend][0] - LEAD, band[bend][1]) for bend in bends]
        stations.append((enter[target][chain[-2]], band[target][0] - LEAD, corners[target][1]))
        routes.append(stations)
    return routes
