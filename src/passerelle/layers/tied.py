"""One table of vectors in several places: what tokens are read as is what is written by (Press and Wolf 2017)."""

from typing import Any

import keras

from passerelle.layers.embedding import TokenEmbedding
from passerelle.layers.initializers import Constant
from passerelle.layers.matmul import dense, matmul

__all__ = ["SharedEmbedding", "TiedOutput"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


class SharedEmbedding(TokenEmbedding):
    """A `TokenEmbedding` that looks into another one's table.

    Args:
        owner: whose; built before this one is.
        **kwargs: as Keras's layers take them.
    """

    def __init__(self, owner: TokenEmbedding, **kwargs: Any):
        super().__init__(owner.columns, owner.width, first=owner.first, **kwargs)
        self._owner = lambda: owner  # not an attribute that Keras tracks: the table is saved where it belongs

    @property
    def table(self) -> Any:
        return self._owner().table

    def build(self, input_shape: Any) -> None:
        """Nothing: the table is there."""


class TiedOutput(keras.layers.Layer):
    """float (batch, T, units) -> logits, float (batch, T, columns): products with tokens' vectors, and a bias each.

    Press and Wolf 2017, arXiv:1608.05859, section 3. Where the input is not as wide as the vectors, a dense layer
    without bias makes it so.

    Args:
        vectors: whose table; built before this one is.
        **kwargs: as Keras's layers take them.
    """

    def __init__(self, vectors: TokenEmbedding, **kwargs: Any):
        super().__init__(**kwargs)
        self._vectors = lambda: vectors
        self.columns = vectors.columns
        self.projection: Any = dense(vectors.width, use_bias=False, name="projection")

    def build(self, input_shape: Any) -> None:
        bias: Any = Constant()
        self.bias = self.add_weight(name="bias", shape=(self.columns,), initializer=bias)
        if input_shape[-1] == self._vectors().width:
            self.projection = None
        else:
            self.projection.build(input_shape)

    def call(self, inputs: Any) -> Any:
        narrowed = inputs if self.projection is None else self.projection(inputs)
        return matmul(narrowed, ops.transpose(self._vectors().table)) + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.columns)
