"""Embeddings: token ids -> one-hot vectors or trained vectors."""

from typing import Any

import keras
from keras import ops

from passerelle.layers.initializers import Uniform
from passerelle.layers.matmul import matmul
from passerelle.special_tokens import PAD

__all__ = ["OneHot", "TokenEmbedding", "token_embedding"]

MAX_ONE_HOT_COLUMNS = 1024
"""Largest table for which multiplying one-hot vectors is faster than a lookup, whose gradient is a scatter."""


class _TokenVectors(keras.layers.Layer):
    """Base class: maps ids to columns and computes the mask of the padding.

    Args:
        columns: number of ids that have a vector: `first` to `first + columns - 1`. All other ids, such as PAD, have a
            vector of zeros.
        first: the id of column 0.
        mask_padding: whether to give the next layers a mask that is False at PAD (`mask_zero` in Keras).
    """

    def __init__(self, columns: int, *, first: int, mask_padding: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.first = first
        self.mask_padding = mask_padding
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask, bool (batch, length), False at PAD; None if `mask_padding` is False."""
        return ops.not_equal(inputs, PAD) if self.mask_padding else None

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "columns": self.columns,
            "first": self.first,
            "mask_padding": self.mask_padding,
        }


@keras.saving.register_keras_serializable("passerelle")
class OneHot(_TokenVectors):
    """One-hot vectors: int (batch, length) -> float (batch, length, columns); zeros for ids without a column."""

    def call(self, inputs: Any) -> Any:
        # Not `ops.one_hot`: its result for ids out of range depends on the backend.
        columns = ops.arange(self.first, self.first + self.columns, dtype=inputs.dtype)
        return ops.cast(ops.equal(ops.expand_dims(inputs, -1), columns), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.columns)


@keras.saving.register_keras_serializable("passerelle")
class TokenEmbedding(_TokenVectors):
    """Trained vectors: int (batch, length) -> float (batch, length, width); zeros for ids without a vector.

    Args:
        columns: number of ids that have a vector.
        width: width of the vectors.
        limit: initial values are uniform from -limit to limit.
        fixed: number of ids, the last ones, whose vectors training never changes. They are in a separate table, which
            has no gradient and no optimizer state.
        first: the id of row 0 of the table.
        mask_padding: whether to give the next layers a mask that is False at PAD (`mask_zero` in Keras).
    """

    def __init__(self, columns: int, width: int, *, limit: float = 0.05, fixed: int = 0, **kwargs: Any):
        super().__init__(columns, **kwargs)
        self.width = width
        self.limit = limit
        self.fixed = fixed
        self.one_hot = OneHot(columns - fixed, first=self.first, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        initializer = Uniform(self.limit)
        rows = self.columns - self.fixed
        self.table = self.add_weight(name="table", shape=(rows, self.width), initializer=initializer)
        if self.fixed:
            self.fixed_table = self.add_weight(
                name="fixed_table", shape=(self.fixed, self.width), initializer=initializer, trainable=False
            )

    def call(self, inputs: Any) -> Any:
        trained = self.columns - self.fixed
        if trained <= MAX_ONE_HOT_COLUMNS:
            vectors = matmul(self.one_hot(inputs), self.table)
        else:
            vectors = _look_up(self.table, inputs - self.first)
        return vectors + _look_up(self.fixed_table, inputs - self.first - trained) if self.fixed else vectors

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.width)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"width": self.width, "limit": self.limit, "fixed": self.fixed}


def _look_up(table: Any, row: Any) -> Any:
    """Return rows of `table`; zeros for row numbers out of range."""
    known = ops.logical_and(row >= 0, row < table.shape[0])
    vectors = ops.take(table, ops.where(known, row, 0), axis=0)
    return ops.where(ops.expand_dims(known, -1), vectors, ops.zeros_like(vectors))


def token_embedding(
    columns: int, width: int, *, first: int, side: str, limit: float, mask_padding: bool = False, fixed: int = 0
) -> Any:
    """Return the embedding layer of a field: `TokenEmbedding`, or `OneHot` if `width` is 0.

    Args:
        columns: number of ids that have a vector.
        width: width of the vectors; 0 for one-hot vectors.
        first: the id of column 0.
        side: name of the field (`source`, `target`), the prefix of the layer's name.
        limit: initial values are uniform from -limit to limit; not for one-hot vectors.
        mask_padding: whether to give the next layers a mask that is False at PAD.
        fixed: number of ids, the last ones, whose vectors training never changes; not for one-hot vectors.
    """
    if width:
        return TokenEmbedding(
            columns, width, limit=limit, fixed=fixed, first=first, mask_padding=mask_padding, name=f"{side}_embedding"
        )
    return OneHot(columns, first=first, mask_padding=mask_padding, name=f"{side}_one_hot")
