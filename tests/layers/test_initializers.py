"""Initializers: distributions, seeds, serialization, and the override."""

import random
from typing import Any

import keras
import numpy as np
import pytest

from passerelle.layers.initializers import (
    Constant,
    ForgetOpen,
    GlorotUniform,
    Orthogonal,
    Uniform,
    override_initializers,
)
from passerelle.layers.matmul import dense


def test_distributions_equal_those_of_keras() -> None:
    wide: Any = keras.initializers.RandomUniform(-1.0, 1.0, seed=1)
    usual: Any = keras.initializers.get("uniform")
    for own, theirs in (
        (GlorotUniform(), keras.initializers.GlorotUniform(1)),
        (Uniform(0.05), usual),
        (Uniform(1.0), wide),
    ):
        found, expected = np.asarray(own((600, 1000))), np.asarray(theirs((600, 1000)))  # pyright: ignore[reportCallIssue]
        assert found.dtype == expected.dtype
        quantiles = np.linspace(0, 1, 11)
        largest = np.abs(expected).max()
        np.testing.assert_allclose(np.quantile(found, quantiles), np.quantile(expected, quantiles), atol=0.02 * largest)


@pytest.mark.parametrize("shape", [(6, 24), (24, 6), (5, 5)])
def test_orthogonal_matrix_has_orthonormal_rows_or_columns(shape: tuple[int, int]) -> None:
    matrix = np.asarray(Orthogonal()(shape))
    gram = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-6)


def test_lstm_bias_equals_that_of_keras() -> None:
    layer = keras.layers.LSTM(3)
    layer.build((None, 4, 2))
    np.testing.assert_array_equal(ForgetOpen()((12,)), layer.cell.bias)
    np.testing.assert_array_equal(np.ravel(ForgetOpen()((4, 3))), layer.cell.bias)
    np.testing.assert_array_equal(Constant(2.5)((3,)), [2.5] * 3)


def test_seed_comes_from_python_random() -> None:
    samples = []
    for seed in (1, 1, 2):
        random.seed(seed)
        samples.append([np.asarray(kind()((4, 8))) for kind in (GlorotUniform, Orthogonal, lambda: Uniform(0.05))])
    for first, second, other in zip(*samples, strict=True):
        np.testing.assert_array_equal(first, second)
        assert not np.allclose(first, other)
    uniform = Uniform(0.05)
    assert not np.allclose(uniform((3, 3)), uniform((3, 3))), "each call must sample new values"


def test_override_infers_shapes_without_allocating_memory() -> None:
    import jax

    def build() -> list[jax.Array]:
        layer = dense(2**20, name="huge")
        layer.build((None, 2**20))
        return [weight.value for weight in layer.weights]

    with override_initializers(keras.ops.zeros):
        shapes = [array.shape for array in jax.eval_shape(build)]
    assert shapes == [(2**20, 2**20), (2**20,)]
    assert np.asarray(Uniform(0.05)((50,))).any(), "sampled again after the `with` block"


@pytest.mark.parametrize(
    "kind", [GlorotUniform(), Orthogonal(), Uniform(0.05), Uniform(2.0), Constant(3.0), ForgetOpen()]
)
def test_config_round_trip(kind: keras.initializers.Initializer) -> None:
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(kind))
    assert type(restored) is type(kind)
    assert restored.get_config() == kind.get_config()
