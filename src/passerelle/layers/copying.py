"""Copying: beside the tokens that it knows, a step may write any token of the source as it stands."""

from typing import Any

import keras
from keras import layers, ops

from passerelle.layers.matmul import dense

__all__ = ["PointerGenerator", "copied_columns", "mixed"]

LEAST = 1e-30
"""Below every probability that counts; keeps logarithms finite."""


def copied_columns(copies: Any, *, first: int, columns: int, dtype: Any) -> Any:
    """The column that copying each source token writes.

    Args:
        copies: int (batch, S), the target id of each source token; one without is `first + columns` plus the position
            of its first occurrence in the source.
        first: the target id of column 0.
        columns: how many tokens are known.
        dtype: of the result.

    Returns:
        (batch, S, columns + S): 1 in the token's column; zeros for PAD.
    """
    everywhere = ops.arange(columns + copies.shape[1], dtype=copies.dtype)
    return ops.cast(ops.equal(ops.expand_dims(copies - first, -1), everywhere), dtype)


def mixed(generate: Any, logits: Any, copied: Any) -> Any:
    """Log probabilities in nats, float (..., columns + S), where some tokens are written and others copied.

    Args:
        generate: float (..., 1), how likely a token is written, and not copied.
        logits: float (..., columns), of the known tokens.
        copied: float (..., columns + S), how likely each is copied; sums of 1.
    """
    unknown = copied.shape[-1] - logits.shape[-1]
    known = ops.pad(ops.softmax(logits), [(0, 0)] * (len(logits.shape) - 1) + [(0, unknown)])
    return ops.log(ops.maximum(generate * known + (1.0 - generate) * copied, LEAST))


@keras.saving.register_keras_serializable("passerelle")
class PointerGenerator(layers.Layer):
    """Mixes the distribution over known tokens with attention's over the source (See et al. 2017, arXiv:1704.04368).

    Section 2.2, with one deviation: the gate is computed from the attentional vector, which holds state and context,
    and not from the state, the context and the token that was read.

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
        """Mixes.

        Args:
            vectors: float (batch, T, units), which decide between writing and copying.
            logits: float (batch, T, columns), of the known tokens.
            weights: float (batch, T, S), attention's, sums of 1.
            copies: int (batch, S), see `copied_columns`.

        Returns:
            float (batch, T, columns + S): log probabilities in nats, of known tokens, then of source positions.
        """
        to = copied_columns(copies, first=self.first, columns=logits.shape[-1], dtype=weights.dtype)
        return mixed(self.gate(vectors), logits, ops.matmul(weights, to))

    def compute_output_spec(self, vectors: Any, logits: Any, weights: Any, copies: Any) -> Any:
        batch, length, columns = logits.shape
        positions = copies.shape[1]
        width = None if positions is None else columns + positions
        return keras.KerasTensor((batch, length, width), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"first": self.first}
