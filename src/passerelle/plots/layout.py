"""Where the boxes and arrows of a layered picture go, in pixels; knows nothing of models or of drawing.

Source: Sugiyama, Tagawa and Toda 1981 (ranks by longest path, bends for long edges, barycenter sweeps), with Gansner et
al. 1993 (swaps of neighbours). Coordinates deviate: each row is settled by weighted least absolute deviations.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LEAD", "Layout", "Station", "arrange"]

LEAD = 20.0  # the straight piece above a box, which holds the arrow's head and the number of tensors
_SWEEPS = 12
_FEW = 4  # more inputs or outputs than this make too wide a row
_PORT_INSET = 16.0
_PORT_DISTANCE = 28.0
_MAIN, _LONG, _SIDE = 12.0, 4.0, 1.0  # how strongly an edge wants to be straight

Station = tuple[float, float, float]  # x, top, bottom: a vertical piece of an arrow; curves join it to the next
Wish = tuple[float, float]  # x, weight


@dataclass(frozen=True)
class Layout:
    """The left and top of every box, the stations of every edge, and the size of the whole."""

    width: float
    height: float
    corners: list[tuple[float, float]]
    routes: list[list[Station]]


@dataclass
class _Ranked:
    """The graph with a bend wherever an edge passes a rank; slots are the boxes (first) and the bends."""

    widths: list[float]
    boxes: int
    rows: list[list[int]]
    ups: list[list[int]]
    downs: list[list[int]]
    chains: list[list[int]]  # per edge: source box, bends, target box
    light: Collection[tuple[int, int]]

    def is_bend(self, slot: int) -> bool:
        return slot >= self.boxes


def arrange(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    *,
    terminals: Collection[int],
    light: Collection[tuple[int, int]] = (),
) -> Layout:
    """Arranges boxes in ranks from top to bottom, so that no box overlaps another and no edge runs through a box.

    Long edges that leave the same box share a trunk.

    Args:
        sizes: width and height of each box, producers before consumers.
        edges: (source, target) as indices of boxes, each pair once, source < target.
        terminals: boxes that belong at the bottom: the model's outputs.
        light: edges that matter less, and need not be straight.
    """
    graph = _thread([width for width, _ in sizes], _ranks(len(sizes), edges, terminals), edges, light)
    _order(graph)
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


def _ranks(count: int, edges: Sequence[tuple[int, int]], terminals: Collection[int]) -> list[int]:
    ups: list[list[int]] = [[] for _ in range(count)]
    downs: list[list[int]] = [[] for _ in range(count)]
    ranks = [0] * count
    for source, target in sorted(edges):
        ups[target].append(source)
        downs[source].append(target)
        ranks[target] = max(ranks[target], ranks[source] + 1)
    if len(terminals) <= _FEW:
        bottom = max((rank for box, rank in enumerate(ranks) if box not in terminals), default=-1) + 1
        ranks = [bottom if box in terminals else rank for box, rank in enumerate(ranks)]
    if sum(not above for above in ups) > _FEW:
        # Too many for one row: an input stands right above its first consumer, and so does what only leads there.
        loose = [False] * count
        for box in range(count):
            loose[box] = bool(downs[box]) and all(loose[above] and len(downs[above]) == 1 for above in ups[box])
        for box in reversed(range(count)):
            if loose[box]:
                ranks[box] = min(ranks[below] for below in downs[box]) - 1
    for box in reversed(range(count)):
        # Edges get shorter where what comes out is more than what goes in; what inputs lead to stays beside them.
        if len(downs[box]) >= len(ups[box]) and any(ups[above] for above in ups[box]):
            ranks[box] = min(ranks[below] for below in downs[box]) - 1
    return ranks


def _thread(
    widths: list[float],
    ranks: list[int],
    edges: Sequence[tuple[int, int]],
    light: Collection[tuple[int, int]],
) -> _Ranked:
    """Puts a bend into every rank that an edge passes; edges of one source share theirs."""
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
    for above, below in dict.fromkeys(pair for chain in chains for pair in zip(chain, chain[1:], strict=False)):
        downs[above].append(below)
        ups[below].append(above)
    return _Ranked(widths, boxes, rows, ups, downs, chains, light)


def _order(graph: _Ranked) -> None:
    """Orders each row so that few edges cross."""
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


def _crossings(graph: _Ranked) -> int:
    total = 0
    for upper, lower in zip(graph.rows, graph.rows[1:], strict=False):
        place = {slot: at for at, slot in enumerate(lower)}
        seen: list[int] = []
        for slot in upper:
            ends = sorted(place[below] for below in graph.downs[slot])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _swap_neighbours(graph: _Ranked) -> None:
    place = {slot: at for row in graph.rows for at, slot in enumerate(row)}

    def crossed(left: int, right: int) -> int:
        return sum(
            place[a] > place[b]
            for side in (graph.ups, graph.downs)
            for a in side[left]
            for b in side[right]
        )

    for row in graph.rows * 3:
        for at in range(len(row) - 1):
            left, right = row[at], row[at + 1]
            if crossed(right, left) < crossed(left, right):
                row[at], row[at + 1] = right, left
                place[left], place[right] = at + 1, at


def _settle_rows(graph: _Ranked) -> list[float]:
    """Returns the middle of each slot: near its neighbours above and below, clear of those beside it."""
    middles = [0.0] * len(graph.widths)

    def settle(row: list[int], sides: Sequence[list[list[int]]]) -> None:
        wishes: list[list[Wish]] = []
        for slot in row:
            found = [(middles[other], _pull(graph, slot, other)) for side in sides for other in side[slot]]
            stay = [(middles[slot], 0.01)] if graph.is_bend(slot) or not found else []  # decides between equals
            wishes.append(found + stay)
        gaps = [
            (graph.widths[left] + graph.widths[right]) / 2
            + (16.0 if graph.is_bend(left) and graph.is_bend(right) else 28.0)
            for left, right in zip(row, row[1:], strict=False)
        ]
        for slot, middle in zip(row, _settle(wishes, gaps), strict=True):
            middles[slot] = middle

    for turn in range(24):
        sides = ([graph.ups], [graph.downs])[turn % 2] if turn < 12 else [graph.ups, graph.downs]
        for row in graph.rows if turn % 2 == 0 else reversed(graph.rows):
            settle(row, sides)
    return middles


def _pull(graph: _Ranked, slot: int, other: int) -> float:
    """Columns of boxes stay straight, long edges bend around them, and side inputs and outputs keep to the side."""
    bends = graph.is_bend(slot) + graph.is_bend(other)
    if bends:
        return _LONG if bends == 2 else _SIDE
    above, below = min(slot, other), max(slot, other)
    aside = (not graph.ups[above] and len(graph.ups[below]) > 1) or (
        not graph.downs[below] and len(graph.downs[above]) > 1
    )
    return _SIDE if aside or (above, below) in graph.light else _MAIN


def _settle(wishes: Sequence[Sequence[Wish]], gaps: Sequence[float]) -> list[float]:
    """Returns the positions nearest to the wishes (in sum of weighted distances) with at least `gaps` between them.

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
    graph: _Ranked, sizes: Sequence[tuple[float, float]], middles: Sequence[float]
) -> list[tuple[float, float]]:
    """Returns top and bottom of each rank; the further edges run sideways, the more room between two ranks."""
    bands: list[tuple[float, float]] = []
    top = 0.0
    for row in graph.rows:
        height = max((sizes[slot][1] for slot in row if not graph.is_bend(slot)), default=0.0)
        bands.append((top, top + height))
        sideways = max((abs(middles[slot] - middles[below]) for slot in row for below in graph.downs[slot]), default=0)
        top += height + LEAD + min(max(0.11 * sideways, 28.0), 90.0)
    return bands


