"""Copying: beside the symbols that it knows, a step may write any symbol of the source as it stands."""

from typing import Any

import keras
from keras import layers, ops

from passerelle.layers.initializers import dense

__all__ = ["PointerGenerator"]

LEAST = 1e-30
"""Below every probability that counts; keeps logarithms finite."""


@keras.saving.register_keras_serializable("passerelle")
class PointerGenerator(layers.Layer):
    """Mixes the distribution over known symbols with attention's over the source (See et al. 2017, arXiv:1704.04368).

    Section 2.2, with one deviation: the gate is computed from the attentional vector, which holds state and context,
    and not from the state, the context and the symbol that was read.

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
            logits: float (batch, T, columns), of the known symbols.
            weights: float (batch, T, S), attention's, sums of 1.
            copies: int (batch, S), the target id of each source symbol; one without is `first + columns` plus the
                position of its first occurrence in the source.

        Returns:
            float (batch, T, columns + S): log probabilities in nats, of known symbols, then of source positions.
        """
        columns = logits.shape[-1]
        generate = self.gate(vectors)
        everywhere = ops.arange(columns + copies.shape[1], dtype=copies.dtype)
        to = ops.equal(ops.expand_dims(copies - self.first, -1), everywhere)  # (batch, S, columns + S)
        copied = ops.matmul(weights, ops.cast(to, weights.dtype))
        known = ops.pad(ops.softmax(logits), ((0, 0), (0, 0), (0, copies.shape[1])))
        return ops.log(ops.maximum(generate * known + (1.0 - generate) * copied, LEAST))

    def compute_output_spec(self, vectors: Any, logits: Any, weights: Any, copies: Any) -> Any:
        batch, length, columns = logits.shape
        positions = copies.shape[1]
        width = None if positions is None else columns + positions
        return keras.KerasTensor((batch, length, width), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"first": self.first}
