"""Reversal of padded sequences."""

from typing import Any

import keras
from keras import layers

__all__ = ["Reverse"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class Reverse(layers.Layer):
    """Reverse the tokens of each row of (batch, length, ...); the padding stays at the end."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequence: Any, mask: Any) -> Any:
        """Reverse the sequences.

        Args:
            sequence: (batch, length) or (batch, length, width).
            mask: bool (batch, length), True at tokens; in each row they come before the padding.
        """
        count: Any = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
        position = ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1) - 1
        source = ops.where(mask, count - 1 - position, position)
        if len(sequence.shape) == 3:
            source = ops.expand_dims(source, -1)
        return ops.take_along_axis(sequence, source, axis=1)

    def compute_output_shape(self, sequence_shape: Any, mask_shape: Any = None) -> Any:
        return sequence_shape
