"""Dot-product attention compared with NumPy."""

import keras
import numpy as np
import pytest

from passerelle.layers.attention import DotAttention

BATCH, STEPS, LENGTH, WIDTH, VALUE_WIDTH = 3, 2, 4, 5, 6
LENGTHS = (4, 1, 0)


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    return {
        "queries": random.normal(0, 2, (BATCH, STEPS, WIDTH)).astype("f4"),
        "keys": random.normal(0, 2, (BATCH, LENGTH, WIDTH)).astype("f4"),
        "values": random.normal(0, 2, (BATCH, LENGTH, VALUE_WIDTH)).astype("f4"),
        "mask": np.arange(LENGTH) < np.array(LENGTHS)[:, None],
    }


def test_scaled_dot_attention_equals_numpy(inputs: dict[str, np.ndarray]) -> None:
    context, weights = (np.asarray(array) for array in DotAttention()(*inputs.values()))
    for row, length in enumerate(LENGTHS):
        for step in range(STEPS):
            expected = np.zeros(LENGTH)
            if length:
                scores = inputs["keys"][row, :length] @ inputs["queries"][row, step] / np.sqrt(WIDTH)
                exponentials = np.exp(scores - scores.max())
                expected[:length] = exponentials / exponentials.sum()
            np.testing.assert_allclose(weights[row, step], expected, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(context[row, step], expected @ inputs["values"][row], rtol=1e-5, atol=1e-5)


def test_weights_sum_to_one_over_the_source_and_are_zero_at_padding(inputs: dict[str, np.ndarray]) -> None:
    _, weights = DotAttention()(*inputs.values())
    weights = np.asarray(weights)
    assert weights.shape == (BATCH, STEPS, LENGTH)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), np.repeat([[1], [1], [0]], STEPS, axis=1), rtol=1e-6)
    assert not weights[~np.repeat(inputs["mask"][:, None], STEPS, axis=1)].any()


def test_context_and_gradient_of_a_row_without_tokens_are_zero(inputs: dict[str, np.ndarray]) -> None:
    jax = pytest.importorskip("jax")
    layer = DotAttention()

    def total(queries: np.ndarray, keys: np.ndarray, values: np.ndarray) -> object:
        context, _ = layer(queries, keys, values, inputs["mask"])
        return context.sum()

    arrays = (inputs["queries"], inputs["keys"], inputs["values"])
    context, _ = layer(*inputs.values())
    assert not np.asarray(context)[2].any()
    for gradient in jax.grad(total, argnums=(0, 1, 2))(*arrays):
        assert np.isfinite(np.asarray(gradient)).all()
        assert not np.asarray(gradient)[2].any()


def test_huge_scores_give_finite_weights(inputs: dict[str, np.ndarray]) -> None:
    _, weights = DotAttention()(inputs["queries"] * 1e3, inputs["keys"] * 1e3, inputs["values"], inputs["mask"])
    weights = np.asarray(weights)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(weights[0].sum(axis=-1), 1.0, rtol=1e-6)
    assert not weights[1, :, 1:].any()


def test_symbolic_shapes() -> None:
    context, weights = DotAttention()(
        keras.Input((None, WIDTH)),
        keras.Input((None, WIDTH)),
        keras.Input((None, VALUE_WIDTH)),
        keras.Input((None,), dtype="bool"),
    )
    assert context.shape == (None, None, VALUE_WIDTH)
    assert weights.shape == (None, None, None)
