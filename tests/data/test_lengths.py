"""Length limits: defaults computed from the pairs, requested limits, and counts of the skipped pairs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerelle.data.lengths import MIN_LIMIT, LengthLimits
from passerelle.data.pairs import Pairs

lengths = st.lists(st.integers(1, 100_000), min_size=1, max_size=300).map(np.array)


def test_limits() -> None:
    lengths = np.r_[np.full(99, 50), 20_000]
    assert LengthLimits.of(lengths, lengths // 10, None, None) == LengthLimits(400, 200)
    assert LengthLimits.of(lengths, lengths, 7, None) == LengthLimits(7, 400)
    assert LengthLimits.of(lengths, lengths, None, 30_000) == LengthLimits(400, 30_000)
    assert LengthLimits.of(np.array([5, 20_000]), np.array([5, 5]), None, None) == LengthLimits(200, 200)


@given(lengths)
def test_default_limits_exclude_only_outliers(lengths: np.ndarray) -> None:
    limit = LengthLimits.of(lengths, lengths, None, None).source
    over = lengths > limit
    assert over.sum() <= max(1, 0.01 * len(lengths) + 1)
    assert (lengths[over] > MIN_LIMIT).all()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_skipped_pairs_are_counted(sizes: list[tuple[int, int]]) -> None:
    rows = [("s" * source, "t" * target) for source, target in sizes]
    pairs = Pairs([s for s, _ in rows], [t for _, t in rows], tags=["x"] * len(rows), skipped={"fuzzy": 2})
    columns = np.array(sizes).T
    filtered = LengthLimits(5, 6).filter(pairs, *columns)
    assert list(filtered) == [row for row in rows if len(row[0]) <= 5 and len(row[1]) <= 6]
    assert len(filtered.tags or []) == len(filtered)
    skipped = len(rows) - len(filtered)
    assert sum(filtered.skipped.values()) == 2 + skipped
    assert (filtered is pairs) == (skipped == 0)
