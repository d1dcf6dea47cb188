"""The cache of causal self-attention: the keys and values of the tokens that the decoder has read.

A cache is an array (batch, L, units), where L is the capacity in tokens. The inference encoder returns caches without
capacity, (batch, 0, units); `with_capacity` gives them a fixed length, which a compiled loop needs. Each row has its
own position, the number of tokens read, because the rows of a search begin at different times.
"""

from typing import Any

import keras
from keras import layers

__all__ = ["Advance", "EmptyCache", "with_capacity", "write"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class EmptyCache(layers.Layer):
    """The states of self-attention before the first token: a cache without capacity, and position 0.

    Args:
        units: width of the keys and values.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units

    def call(self, mask: Any) -> tuple[Any, Any]:
        """Return a cache, float (batch, 0, units), and positions, int32 (batch,), zeros.

        Args:
            mask: any array with leading axis batch.
        """
        batch = ops.shape(mask)[0]
        return ops.zeros((batch, 0, self.units), self.compute_dtype), ops.zeros((batch,), "int32")

    def compute_output_spec(self, mask: Any) -> tuple[Any, Any]:
        batch = mask.shape[0]
        return (
            keras.KerasTensor((batch, 0, self.units), dtype=self.compute_dtype),
            keras.KerasTensor((batch,), dtype="int32"),
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


@keras.saving.register_keras_serializable("passerelle")
class Advance(layers.Layer):
    """Return the positions after T tokens: int (batch,) and ids, int (batch, T) -> int (batch,)."""

    def call(self, position: Any, ids: Any) -> Any:
        return position + ids.shape[1]

    def compute_output_spec(self, position: Any, ids: Any) -> Any:
        return keras.KerasTensor(position.shape, dtype=position.dtype)


def with_capacity(state: Any, steps: int) -> Any:
    """Give every cache of a state a capacity. Other arrays do not change.

    Args:
        state: a tree of arrays. Arrays (batch, 0, width) are caches without capacity.
        steps: maximum number of tokens that will be read.
    """

    def grown(array: Any) -> Any:
        if len(array.shape) != 3 or array.shape[1] != 0:
            return array
        return ops.zeros((array.shape[0], steps, array.shape[2]), array.dtype)

    return keras.tree.map_structure(grown, state)


def write(cache: Any, new: Any, position: Any) -> Any:
    """Write T new entries into a cache, in each row from its own position on. Entries beyond the capacity are dropped.

    Args:
        cache: float (batch, L, units).
        new: float (batch, T, units).
        position: int (batch,), number of valid entries of each row.
    """
    capacity, tokens = cache.shape[1], new.shape[1]
    if capacity == 0:
        return cache
    # A masked copy instead of a scatter: the loop reads the entire cache in every step anyway.
    token = ops.arange(capacity, dtype="int32") - ops.expand_dims(position, -1)  # (batch, L)
    is_new = ops.expand_dims(ops.logical_and(token >= 0, token < tokens), -1)
    if tokens > 1:
        new = ops.take_along_axis(new, ops.expand_dims(ops.clip(token, 0, tokens - 1), -1), axis=1)
    return ops.where(is_new, new, cache)
