"""Matrix products with a weight matrix, computed on two-dimensional arrays.

With more dimensions, XLA transposes the inputs in memory to compute the gradient of the weights, which on a CPU can
double the time of the entire product (docs/performance.md).
"""

from typing import Any

import keras

from passerelle.layers.initializers import Constant, GlorotUniform

__all__ = ["Dense", "dense", "matmul"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


def matmul(vectors: Any, weights: Any) -> Any:
    """Multiply float (..., width) by float (width, columns) -> float (..., columns)."""
    rows = ops.matmul(ops.reshape(vectors, (-1, vectors.shape[-1])), weights)
    return ops.reshape(rows, (*ops.shape(vectors)[:-1], weights.shape[-1]))


@keras.saving.register_keras_serializable("passerelle")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense`, computed on a two-dimensional array."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])), training)
        return ops.reshape(rows, (*ops.shape(inputs)[:-1], self.units))


def dense(units: int, *, use_bias: bool = True, activation: str | None = None, name: str) -> Any:
    """Return a `Dense` layer whose initial weights are sampled with NumPy."""
    kernel: Any = GlorotUniform()
    bias: Any = Constant()
    return Dense(
        units,
        use_bias=use_bias,
        activation=activation,
        kernel_initializer=kernel,
        bias_initializer=bias,
        name=name,
    )
