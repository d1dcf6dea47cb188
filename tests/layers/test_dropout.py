"""Dropout masks: the rate, independence of each other, and no dropout outside training."""

from typing import Any

import keras
import numpy as np
import pytest

from passerelle.layers.dropout import Dropout, dropout_mask, rows_from

SHAPE = (64, 50, 40)
VALUES = SHAPE[0] * SHAPE[1] * SHAPE[2]


def sample_mask(seeds: Any, rate: float = 0.5) -> np.ndarray:
    return np.asarray(dropout_mask(np.ones(SHAPE, "f4"), rate, seeds))


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.corrcoef(left.ravel(), right.ravel())[0, 1])


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999, 1 - 2**-33])
def test_the_fraction_of_zeros_is_the_rate_and_the_mean_is_one(rate: float) -> None:
    mask = sample_mask(keras.random.SeedGenerator(1), rate)
    assert mask.dtype == np.float32
    zero = mask == 0
    np.testing.assert_allclose(mask[~zero], 1 / (1 - rate), rtol=1e-6)
    assert abs(zero.mean() - rate) <= 5 * np.sqrt(rate * (1 - rate) / VALUES)
    # The rate also holds in every slice along each axis.
    for axes in ((1, 2), (0, 2), (0, 1)):
        rates = zero.mean(axes)
        count = VALUES / len(rates)
        assert np.abs(rates - rate).max() <= 6 * np.sqrt(rate * (1 - rate) / count) + 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2, 2**31 - 1])
def test_mask_values_are_uncorrelated(seed: int) -> None:
    """Compare neighbours along every axis, masks of successive calls, and masks of neighbouring seeds."""
    bound = 5 / np.sqrt(VALUES)
    seeds = keras.random.SeedGenerator(seed)
    masks = [sample_mask(seeds) for _ in range(4)] + [
        sample_mask(keras.random.SeedGenerator(seed + 1 if seed < 2**31 - 1 else 3))
    ]
    for number, mask in enumerate(masks):
        for other in masks[:number]:
            assert abs(correlation(mask, other)) < bound
    for axis in range(3):
        first = np.moveaxis(masks[0], axis, 0)
        for distance in (1, 2, 8, 16):
            assert abs(correlation(first[distance:], first[:-distance])) < 1.2 * bound


def test_flipping_one_bit_of_a_position_changes_half_of_the_mask() -> None:
    mask = sample_mask(keras.random.SeedGenerator(5)).ravel() == 0
    positions = np.arange(2**16)
    for bit in range(16):
        differ = (mask[positions] != mask[positions ^ (1 << bit)]).mean()
        assert abs(differ - 0.5) < 5 * 0.5 / np.sqrt(2**15)


def test_other_backends_use_keras_random(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = sample_mask(keras.random.SeedGenerator(1), 0.25)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    seeds = keras.random.SeedGenerator(1)
    first, second = sample_mask(seeds, 0.25), sample_mask(seeds, 0.25)
    for mask in (first, second):
        np.testing.assert_allclose(np.unique(mask), [0, 4 / 3], rtol=1e-6)
        assert abs((mask == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / VALUES)
    assert (first != second).any()
    assert (first != ours).any()


def test_the_same_seed_gives_the_same_mask() -> None:
    np.testing.assert_array_equal(*(sample_mask(keras.random.SeedGenerator(7)) for _ in range(2)))


def test_layer_applies_the_mask_in_training_only() -> None:
    layer = Dropout(0.25, seed=3)
    inputs = np.random.default_rng(1).normal(size=(8, 6, 5)).astype("f4")
    np.testing.assert_array_equal(layer(inputs), inputs)
    first, second = (np.asarray(layer(inputs, training=True)) for _ in range(2))
    assert (first != second).any()
    expected = np.asarray(dropout_mask(inputs, 0.25, keras.random.SeedGenerator(3)))
    np.testing.assert_allclose(first, inputs * expected, rtol=1e-6)
    assert not layer.weights
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(restored(inputs, training=True), first)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="masks by position exist on JAX only")
def test_rows_have_the_same_masks_on_any_device() -> None:
    """A batch in two parts, and with more rows at its end."""

    def mask(rows: int, first: int | None = None) -> np.ndarray:
        like, seeds = np.ones((rows, 3, 5), "f4"), keras.random.SeedGenerator(7)
        if first is None:
            return np.asarray(dropout_mask(like, 0.5, seeds))
        with rows_from(first):
            return np.asarray(dropout_mask(like, 0.5, seeds))

    whole = mask(6)
    np.testing.assert_array_equal(np.concatenate([mask(2, 0), mask(4, 2)]), whole)
    np.testing.assert_array_equal(mask(8)[:6], whole)
