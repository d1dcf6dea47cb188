"""Layouts of random graphs, in which nothing overlaps."""

import random
from itertools import pairwise

import pytest

from passerelle.plots.layout import arrange


def random_graph(seed):
    rng = random.Random(seed)
    count = rng.randint(2, 40)
    sizes = [(rng.uniform(40, 300), rng.uniform(30, 120)) for _ in range(count)]
    pairs = {(rng.randrange(target), target) for target in range(1, count) for _ in range(rng.randint(0, 3))}
    sources = {source for source, _ in pairs}
    ends = {target for _, target in pairs} - sources
    return sizes, sorted(pairs), ends, {pair for pair in pairs if rng.random() < 0.2}


@pytest.mark.parametrize("seed", range(40))
def test_boxes_and_edges_do_not_overlap(seed):
    sizes, edges, terminals, light = random_graph(seed)
    layout = arrange(sizes, edges, terminals=terminals, light=light)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(layout.corners, sizes, strict=True)]
    for at, (left, top, right, bottom) in enumerate(boxes):
        assert left >= -1e-6
        assert right <= layout.width + 1e-6
        assert top >= 0
        assert bottom <= layout.height + 1e-6
        for other in boxes[:at]:
            distance = max(left - other[2], other[0] - right)
            assert distance > 27 or top > other[3] or other[1] > bottom
    for (source, target), route in zip(edges, layout.routes, strict=True):
        assert route[0][1] == boxes[source][3]
        assert route[-1][2] == boxes[target][1]
        assert boxes[source][0] < route[0][0] < boxes[source][2]
        assert boxes[target][0] < route[-1][0] < boxes[target][2]
        for x, first, last in route:
            assert first <= last + 1e-6
            for left, top, right, bottom in boxes:
                assert not (left < x < right and first < bottom - 1e-6 and top < last - 1e-6)
        for (_, _, start), (_, end, _) in pairwise(route):
            assert start < end, "there is space for a curve"
            for left, top, right, bottom in boxes:
                assert top > end - 1e-6 or start > bottom - 1e-6, f"a box {left, right} between two rows"


def test_a_chain_with_detours_is_a_straight_column():
    """Residual sums: each box feeds the next two."""
    edges = [(at, at + hop) for at in range(10) for hop in (1, 2) if at + hop <= 10]
    layout = arrange([(100.0 + 20 * (at % 2), 50.0) for at in range(11)], edges, terminals={10})
    middles = {x + (100 + 20 * (at % 2)) / 2 for at, (x, _) in enumerate(layout.corners)}
    assert max(middles) - min(middles) < 1e-6


def test_long_edges_of_one_box_share_segments():
    """Box 0 feeds all other boxes of a chain; its edges differ only in their last segments."""
    edges = [(at, at + 1) for at in range(6)] + [(0, at) for at in range(2, 7)]
    layout = arrange([(100.0, 50.0)] * 7, edges, terminals={6})
    longest = layout.routes[edges.index((0, 6))]
    for target in range(2, 6):
        route = layout.routes[edges.index((0, target))]
        assert route[:-1] == longest[: len(route) - 1]


def test_a_single_box():
    layout = arrange([(100.0, 50.0)], [], terminals=set())
    assert (layout.width, layout.height, layout.corners, layout.routes) == (100, 50, [(0, 0)], [])
