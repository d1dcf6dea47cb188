"""What is dropped: as many as asked, others every time, nothing outside of training."""

from typing import Any

import keras
import numpy as np
import pytest

from passerelle.layers.dropout import Dropout, dropout_mask

SHAPE = (64, 50, 40)
VALUES = SHAPE[0] * SHAPE[1] * SHAPE[2]


def drawn(seeds: Any, rate: float = 0.5) -> np.ndarray:
    return np.asarray(dropout_mask(np.ones(SHAPE, "f4"), rate, seeds))


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.corrcoef(left.ravel(), right.ravel())[0, 1])


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999, 1 - 2**-33])
def test_as_many_as_asked_and_the_mean_stays(rate: float) -> None:
    mask = drawn(keras.random.SeedGenerator(1), rate)
    assert mask.dtype == np.float32
    zero = mask == 0
    np.testing.assert_allclose(mask[~zero], 1 / (1 - rate), rtol=1e-6)
    assert abs(zero.mean() - rate) <= 5 * np.sqrt(rate * (1 - rate) / VALUES)
    # In every row and in every column, too.
    for axes in ((1, 2), (0, 2), (0, 1)):
        shares = zero.mean(axes)
        count = VALUES / len(shares)
        assert np.abs(shares - rate).max() <= 6 * np.sqrt(rate * (1 - rate) / count) + 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2, 2**31 - 1])
def test_none_goes_with_another(seed: int) -> None:
    """Neighbours along every axis, the next call's, and those of the next seed."""
    bound = 5 / np.sqrt(VALUES)
    seeds = keras.random.SeedGenerator(seed)
    masks = [drawn(seeds) for _ in range(4)] + [drawn(keras.random.SeedGenerator(seed + 1 if seed < 2**31 - 1 else 3))]
    for number, mask in enumerate(masks):
        for other in masks[:number]:
            assert abs(correlation(mask, other)) < bound
    for axis in range(3):
        first = np.moveaxis(masks[0], axis, 0)
        for distance in (1, 2, 8, 16):
            assert abs(correlation(first[distance:], first[:-distance])) < 1.2 * bound


def test_bits_are_as_likely_as_not_to_turn() -> None:
    """Of two places that differ in one bit, one alone is dropped half of the time, at a rate of a half."""
    mask = drawn(keras.random.SeedGenerator(5)).ravel() == 0
    places = np.arange(2**16)
    for bit in range(16):
        differ = (mask[places] != mask[places ^ (1 << bit)]).mean()
        assert abs(differ - 0.5) < 5 * 0.5 / np.sqrt(2**15)


def test_on_another_backend_keras_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = drawn(keras.random.SeedGenerator(1), 0.25)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    seeds = keras.random.SeedGenerator(1)
    first, second = drawn(seeds, 0.25), drawn(seeds, 0.25)
    for mask in (first, second):
        np.testing.assert_allclose(np.unique(mask), [0, 4 / 3], rtol=1e-6)
        assert abs((mask == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / VALUES)
    assert (first != second).any()
    assert (first != ours).any()


def test_one_seed_one_mask() -> None:
    np.testing.assert_array_equal(*(drawn(keras.random.SeedGenerator(7)) for _ in range(2)))


def test_the_layer() -> None:
    layer = Dropout(0.25, seed=3)
    inputs = np.random.default_rng(1).normal(size=(8, 6, 5)).astype("f4")
    np.testing.assert_array_equal(layer(inputs), inputs)
    first, second = (np.asarray(layer(inputs, training=True)) for _ in range(2))
    assert (first != second).any()
    expected = np.asarray(dropout_mask(inputs, 0.25, keras.random.SeedGenerator(3)))
    np.testing.assert_allclose(first, inputs * expected, rtol=1e-6)
    assert not layer.weights
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(again(inputs, training=True), first)
