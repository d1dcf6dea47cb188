"""Exact hard monotonic attention: each step is aligned to one source token, and the alignment never moves back."""

from typing import Any

import keras
from keras import layers

from passerelle.layers.copying import copy_columns, mix_distributions
from passerelle.layers.initializers import Constant
from passerelle.layers.matmul import dense
from passerelle.special_tokens import IMPOSSIBLE

__all__ = ["FirstAlignment", "MonotonicAttention"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""

MAX_JUMP = 16
"""Jump width, in source tokens, from which all jumps have the same weight."""

JUMP_PENALTY = 0.5
"""Initial penalty per source token of a jump's width, in nats."""


@keras.saving.register_keras_serializable("passerelle")
class FirstAlignment(layers.Layer):
    """The initial states of monotonic attention: aligned to the first source token with probability 1.

    Args:
        columns: number of target ids that have a column.
        copying: whether source tokens can be copied.
    """

    def __init__(self, columns: int, *, copying: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.copying = copying

    def call(self, mask: Any) -> tuple[Any, Any]:
        """Return the initial alignment and emissions.

        Args:
            mask: bool (batch, S), True at source tokens, False at padding.

        Returns:
            alignment: float (batch, S), log probability in nats of each source position.
            emissions: float (batch, S, columns), zeros; with copying S columns more.
        """
        first = ops.equal(ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1), 1)
        alignment = ops.where(first, 0.0, IMPOSSIBLE)
        columns = ops.zeros((1, 1, _width(self.columns, mask.shape[1], self.copying)))
        return alignment, columns * ops.expand_dims(ops.zeros_like(alignment), -1)

    def compute_output_spec(self, mask: Any) -> tuple[Any, Any]:
        width = _width(self.columns, mask.shape[1], self.copying)
        return (
            keras.KerasTensor(mask.shape, dtype=self.compute_dtype),
            keras.KerasTensor((*mask.shape, width), dtype=self.compute_dtype),
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"columns": self.columns, "copying": self.copying}


def _width(columns: int, positions: int | None, copying: bool) -> int | None:
    """Return the number of output columns: the vocabulary and, with copying, the source positions."""
    if not copying:
        return columns
    return None if positions is None else columns + positions


@keras.saving.register_keras_serializable("passerelle")
class MonotonicAttention(layers.Layer):
    """Monotonic attention that sums exactly over all monotonic alignments, by dynamic programming.

    The model is a hidden Markov model. Its hidden state is the source position of a step. Transitions move the position
    right or leave it, and emissions are distributions over output tokens, one for each step and position. The decoder's
    state does not depend on the alignment, so the emissions of all steps are computed at once. Only the forward
    probabilities of the positions, (batch, S), need a scan. They are filtered: conditioned on the tokens written so
    far, so that the output of each step is a distribution.

    Source: the first-order model with hard monotonicity of Wu and Cotterell 2019, arXiv:1905.06319, sections 3 and 4.
    Two deviations:

    - The transition probability also depends on the width of the jump, as in the HMM alignment of Vogel et al. 1996
      (C96-2141). Without this, each step of an untrained network skips half of the remaining source, and some trainings
      never recover from that.
    - With copying, a step can also copy the source token at its position. A gate gives the probability of copying, as
      in the pointer-generator of See et al. 2017 (arXiv:1704.04368).

    Args:
        columns: number of target ids that have a column.
        units: width of queries, keys and values.
        first: the id of column 0.
        copying: whether source tokens can be copied.
    """

    def __init__(self, columns: int, units: int, *, first: int, copying: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.first = first
        self.units = units
        self.copying = copying
        self.query_layer = dense(units, name="emission_query")
        self.output_layer = dense(columns, name="emission")
        self.gate = dense(1, activation="sigmoid", name="gate") if copying else None

    def build(self, input_shape: Any) -> None:
        self.jumps = self.add_weight(name="jumps", shape=(MAX_JUMP + 1,), initializer=Constant(0.0))
        self.query_layer.build((None, None, self.units))
        self.output_layer.build((None, None, None, self.units))
        if self.gate is not None:
            self.gate.build((None, None, None, self.units))

    def call(
        self,
        ids: Any,
        queries: Any,
        keys: Any,
        values: Any,
        mask: Any,
        alignment: Any,
        emissions: Any,
        copies: Any = None,
    ) -> tuple[Any, Any, Any, Any]:
        """Compute T steps. With copying, read `columns + S` for `columns` in all shapes below.

        Args:
            ids: int (batch, T), the input tokens of the steps: for each step, the output of the previous one.
            queries: float (batch, T, units), outputs of the decoder.
            keys: float (batch, S, units), scored against the queries.
            values: float (batch, S, units), from which the emissions are computed.
            mask: bool (batch, S), True at source tokens, False at padding.
            alignment: float (batch, S), log probability in nats of each position in the previous step, not yet
                conditioned on that step's output.
            emissions: float (batch, S, columns), log probability of each token at each position in the previous step.
            copies: int (batch, S), copy ids, see `layers.copying.copy_columns`; required with copying.

        Returns:
            log_probs: float (batch, T, columns), in nats.
            weights: float (batch, T, S), probability of each position in each step, used as attention weights.
            alignment, emissions: like the arguments, for the last of the T steps.
        """
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1))) / ops.sqrt(float(queries.shape[-1]))
        scores = ops.where(ops.expand_dims(mask, 1), scores, IMPOSSIBLE)  # (batch, T, S)
        emission_log_probs = self._emissions(queries, values, copies)
        length = scores.shape[-1] if scores.shape[-1] is not None else ops.shape(scores)[-1]
        jumps = self._jumps(length, scores.dtype)

        # The normalizer of the transitions from each position: the sum over all positions that it can reach.
        reachable: Any = ops.logsumexp(ops.expand_dims(scores, 2) + jumps, axis=-1)
        previous = ops.concatenate([ops.expand_dims(emissions, 1), emission_log_probs[:, :-1]], axis=1)
        columns: Any = _width(self.columns, length, self.copying)
        column = ops.clip(ids - self.first, 0, columns - 1)
        # A masked sum instead of a gather, whose gradient would be a scatter.
        is_input = ops.equal(ops.expand_dims(column, -1), ops.arange(columns, dtype=ids.dtype))
        observed: Any = ops.sum(ops.where(ops.expand_dims(is_input, 2), previous, 0.0), axis=-1)  # (batch, T, S)

        def step(alignment: Any, inputs: Any) -> tuple[Any, Any]:
            scores, reachable, observed = inputs
            filtered = alignment + observed
            filtered = filtered - ops.logsumexp(filtered, axis=-1, keepdims=True)
            moves = ops.expand_dims(filtered - reachable, 2) + ops.expand_dims(scores, 1) + jumps  # (batch, from, to)
            alignment = ops.logsumexp(moves, axis=1)
            return alignment, alignment

        steps = tuple(ops.transpose(array, (1, 0, 2)) for array in (scores, reachable, observed))
        alignment, aligned = ops.scan(step, alignment, steps)
        aligned = ops.transpose(aligned, (1, 0, 2))  # (batch, T, S)
        log_probs = ops.logsumexp(ops.expand_dims(aligned, -1) + emission_log_probs, axis=2)
        return log_probs, ops.exp(aligned), alignment, emission_log_probs[:, -1]

    def _emissions(self, queries: Any, values: Any, copies: Any) -> Any:
        """Return the log probabilities of all tokens in each step at each position, (batch, T, S, columns)."""
        hidden = ops.tanh(ops.expand_dims(self.query_layer(queries), 2) + ops.expand_dims(values, 1))
        logits = self.output_layer(hidden)
        if self.gate is None:
            return ops.log_softmax(logits)
        targets = copy_columns(copies, first=self.first, columns=self.columns, dtype=hidden.dtype)
        return mix_distributions(self.gate(hidden), logits, ops.expand_dims(targets, 1))

    def _jumps(self, length: Any, dtype: str) -> Any:
        """Return the unnormalized log weight of each jump by its width, (S, S): from, to."""
        position = ops.arange(length)
        width = ops.expand_dims(position, 0) - ops.expand_dims(position, 1)
        jumped = ops.clip(width, 0, MAX_JUMP)
        return ops.where(width >= 0, ops.take(self.jumps, jumped) - JUMP_PENALTY * ops.cast(jumped, dtype), IMPOSSIBLE)

    def compute_output_spec(
        self, ids: Any, queries: Any, keys: Any, values: Any, mask: Any, alignment: Any, emissions: Any, *copies: Any
    ) -> tuple[Any, Any, Any, Any]:
        batch, length, _ = queries.shape
        columns = _width(self.columns, keys.shape[1], self.copying)
        return (
            keras.KerasTensor((batch, length, columns), dtype=self.compute_dtype),
            keras.KerasTensor((batch, length, keys.shape[1]), dtype=self.compute_dtype),
            keras.KerasTensor(alignment.shape, dtype=self.compute_dtype),
            keras.KerasTensor(emissions.shape, dtype=self.compute_dtype),
        )

    def get_config(self) -> dict[str, Any]:
        config = {"columns": self.columns, "units": self.units, "first": self.first, "copying": self.copying}
        return super().get_config() | config
