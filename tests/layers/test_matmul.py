"""Matrix products with a weight matrix compared with NumPy and Keras, for any number of dimensions."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from passerelle.layers.matmul import dense, matmul


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3), (2, 4, 5, 3), (0, 5, 3)])
def test_matmul_equals_numpy(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=shape).astype("float32")
    weights = random.normal(size=(3, 7)).astype("float32")
    np.testing.assert_allclose(matmul(ops.array(vectors), ops.array(weights)), vectors @ weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"activation": "tanh"}], ids=str)
def test_dense_layer_equals_keras(options: dict[str, Any]) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(2, 4, 3)).astype("float32")
    own, theirs = dense(7, name="own", **options), keras.layers.Dense(7, **options)
    for layer in (own, theirs):
        layer.build((None, None, 3))
    own.set_weights([random.normal(size=weight.shape) for weight in own.get_weights()])
    theirs.set_weights(own.get_weights())
    assert own.compute_output_shape((None, None, 3)) == theirs.compute_output_shape((None, None, 3))
    np.testing.assert_allclose(own(vectors), theirs(vectors), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="computes gradients with JAX")
def test_gradients_equal_numpy() -> None:
    import jax

    random = np.random.default_rng(1)
    vectors = random.normal(size=(2, 4, 3)).astype("float32")
    weights = random.normal(size=(3, 7)).astype("float32")
    direction = random.normal(size=(2, 4, 7)).astype("float32")
    by_vectors, by_weights = jax.grad(lambda *arrays: (matmul(*arrays) * direction).sum(), (0, 1))(vectors, weights)
    np.testing.assert_allclose(by_vectors, direction @ weights.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_weights, np.einsum("btk,btn->kn", vectors, direction), rtol=1e-5, atol=1e-6)
