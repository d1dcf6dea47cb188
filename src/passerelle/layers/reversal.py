"""Sequences turned round, padding left where it is."""

from typing import Any

import keras
from keras import layers

__all__ = ["Reverse"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


@keras.saving.register_keras_serializable("passerelle")
class Reverse(layers.Layer):
    """(batch, length, ...) -> the same, each row's tokens in the opposite order, its padding still last."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequence: Any, mask: Any) -> Any:
        """Turns round.

        Args:
            sequence: (batch, length) or (batch, length, width).
            mask: bool (batch, length), True where a token stands; in each row, those come first.
        """
        count: Any = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
        position = ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1) - 1
        source = ops.where(mask, count - 1 - position, position)
        if len(sequence.shape) == 3:
            source = ops.expand_dims(source, -1)
        return ops.take_along_axis(sequence, source, axis=1)

    def compute_output_shape(self, sequence_shape: Any, mask_shape: Any = None) -> Any:
        return sequence_shape
