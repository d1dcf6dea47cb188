"""The cache of causal self-attention: the keys and values of the tokens that the decoder has read.

A cache is an array (batch, heads, L, width), where L is the capacity in tokens and width that of one head. With the
heads before the tokens, a step computes its scores by matrix products over the cache without transposing it. The
inference encoder returns caches without capacity, (batch, heads, 0, width); `with_capacity` gives them a fixed length,
which a compiled loop needs. Each row has its own position, the number of tokens read, because the rows of a search
begin at different times.
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
        heads: number of attention heads.
        width: width of the keys and values of one head.
    """

    def __init__(self, heads: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads
        self.width = width

    def call(self, mask: Any) -> tuple[Any, Any]:
        """Return a cache, float (batch, heads, 0, width), and positions, int32 (batch,), zeros.

        Args:
            mask: any array with leading axis batch.
        """
        batch = ops.shape(mask)[0]
        return ops.zeros((batch, self.heads, 0, self.width), self.compute_dtype), ops.zeros((batch,), "int32")

    def compute_output_spec(self, mask: Any) -> tuple[Any, Any]:
        batch = mask.shape[0]
        return (
            keras.KerasTensor((batch, self.heads, 0, self.width), dtype=self.compute_dtype),
            keras.KerasTensor((batch,), dtype="int32"),
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"heads": self.heads, "width": self.width}


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
        state: a tree of arrays. Arrays (batch, heads, 0, width) are caches without capacity.
        steps: maximum number of tokens that will be read.
    """

    def grown(array: Any) -> Any:
        if len(array.shape) != 4 or array.shape[2] != 0:
            return array
        return ops.zeros((*array.shape[:2], steps, array.shape[3]), array.dtype)

    return keras.tree.map_structure(grown, state)


def write(cache: Any, new: Any, position: Any) -> Any:
    """Write T new entries into a cache, in each row from its own position on.

    A compiled loop updates the cache in place: it writes the T entries and does not copy the others. The entries of a
    row must fit into the cache. Otherwise entries at the end of that row, and of no other row, are lost; see
    `layers.positions`.

    Args:
        cache: float (batch, heads, L, width), L at least 1.
        new: float (batch, heads, T, width).
        position: int (batch,), number of valid entries of each row.
    """
    batch, heads, capacity, width = cache.shape
    tokens = new.shape[2]
    row = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
    head = ops.reshape(ops.arange(heads, dtype="int32"), (1, -1, 1))
    place = ops.reshape(position, (-1, 1, 1)) + ops.arange(tokens, dtype="int32")
    place = ops.minimum(place, capacity - 1)  # not every backend ignores an index that is too large
    index = ops.stack([ops.broadcast_to(part, (batch, heads, tokens)) for part in (row, head, place)], axis=-1)
    return ops.scatter_update(cache, ops.reshape(index, (-1, 3)), ops.reshape(new, (-1, width)))
