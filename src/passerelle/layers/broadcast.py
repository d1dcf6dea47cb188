"""Repetition of a vector along the time axis."""

from typing import Any

import keras
from keras import layers

__all__ = ["Broadcast"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class Broadcast(layers.Layer):
    """Repeat a vector for every token: float (batch, width) and ids (batch, T) -> float (batch, T, width)."""

    def call(self, vector: Any, ids: Any) -> Any:
        return ops.expand_dims(vector, 1) * ops.ones_like(ops.expand_dims(ids, -1), dtype=vector.dtype)

    def compute_output_shape(self, vector_shape: Any, ids_shape: Any = None) -> Any:
        return (*ids_shape, vector_shape[-1])