def _ports(graph: _Ranked, box: int, others: Sequence[int], aims: Mapping[int, float], middle: float) -> dict[int, float]:
    """Returns where the edges to or from each of `others` touch the box, in the order in which they come."""
    if not others:
        return {}
    others = sorted(others, key=lambda other: aims[other])
    reach = max(graph.widths[box] / 2 - _PORT_INSET, 0.0)
    step = min(_PORT_DISTANCE, 2 * reach / max(len(others) - 1, 1))
    lowest, highest = middle - reach, middle + reach - step * (len(others) - 1)
    wishes = [[(min(max(aims[other], lowest + at * step), highest + at * step), 1.0)] for at, other in enumerate(others)]
    return dict(zip(others, _settle(wishes, [step] * (len(others) - 1)), strict=True))


def _routes(
    graph: _Ranked,
    sizes: Sequence[tuple[float, float]],
    middles: Sequence[float],
    bands: Sequence[tuple[float, float]],
    corners: Sequence[tuple[float, float]],
) -> list[list[Station]]:
    rank = {slot: at for at, row in enumerate(graph.rows) for slot in row}
    aims = dict(enumerate(middles))
    leave = [_ports(graph, box, graph.downs[box], aims, middles[box]) for box in range(graph.boxes)]
    enter: list[dict[int, float]] = []
    for box in range(graph.boxes):
        starts = {up: middles[up] if graph.is_bend(up) else leave[up][box] for up in graph.ups[box]}
        enter.append(_ports(graph, box, graph.ups[box], starts, middles[box]))
    routes: list[list[Station]] = []
    for chain in graph.chains:
        source, target = chain[0], chain[-1]
        stations = [(leave[source][chain[1]], corners[source][1] + sizes[source][1], bands[rank[source]][1])]
        stations += [(middles[bend], bands[rank[bend]][0] - LEAD, bands[rank[bend]][1]) for bend in chain[1:-1]]
        stations.append((enter[target][chain[-2]], bands[rank[target]][0] - LEAD, corners[target][1]))
        routes.append(stations)
    return routes
