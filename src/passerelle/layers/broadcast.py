"""One vector beside every token of a sequence."""

from typing import Any

import keras
from keras import layers

__all__ = ["Broadcast"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


@keras.saving.register_keras_serializable("passerelle")
class Broadcast(layers.Layer):
    """float (batch, width), (batch, T) -> float (batch, T, width): the same vector beside every token."""

    def call(self, vector: Any, ids: Any) -> Any:
        return ops.expand_dims(vector, 1) * ops.ones_like(ops.expand_dims(ids, -1), dtype=vector.dtype)

    def compute_output_shape(self, vector_shape: Any, ids_shape: Any = None) -> Any:
        return (*ids_shape, vector_shape[-1])
