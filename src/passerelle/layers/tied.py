"""Tied embeddings: input embeddings and output layer share one table (Press and Wolf 2017)."""

from typing import Any

import keras

from passerelle.layers.embedding import TokenEmbedding
from passerelle.layers.initializers import Constant
from passerelle.layers.matmul import dense, matmul

__all__ = ["SharedEmbedding", "TiedOutput"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


class SharedEmbedding(TokenEmbedding):
    """A `TokenEmbedding` that uses the table of another one.

    Args:
        owner: the layer that owns the table; it must be built before this one.
        **kwargs: keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, owner: TokenEmbedding, **kwargs: Any):
        super().__init__(owner.columns, owner.width, first=owner.first, **kwargs)
        self._owner = lambda: owner  # in a lambda, so that Keras does not track the table here and save it twice

    @property
    def table(self) -> Any:
        return self._owner().table

    def build(self, input_shape: Any) -> None:
        """Do nothing: the table exists already."""


class TiedOutput(keras.layers.Layer):
    """Output layer whose weights are an embedding table: float (batch, T, units) -> logits, float (batch, T, columns).

    The logit of a token is the dot product of the input and the token's vector, plus a bias. If the input is not as
    wide as the vectors, a dense layer without bias projects it to their width.

    Source: Press and Wolf 2017, arXiv:1608.05859, section 3.

    Args:
        embedding: the layer that owns the table; it must be built before this one.
        **kwargs: keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, embedding: TokenEmbedding, **kwargs: Any):
        super().__init__(**kwargs)
        self._embedding = lambda: embedding
        self.columns = embedding.columns
        self.projection: Any = dense(embedding.width, use_bias=False, name="projection")

    def build(self, input_shape: Any) -> None:
        bias: Any = Constant()
        self.bias = self.add_weight(name="bias", shape=(self.columns,), initializer=bias)
        if input_shape[-1] == self._embedding().width:
            self.projection = None
        else:
            self.projection.build(input_shape)

    def call(self, inputs: Any) -> Any:
        projected = inputs if self.projection is None else self.projection(inputs)
        return matmul(projected, ops.transpose(self._embedding().table)) + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.columns)
