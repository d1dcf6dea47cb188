"""The sublayers of a Transformer: self-attention, cross-attention and feed-forward network.

Each sublayer computes `sequence + dropout(f(layer norm(sequence)))`: the normalization is inside the residual branch
(pre-norm: Xiong et al. 2020, arXiv:2002.04745), which trains without a long warmup. Vaswani et al. 2017,
arXiv:1706.03762, normalize the sum instead.
"""

from typing import Any

import keras
from keras import layers

from passerelle.layers.attention import (
    MultiHeadAttention,
    attend,
    merge_heads,
    split_heads,
)
from passerelle.layers.cache import write
from passerelle.layers.dropout import Dropout
from passerelle.layers.initializers import Constant
from passerelle.layers.matmul import dense

__all__ = ["CausalSelfAttention", "CrossAttention", "FeedForward", "SelfAttention", "layer_norm"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


def layer_norm(name: str) -> Any:
    """Return a layer normalization (Ba et al. 2016, arXiv:1607.06450), initialized with NumPy."""
    gain, bias = Constant(1.0), Constant(0.0)
    initializers: dict[str, Any] = {"gamma_initializer": gain, "beta_initializer": bias}
    return layers.LayerNormalization(epsilon=1e-6, name=name, **initializers)


class _Sublayer(layers.Layer):
    """Base class: normalization before the sublayer, dropout and residual connection after it.

    Args:
        units: width of the sequence.
        dropout: dropout rate of the output, before it is added to the input.
    """

    def __init__(self, units: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.rate = dropout
        self.norm = layer_norm("norm")
        self.dropout = Dropout(dropout, name="dropout") if dropout else None

    def _add(self, sequence: Any, output: Any, training: bool) -> Any:
        return sequence + (output if self.dropout is None else self.dropout(output, training=training))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units, "dropout": self.rate}


class _AttentionSublayer(_Sublayer):
    """Base class of the sublayers with multi-head attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2).

    Args:
        units: width of the sequence, of queries, keys and values; a multiple of `heads`.
        heads: number of attention heads.
        dropout: dropout rate of the output, before it is added to the input.
    """

    def __init__(self, units: int, heads: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(units, dropout, **kwargs)
        self.heads = heads
        self.output_layer = dense(units, name="output")

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"heads": self.heads}


class _SelfAttentionSublayer(_AttentionSublayer):
    """Base class of the two kinds of self-attention; one product computes queries, keys and values."""

    def __init__(self, units: int, heads: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(units, heads, dropout, **kwargs)
        self.projection = dense(3 * units, name="queries_keys_values")

    def build(self, input_shape: Any) -> None:
        self.norm.build(input_shape)
        self.projection.build(input_shape)
        self.output_layer.build((None, None, self.units))

    def _project(self, sequence: Any) -> tuple[Any, Any, Any]:
        """Return queries, keys and values, float (batch, T, units) each."""
        projected = self.projection(self.norm(sequence))
        return projected[..., : self.units], projected[..., self.units : -self.units], projected[..., -self.units :]


@keras.saving.register_keras_serializable("passerelle")
class SelfAttention(_SelfAttentionSublayer):
    """Self-attention of an encoder: each token attends to all tokens.

    See `_AttentionSublayer` for the arguments.
    """

    def call(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        """Compute the sublayer.

        Args:
            sequence: float (batch, S, units).
            mask: bool (batch, S), True at tokens, False at padding, to which nothing attends.
            training: whether to apply dropout.
        """
        queries, keys, values = (split_heads(array, self.heads) for array in self._project(sequence))
        output = self.output_layer(merge_heads(attend(queries, keys, values, ops.expand_dims(mask, (1, 2)))))
        return self._add(sequence, output, training)

    def compute_output_spec(self, sequence: Any, mask: Any, training: bool = False) -> Any:
        return keras.KerasTensor(sequence.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("passerelle")
class CausalSelfAttention(_SelfAttentionSublayer):
    """Self-attention of a decoder: each token attends to itself and to the tokens before it.

    See `_AttentionSublayer` for the arguments.
    """

    def call(
        self, sequence: Any, keys: Any, values: Any, position: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        """Compute the sublayer for T tokens, which follow the tokens of the cache.

        Args:
            sequence: float (batch, T, units).
            keys: float (batch, heads, L, units / heads), the cache of the keys, see `layers.cache`. Without capacity
                (L = 0), the T tokens are the first ones, and nothing is stored.
            values: float (batch, heads, L, units / heads), the cache of the values.
            position: int (batch,), number of valid entries in the caches.
            training: whether to apply dropout.

        Returns:
            The sequence, and the two caches with the keys and values of the T tokens.
        """
        queries, new_keys, new_values = (split_heads(array, self.heads) for array in self._project(sequence))
        token = ops.expand_dims(ops.arange(sequence.shape[1], dtype="int32"), -1)
        if keys.shape[2] == 0:
            visible = token >= token[:, 0]  # (T, T)
            context = attend(queries, new_keys, new_values, visible)
        else:
            # Written before they are read: a compiled loop need not keep the earlier contents of the caches.
            keys, values = write(keys, new_keys, position), write(values, new_values, position)
            last = ops.reshape(position, (-1, 1, 1, 1)) + token  # (batch, 1, T, 1), the last entry that a token sees
            context = attend(queries, keys, values, ops.arange(keys.shape[2], dtype="int32") <= last)
        return self._add(sequence, self.output_layer(merge_heads(context)), training), keys, values

    def compute_output_spec(
        self, sequence: Any, keys: Any, values: Any, position: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        return tuple(  # pyright: ignore[reportReturnType]
            keras.KerasTensor(array.shape, dtype=self.compute_dtype) for array in (sequence, keys, values)
        )


@keras.saving.register_keras_serializable("passerelle")
class CrossAttention(_AttentionSublayer):
    """Cross-attention of a decoder: each token attends to the source.

    Keys and values are projected once per source, outside this layer. See `_AttentionSublayer` for the arguments.
    """

    def __init__(self, units: int, heads: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(units, heads, dropout, **kwargs)
        self.attention = MultiHeadAttention(units, heads, name="attention")

    def build(self, input_shape: Any) -> None:
        self.norm.build(input_shape)
        self.attention.build(input_shape)
        self.output_layer.build((None, None, self.units))

    def call(self, sequence: Any, keys: Any, values: Any, mask: Any, training: bool = False) -> tuple[Any, Any]:
        """Compute the sublayer.

        Args:
            sequence: float (batch, T, units).
            keys: float (batch, heads, S, units / heads), or (batch, S, units), which is slower.
            values: an array of the same shape.
            mask: bool (batch, S), True at source tokens, False at padding.
            training: whether to apply dropout.

        Returns:
            The sequence, and the mean attention weights of the heads, float (batch, T, S).
        """
        context, weights = self.attention(self.norm(sequence), keys, values, mask)
        return self._add(sequence, self.output_layer(context), training), weights

    def compute_output_spec(
        self, sequence: Any, keys: Any, values: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any]:
        batch, length, _ = sequence.shape
        return (
            keras.KerasTensor(sequence.shape, dtype=self.compute_dtype),
            keras.KerasTensor((batch, length, keys.shape[-2]), dtype=self.compute_dtype),
        )


@keras.saving.register_keras_serializable("passerelle")
class FeedForward(_Sublayer):
    """The feed-forward network of each token: two dense layers with ReLU between them (Vaswani et al., section 3.3).

    Args:
        units: width of the sequence.
        width: width of the first dense layer.
        dropout: dropout rate of the output, before it is added to the input.
    """

    def __init__(self, units: int, width: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(units, dropout, **kwargs)
        self.width = width
        self.hidden = dense(width, activation="relu", name="hidden")
        self.output_layer = dense(units, name="output")

    def build(self, input_shape: Any) -> None:
        self.norm.build(input_shape)
        self.hidden.build(input_shape)
        self.output_layer.build((None, None, self.width))

    def call(self, sequence: Any, training: bool = False) -> Any:
        """Compute the sublayer: float (batch, T, units) -> float (batch, T, units)."""
        return self._add(sequence, self.output_layer(self.hidden(self.norm(sequence))), training)

    def compute_output_spec(self, sequence: Any, training: bool = False) -> Any:
        return keras.KerasTensor(sequence.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"width": self.width}
