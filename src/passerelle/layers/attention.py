"""Soft attention: each decoder step reads a weighted mean of the encoder's outputs."""

import math
from typing import Any

import keras
from keras import layers

from passerelle.layers.initializers import GlorotUniform
from passerelle.layers.matmul import dense

__all__ = [
    "AdditiveAttention",
    "DotAttention",
    "MultiHeadAttention",
    "SplitHeads",
    "attend",
    "attention_weights",
    "dot_scores",
    "merge_heads",
    "soft_attention",
    "split_heads",
]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


class _Attention(layers.Layer):
    """Base class: turns attention scores into weights, and weights into a context vector."""

    def call(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        """Attend to the source.

        Args:
            queries: float (batch, T, width).
            keys: float (batch, S, width).
            values: float (batch, S, value_width).
            mask: bool (batch, S), True at source tokens, False at padding.

        Returns:
            context: float (batch, T, value_width).
            weights: float (batch, T, S), the attention weights: 0 at padding, with a sum of 1 over the source; with
                several heads, their mean over the heads.
        """
        scores = self.scores(queries, keys)  # (batch, heads, T, S)
        if len(values.shape) == 3:
            values = split_heads(values, scores.shape[1])
        mask = ops.expand_dims(mask, (1, 2))
        weights = ops.where(mask, attention_weights(scores, mask), 0.0)  # all 0 in a row that is all padding
        return merge_heads(ops.matmul(weights, values)), ops.mean(weights, axis=1)

    def scores(self, queries: Any, keys: Any) -> Any:
        """Return the attention scores of all keys for all queries, float (batch, heads, T, S), before the softmax."""
        raise NotImplementedError

    def compute_output_spec(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        batch, length, _ = queries.shape
        width = math.prod(values.shape[1::2]) if len(values.shape) == 4 else values.shape[-1]
        return (
            keras.KerasTensor((batch, length, width), dtype=self.compute_dtype),
            keras.KerasTensor((batch, length, keys.shape[-2]), dtype=self.compute_dtype),
        )


@keras.saving.register_keras_serializable("passerelle")
class DotAttention(_Attention):
    """Dot-product attention: the score is the dot product of query and key. The layer has no weights.

    With the values as keys this is Luong's `dot` attention. With a linear projection of the values as keys, computed
    once per source, it is his `general` attention (Luong et al. 2015, arXiv:1508.04025, section 3.1).

    Args:
        scaled: whether to divide the scores by the square root of the width, so that their variance does not grow
            with the width (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1).
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
    """Additive attention: the score is v . tanh(W query + key) (Bahdanau et al. 2014, arXiv:1409.0473, app. A.1.2).

    The keys are a linear projection of the values, computed once per source. The layer adds every query to every key,
    which takes an array of shape (batch, T, S, units).

    Args:
        units: width of the keys.
        heads: number of attention heads (RNMT+: Chen et al. 2018, arXiv:1804.09849, section 4). The units and the
            width of the values are split evenly among the heads, so both must be multiples of this number.
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
        queries, keys = (split_heads(array, self.heads) for array in (self.queries(queries), keys))
        activations = ops.tanh(ops.expand_dims(queries, 3) + ops.expand_dims(keys, 2))  # (batch, heads, T, S, width)
        return ops.sum(activations * ops.reshape(self.vector, (1, self.heads, 1, 1, -1)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units, "heads": self.heads}


@keras.saving.register_keras_serializable("passerelle")
class MultiHeadAttention(_Attention):
    """Multi-head attention: scaled dot products of the parts of queries and keys that belong to each head.

    Keys and values are linear projections of the source, computed once per source. They may also be split into heads
    once per source: float (batch, heads, S, units / heads), see `SplitHeads`. A projection of the context, which
    Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2, include, follows outside this layer.

    Args:
        units: width of queries, keys and values.
        heads: number of attention heads, a divisor of `units`.
    """

    def __init__(self, units: int, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.heads = heads
        self.queries = dense(units, name="queries")

    def build(self, input_shape: Any) -> None:
        self.queries.build(input_shape)

    def scores(self, queries: Any, keys: Any) -> Any:
        if len(keys.shape) == 3:
            keys = split_heads(keys, self.heads)
        return dot_scores(split_heads(self.queries(queries), self.heads), keys)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units, "heads": self.heads}


@keras.saving.register_keras_serializable("passerelle")
class SplitHeads(layers.Layer):
    """Split vectors into heads: float (batch, S, width) -> float (batch, heads, S, width / heads).

    Keys and values that are split once per source are not transposed in each decoder step. The layer has no weights.

    Args:
        heads: number of attention heads, a divisor of the width.
    """

    def __init__(self, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads
        self.supports_masking = True

    def call(self, sequence: Any) -> Any:
        return split_heads(sequence, self.heads)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Return None: the second axis is that of the heads now. Attention takes its mask as an argument."""

    def compute_output_spec(self, sequence: Any) -> Any:
        batch, length, width = sequence.shape
        return keras.KerasTensor((batch, self.heads, length, width // self.heads), dtype=sequence.dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"heads": self.heads}


def attention_weights(scores: Any, mask: Any) -> Any:
    """Return the softmax of the scores over the positions where `mask`, bool, is True; it broadcasts to `scores`."""
    if scores.shape[-1] == 1:
        return ops.ones_like(scores)  # Keras's softmax would warn that all its values are 1
    # -1e9 instead of -inf: a row without any position would give NaN. Its weights are equal.
    return ops.softmax(ops.where(mask, scores, -1e9), axis=-1)


def dot_scores(queries: Any, keys: Any) -> Any:
    """Return scaled dot products: (batch, heads, T, width) and (batch, heads, S, width) -> (batch, heads, T, S)."""
    # An explicit transpose of the keys would copy them.
    return ops.einsum("bhtw,bhsw->bhts", queries / math.sqrt(queries.shape[-1]), keys)


def attend(queries: Any, keys: Any, values: Any, mask: Any) -> Any:
    """Compute scaled dot-product attention of each head (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1).

    Args:
        queries: float (batch, heads, T, width).
        keys: float (batch, heads, S, width).
        values: float (batch, heads, S, width).
        mask: bool, broadcasts to (batch, heads, T, S), True where a token attends.

    Returns:
        The context of each token, float (batch, heads, T, width).
    """
    return ops.matmul(attention_weights(dot_scores(queries, keys), mask), values)


def split_heads(array: Any, heads: int) -> Any:
    """(batch, length, width) -> (batch, heads, length, width / heads)."""
    if heads == 1:
        return ops.expand_dims(array, 1)
    batch, length, width = ops.shape(array)
    return ops.transpose(ops.reshape(array, (batch, length, heads, width // heads)), (0, 2, 1, 3))


def merge_heads(array: Any) -> Any:
    """(batch, heads, length, width) -> (batch, length, heads * width): the inverse of `split_heads`."""
    batch, heads, length, width = ops.shape(array)
    return ops.reshape(ops.transpose(array, (0, 2, 1, 3)), (batch, length, heads * width))


def soft_attention(kind: str, *, units: int, heads: int, name: str) -> Any:
    """Return an attention layer.

    Args:
        kind: `general`, `dot`, `scaled-dot`, `additive`, `multi-head` or `multi-head-additive`.
        units: width of the keys; only for `additive` and the two kinds of multi-head attention.
        heads: number of heads; only for the two kinds of multi-head attention.
        name: name of the layer.
    """
    if kind == "multi-head":
        return MultiHeadAttention(units, heads, name=name)
    if kind in ("additive", "multi-head-additive"):
        return AdditiveAttention(units, heads if kind == "multi-head-additive" else 1, name=name)
    return DotAttention(scaled=kind != "dot", name=name)
