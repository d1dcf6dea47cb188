"""The rows of each process: together, those of the whole batch in order."""

import numpy as np
import pytest

from passerelle.data.batches import Batches
from passerelle.parallel.share import Share
from passerelle.ragged import Ragged


@pytest.mark.parametrize(("height", "count"), [(1, 2), (7, 2), (8, 4), (9, 3), (9, 4)])
def test_shares_are_the_batch_with_padding_at_its_end(height, count):
    array = np.arange(1, 1 + 3 * height).reshape(height, 3)
    parts = [Share(number, count).of(array) for number in range(count)]
    assert {len(part) for part in parts} == {len(parts[0])}
    joined = np.concatenate(parts)
    np.testing.assert_array_equal(joined[:height], array)
    assert not joined[height:].any()
    assert len(joined) < height + count


@pytest.fixture
def batches():
    random = np.random.default_rng(5)
    lists = [random.integers(4, 9, random.integers(1, 6)).tolist() for _ in range(23)]
    source = Ragged.from_lists(lists)
    target = Ragged.from_lists([[*row, 3] for row in lists])
    inputs = {"source": source, "target_copies": source}
    return Batches(inputs, {"target": target}, 5, seed=1, copy_masking=0.5, target_sizes={"target": 9})


@pytest.mark.parametrize("start", [0, 2])
def test_shared_batches_are_the_whole_ones(batches, start):
    """Also with random masks of copied tokens, which are those of the whole batch."""
    whole = list(batches.epoch(1, start))
    shared = [list(batches.shared(Share(number, 3)).epoch(1, start)) for number in range(3)]
    assert any((batch.sources["source"] == 1).any() for batch in whole)  # UNK: masked
    for batch, *parts in zip(whole, *shared, strict=True):
        assert {part.steps for part in parts} == {batch.steps}
        for name in ("sources", "targets"):
            for key, array in getattr(batch, name).items():
                joined = np.concatenate([getattr(part, name)[key] for part in parts])
                np.testing.assert_array_equal(joined[: len(array)], array)
                assert not joined[len(array) :].any()
