"""Pooling: one vector for a sequence."""

from typing import Any

import keras
from keras import layers

__all__ = ["MaskedMean"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class MaskedMean(layers.Layer):
    """The mean over the tokens: float (batch, S, width) and mask, bool (batch, S) -> float (batch, width).

    A row that is all padding gives zeros.
    """

    def call(self, sequence: Any, mask: Any) -> Any:
        counted = ops.cast(mask, sequence.dtype)
        total = ops.sum(sequence * ops.expand_dims(counted, -1), axis=1)
        return total / ops.maximum(ops.sum(counted, axis=1, keepdims=True), 1.0)

    def compute_output_spec(self, sequence: Any, mask: Any) -> Any:
        return keras.KerasTensor((sequence.shape[0], sequence.shape[2]), dtype=self.compute_dtype)
