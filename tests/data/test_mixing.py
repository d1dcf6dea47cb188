"""Old pairs in each epoch: the share, every old pair before any is repeated, and an order that depends on the seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.batches import Batches
from passerelle.data.mixing import Mixture
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, PAD


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.floats(0.01, 0.95), st.integers(0, 9))
def test_each_epoch_has_the_share_and_uses_all_old_pairs_equally(new, old, share, seed):
    mixture = Mixture(new, old, share)
    sampled = []
    for epoch in range(1, 6):
        rows = mixture.rows(seed, epoch)
        np.testing.assert_array_equal(rows[:new], np.arange(new))
        assert len(rows) == new + mixture.old_per_epoch
        np.testing.assert_array_equal(rows, mixture.rows(seed, epoch))
        assert new <= rows[new:].min() <= rows[new:].max() < new + old
        sampled += rows[new:].tolist()
    assert abs(mixture.old_per_epoch - share * (new + mixture.old_per_epoch)) <= 1
    counts = Counter(dict.fromkeys(range(new, new + old), 0))
    counts.update(sampled)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_seeds_and_epochs_differ():
    mixture = Mixture(10, 1000, 0.5)
    samples = [tuple(mixture.rows(seed, epoch)[10:]) for seed in (1, 2) for epoch in (1, 2)]
    assert len(set(samples)) == 4
    assert not set(samples[0]) & set(samples[1])


@pytest.mark.parametrize("batch_type", ["pair", "token"])
def test_batches_have_exactly_the_rows_of_the_epoch(batch_type):
    """Also rows that are repeated within an epoch, and moved from one bucket to the next."""
    random = np.random.default_rng(1)
    lengths = random.integers(1, 30, (60, 2))
    sources = Ragged.from_lists([[4 + row] * lengths[row, 0] for row in range(60)])
    targets = Ragged.from_lists([[4 + row] * lengths[row, 1] + [END] for row in range(60)])
    mixture = Mixture(50, 10, 0.4)
    size = 4 if batch_type == "pair" else 150
    batches = Batches({"source": sources}, {"target": targets}, size, seed=3, batch_type=batch_type, mixture=mixture)
    tokens = 0
    for epoch in (1, 2, 7):
        found = list(batches.epoch(epoch))
        rows = [row for batch in found for row in batch.sources["source"][:, 0] - 4 if row != PAD - 4]
        assert Counter(rows) == Counter(mixture.rows(3, epoch).tolist())
        for batch in batches.epoch(epoch, start=2):
            np.testing.assert_array_equal(batch.sources["source"], found[2].sources["source"])
            break
        tokens = tokens or sum(int((batch.labels["target"] != PAD).sum()) for batch in found)
    assert batches.target_tokens == tokens
    assert 0 <= batches.padding_share() < 1
    counts = batches.token_counts("target", np.array([4, 53, 60, 200]))
    expected = Counter(mixture.rows(3, 1).tolist())
    assert counts.tolist() == [expected[row] * lengths[row, 1] for row in (0, 49, 56)] + [0]
