"""Which pairs are too long: limits learned from the lengths or given, and nothing lost unsaid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerelle.data.lengths import ALWAYS, LengthLimits
from passerelle.data.pairs import Pairs

lengths = st.lists(st.integers(1, 100_000), min_size=1, max_size=300).map(np.array)


def test_golden_limits() -> None:
    usual = np.r_[np.full(99, 50), 20_000]
    assert LengthLimits.of(usual, usual // 10, None, None) == LengthLimits(400, 200)
    assert LengthLimits.of(usual, usual, 7, None) == LengthLimits(7, 400)
    assert LengthLimits.of(usual, usual, None, 30_000) == LengthLimits(400, 30_000)
    assert LengthLimits.of(np.array([5, 20_000]), np.array([5, 5]), None, None) == LengthLimits(200, 200)


@given(lengths)
def test_learned_limits_pass_over_strays_alone(lengths: np.ndarray) -> None:
    limit = LengthLimits.of(lengths, lengths, None, None).source
    over = lengths > limit
    assert over.sum() <= max(1, 0.01 * len(lengths) + 1)
    assert (lengths[over] > ALWAYS).all()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_what_is_left_out_is_counted(sizes: list[tuple[int, int]]) -> None:
    rows = [("s" * source, "t" * target) for source, target in sizes]
    pairs = Pairs([s for s, _ in rows], [t for _, t in rows], tags=["x"] * len(rows), skipped={"fuzzy": 2})
    columns = np.array(sizes).T
    kept = LengthLimits(5, 6).keep(pairs, *columns)
    assert list(kept) == [row for row in rows if len(row[0]) <= 5 and len(row[1]) <= 6]
    assert len(kept.tags or []) == len(kept)
    left_out = len(rows) - len(kept)
    assert sum(kept.skipped.values()) == 2 + left_out
    assert (kept is pairs) == (left_out == 0)
