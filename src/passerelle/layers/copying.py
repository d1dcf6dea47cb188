"""Copying: a decoder step can write a token of the target vocabulary or copy any token of the source."""

from typing import Any

import keras
from keras import layers, ops

from passerelle.layers.matmul import dense

__all__ = ["PointerGenerator", "copy_columns", "mix_distributions"]

MIN_PROBABILITY = 1e-30
"""Lower bound of probabilities, which keeps their logarithms finite."""


def copy_columns(copies: Any, *, first: int, columns: int, dtype: Any) -> Any:
    """Return the output column of each source token as a one-hot vector.

    Args:
        copies: int (batch, S), the copy ids: the target id of each source token. A token that the target vocabulary
            lacks has the id `first + columns` plus the position of its first occurrence in the source.
        first: the target id of column 0.
        columns: number of target ids that have a column.
        dtype: dtype of the result.

    Returns:
        (batch, S, columns + S): 1 in the token's column; zeros for PAD.
    """
    all_columns = ops.arange(columns + copies.shape[1], dtype=copies.dtype)
    return ops.cast(ops.equal(ops.expand_dims(copies - first, -1), all_columns), dtype)


def mix_distributions(generate: Any, logits: Any, copied: Any) -> Any:
    """Mix the distribution over the vocabulary with the copy distribution.

    Args:
        generate: float (..., 1), probability that the token is generated from the vocabulary and not copied.
        logits: float (..., columns), logits of the vocabulary.
        copied: float (..., columns + S), the copy distribution: probability of copying each token, with a sum of 1.

    Returns:
        float (..., columns + S): log probabilities in nats.
    """
    positions = copied.shape[-1] - logits.shape[-1]
    generated = ops.pad(ops.softmax(logits), [(0, 0)] * (len(logits.shape) - 1) + [(0, positions)])
    return ops.log(ops.maximum(generate * generated + (1.0 - generate) * copied, MIN_PROBABILITY))


@keras.saving.register_keras_serializable("passerelle")
class PointerGenerator(layers.Layer):
    """Pointer-generator: mixes the distribution over the vocabulary with the attention over the source.

    Source: See et al. 2017, arXiv:1704.04368, section 2.2. One deviation: the gate (p_gen in the paper) is computed
    from the attentional vector, which combines state and context, not from state, context and the decoder's input.

    Args:
        first: the target id of the logits' column 0.
    """

    def __init__(self, *, first: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.first = first
        self.gate = dense(1, activation="sigmoid", name="gate")

    def build(self, input_shape: Any) -> None:
        self.gate.build(input_shape)

    def call(self, vectors: Any, logits: Any, weights: Any, copies: Any) -> Any:
        """Compute the mixed distribution.

        Args:
            vectors: float (batch, T, units), the attentional vectors, from which the gate is computed.
            logits: float (batch, T, columns), logits of the vocabulary.
            weights: float (batch, T, S), attention weights, with a sum of 1.
            copies: int (batch, S), copy ids, see `copy_columns`.

        Returns:
            float (batch, T, columns + S): log probabilities in nats, first of the vocabulary, then of the source
            positions.
        """
        copy_targets = copy_columns(copies, first=self.first, columns=logits.shape[-1], dtype=weights.dtype)
        return mix_distributions(self.gate(vectors), logits, ops.matmul(weights, copy_targets))

    def compute_output_spec(self, vectors: Any, logits: Any, weights: Any, copies: Any) -> Any:
        batch, length, columns = logits.shape
        positions = copies.shape[1]
        width = None if positions is None else columns + positions
        return keras.KerasTensor((batch, length, width), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"first": self.first}
