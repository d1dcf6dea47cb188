"""Products with a weight matrix, always of two dimensions.

Of more, the weights' gradient is a product for which XLA turns the other factor round in memory first, which on a
processor can double the time of the whole (docs/performance.md).
"""

from typing import Any

import keras

from passerelle.layers.initializers import Constant, GlorotUniform

__all__ = ["Dense", "dense", "matmul"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def matmul(vectors: Any, weights: Any) -> Any:
    """float (..., width) times float (width, columns) -> float (..., columns)."""
    rows = ops.matmul(ops.reshape(vectors, (-1, vectors.shape[-1])), weights)
    return ops.reshape(rows, (*ops.shape(vectors)[:-1], weights.shape[-1]))


@keras.saving.register_keras_serializable("passerelle")
class Dense(keras.layers.Dense):
    """Keras's, by such a product."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])), training)
        return ops.reshape(rows, (*ops.shape(inputs)[:-1], self.units))


def dense(units: int, *, use_bias: bool = True, activation: str | None = None, name: str) -> Any:
    """`keras.layers.Dense`, its first weights drawn by NumPy."""
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
