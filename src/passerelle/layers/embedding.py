"""Ids to vectors: one-hot or learned."""

from typing import Any

import keras
from keras import ops

from passerelle.layers.initializers import Uniform
from passerelle.layers.matmul import matmul
from passerelle.special_tokens import PAD

__all__ = ["OneHot", "TokenEmbedding", "token_embedding"]

LARGEST_PRODUCT = 1024
"""Columns up to which a product with one-hot vectors is faster than a lookup whose gradient scatters."""


class _TokenVectors(keras.layers.Layer):
    """What both ways from ids to vectors share: columns begin at id `first`, and padding is masked.

    Args:
        columns: how many ids have a vector of their own, `first` to `first + columns - 1`; all others, PAD among
            them, are zero vectors.
        first: the id of column 0.
        mask_padding: whether layers above are to pass over PAD.
    """

    def __init__(self, columns: int, *, first: int, mask_padding: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.first = first
        self.mask_padding = mask_padding
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """bool (batch, length), True where a token stands; None where padding is not masked."""
        return ops.not_equal(inputs, PAD) if self.mask_padding else None

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "columns": self.columns,
            "first": self.first,
            "mask_padding": self.mask_padding,
        }


@keras.saving.register_keras_serializable("passerelle")
class OneHot(_TokenVectors):
    """int (batch, length) -> float (batch, length, columns): 1 in the id's column; zeros where it has none."""

    def call(self, inputs: Any) -> Any:
        # Comparison, unlike `one_hot`, is defined for ids outside the columns on every backend.
        columns = ops.arange(self.first, self.first + self.columns, dtype=inputs.dtype)
        return ops.cast(ops.equal(ops.expand_dims(inputs, -1), columns), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.columns)


@keras.saving.register_keras_serializable("passerelle")
class TokenEmbedding(_TokenVectors):
    """int (batch, length) -> float (batch, length, width): the id's learned vector; zeros where it has none.

    Args:
        columns: how many ids have a vector.
        width: of the vectors.
        limit: how far from 0 their first values are at most.
        fixed: how many of the last columns have vectors that training never changes, in a table of their own: so
            neither gradients nor the optimizer meet them.
        first: the id of the table's row 0.
        mask_padding: whether layers above are to pass over PAD.
    """

    def __init__(self, columns: int, width: int, *, limit: float = 0.05, fixed: int = 0, **kwargs: Any):
        super().__init__(columns, **kwargs)
        self.width = width
        self.limit = limit
        self.fixed = fixed
        self.one_hot = OneHot(columns - fixed, first=self.first, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        drawn = Uniform(self.limit)
        self.table = self.add_weight(name="table", shape=(self.columns - self.fixed, self.width), initializer=drawn)
        if self.fixed:
            self.fixed_table = self.add_weight(
                name="fixed_table", shape=(self.fixed, self.width), initializer=drawn, trainable=False
            )

    def call(self, inputs: Any) -> Any:
        learned = self.columns - self.fixed
        if learned <= LARGEST_PRODUCT:
            vectors = matmul(self.one_hot(inputs), self.table)
        else:
            vectors = _looked_up(self.table, inputs - self.first)
        return vectors + _looked_up(self.fixed_table, inputs - self.first - learned) if self.fixed else vectors

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.width)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"width": self.width, "limit": self.limit, "fixed": self.fixed}


def _looked_up(table: Any, row: Any) -> Any:
    """Rows of `table`; zeros for those that it has not."""
    known = ops.logical_and(row >= 0, row < table.shape[0])
    vectors = ops.take(table, ops.where(known, row, 0), axis=0)
    return ops.where(ops.expand_dims(known, -1), vectors, ops.zeros_like(vectors))


def token_embedding(
    columns: int, width: int, *, first: int, side: str, limit: float, mask_padding: bool = False, fixed: int = 0
) -> Any:
    """The layer from ids to vectors: learned ones of this width, or one-hot ones where `width` is 0.

    Args:
        columns: how many ids have a vector.
        width: of the vectors; 0 for one-hot.
        first: the id of column 0.
        side: `source` or `target`, for the layer's name.
        limit: how far from 0 learned vectors' first values are at most.
        mask_padding: whether layers above are to pass over PAD.
        fixed: how many of the last columns training leaves alone, where vectors are learned.
    """
    if width:
        return TokenEmbedding(
            columns, width, limit=limit, fixed=fixed, first=first, mask_padding=mask_padding, name=f"{side}_embedding"
        )
    return OneHot(columns, first=first, mask_padding=mask_padding, name=f"{side}_one_hot")
