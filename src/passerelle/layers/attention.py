"""Soft attention: each decoder step looks at all of the source and takes the mean of what it sees."""

import math
from typing import Any

import keras
from keras import layers

from passerelle.layers.initializers import GlorotUniform
from passerelle.layers.matmul import dense

__all__ = ["AdditiveAttention", "DotAttention", "soft_attention"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


class _Attention(layers.Layer):
    """What all kinds share: scores of every source token for every query become weights, weights a mean."""

    def call(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        """Looks.

        Args:
            queries: float (batch, T, width).
            keys: float (batch, S, width).
            values: float (batch, S, value_width).
            mask: bool (batch, S), True where a source token stands.

        Returns:
            context: float (batch, T, value_width).
            weights: float (batch, T, S), sums of 1 over the source, 0 on padding; with several heads, their mean.
        """
        scores = self.scores(queries, keys)  # (batch, heads, T, S)
        heads = scores.shape[1]
        mask = ops.expand_dims(mask, (1, 2))
        # Finite, so that a row without any token gives numbers; the second step makes its weights 0.
        weights = ops.softmax(ops.where(mask, scores, -1e9), axis=-1)
        weights = ops.where(mask, weights, 0.0)
        return _join(ops.matmul(weights, _split(values, heads))), ops.mean(weights, axis=1)

    def scores(self, queries: Any, keys: Any) -> Any:
        """float (batch, heads, T, S): how much each query wants each key."""
        raise NotImplementedError

    def compute_output_spec(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        batch, length, _ = queries.shape
        return (
            keras.KerasTensor((batch, length, values.shape[-1]), dtype=self.compute_dtype),
            keras.KerasTensor((batch, length, keys.shape[1]), dtype=self.compute_dtype),
        )


@keras.saving.register_keras_serializable("passerelle")
class DotAttention(_Attention):
    """Scores are products of query and key (Luong et al. 2015, arXiv:1508.04025, section 3.1). No weights of its own.

    Keys that are the values themselves make Luong's `dot`; keys that are the values through a matrix, made once a
    source by the encoder, make his `general`.

    Args:
        scaled: whether products are divided by the root of their width (Vaswani et al. 2017, arXiv:1706.03762,
            section 3.2.1), so that wide queries learn as easily as narrow ones.
    """

    def __init__(self, scaled: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.scaled = scaled

    def scores(self, queries: Any, keys: Any) -> Any:
        if self.scaled:
            queries = queries / math.sqrt(queries.shape[-1])
        return ops.expand_dims(ops.matmul(queries, ops.transpose(keys, (0, 2, 1))), 1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"scaled": self.scaled}


@keras.saving.register_keras_serializable("passerelle")
class AdditiveAttention(_Attention):
    """Scores are v . tanh(W query + key) (Bahdanau et al. 2014, arXiv:1409.0473, appendix A.1.2).

    The keys are the values through a matrix, made once a source by the encoder. All queries meet all keys in one
    array, (batch, T, S, units).

    Args:
        units: width of the keys.
        heads: how many look side by side (RNMT+: Chen et al. 2018, arXiv:1804.09849, section 4), each with its share
            of the units, over its share of the values; both must divide evenly.
    """

    def __init__(self, units: int, heads: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.heads = heads
        self.queries = dense(units, name="queries")

    def build(self, input_shape: Any) -> None:
        self.queries.build(input_shape)
        width = self.units // self.heads
        initializer: Any = GlorotUniform()
        self.vector = self.add_weight(name="vector", shape=(self.heads, width), initializer=initializer)

    def scores(self, queries: Any, keys: Any) -> Any:
        queries, keys = (_split(array, self.heads) for array in (self.queries(queries), keys))
        together = ops.tanh(ops.expand_dims(queries, 3) + ops.expand_dims(keys, 2))  # (batch, heads, T, S, width)
        return ops.sum(together * ops.reshape(self.vector, (1, self.heads, 1, 1, -1)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units, "heads": self.heads}


def _split(array: Any, heads: int) -> Any:
    """(batch, length, width) -> (batch, heads, length, width / heads)."""
    if heads == 1:
        return ops.expand_dims(array, 1)
    batch, length, width = ops.shape(array)
    return ops.transpose(ops.reshape(array, (batch, length, heads, width // heads)), (0, 2, 1, 3))


def _join(array: Any) -> Any:
    """Undoes `_split`."""
    batch, heads, length, width = ops.shape(array)
    return ops.reshape(ops.transpose(array, (0, 2, 1, 3)), (batch, length, heads * width))


def soft_attention(kind: str, *, units: int, heads: int, name: str) -> Any:
    """The layer of one kind: `general`, `dot`, `scaled-dot`, `additive` or `multi-head`.

    Args:
        kind: which.
        units: width of the keys.
        heads: of `multi-head`.
        name: of the layer.
    """
    if kind in ("additive", "multi-head"):
        return AdditiveAttention(units, heads if kind == "multi-head" else 1, name=name)
    return DotAttention(scaled=kind != "dot", name=name)
