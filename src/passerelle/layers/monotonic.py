"""Exact hard monotonic attention: each step stands at one source token, and the next step never before it."""

from typing import Any

import keras
from keras import layers

from passerelle.layers.copying import copied_columns, mixed
from passerelle.layers.initializers import Constant
from passerelle.layers.matmul import dense
from passerelle.special_tokens import IMPOSSIBLE

__all__ = ["FirstAlignment", "MonotonicAttention"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""

WIDEST_JUMP = 16
"""Source tokens; wider jumps are as likely as this one, but for where they lead."""

STRIDE = 0.5
"""By how many nats a jump is less likely at first for each token that it is wider."""


@keras.saving.register_keras_serializable("passerelle")
class FirstAlignment(layers.Layer):
    """The alignment before the first step: surely at the first source token, nothing written yet.

    Args:
        columns: how many tokens are known.
        copying: whether the source's own tokens can be written too.
    """

    def __init__(self, columns: int, *, copying: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.copying = copying

    def call(self, mask: Any) -> tuple[Any, Any]:
        """bool (batch, S) -> log alignment (batch, S), log emissions (batch, S, columns), nats; S more with copying."""
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
    """Of what a step may write: the known tokens and, with copying, the source's positions."""
    if not copying:
        return columns
    return None if positions is None else columns + positions


@keras.saving.register_keras_serializable("passerelle")
class MonotonicAttention(layers.Layer):
    """Sums over all alignments that never move back, without enumerating them.

    Wu and Cotterell 2019 (arXiv:1905.06319), sections 3 and 4: the first-order model with hard monotonicity. The
    decoder's state does not depend on the alignment, so what each step would write at each source token is known for
    all steps at once; only the alignment's forward probabilities, (batch, S), are scanned. They are kept as a filter:
    the probability of each position given what was written so far, so that a step's output is a distribution.

    Deviations. How likely a move is depends also on how wide it is, as in alignments by hidden Markov models (Vogel et
    al. 1996, C96-2141): else each step of an untrained network leaves half of the remaining source behind, and some
    trainings never recover from that. And with copying, a step may write the token at which it stands, known or not,
    instead of one of its own; a gate says how likely that is, as in a pointer-generator (See et al. 2017,
    arXiv:1704.04368).

    Args:
        columns: how many tokens are known.
        units: width of queries, keys and values.
        first: the id of column 0.
        copying: whether the source's own tokens can be written too.
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
        self.jumps = self.add_weight(name="jumps", shape=(WIDEST_JUMP + 1,), initializer=Constant(0.0))
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
        """Makes T steps. With copying, `columns` stands for S more, the source's positions.

        Args:
            ids: int (batch, T), the tokens that the steps read: the ones that the steps before them wrote.
            queries: float (batch, T, units), what the decoder says in each step.
            keys: float (batch, S, units), which the queries look for.
            values: float (batch, S, units), from which the emissions are made.
            mask: bool (batch, S), True where a source token stands.
            alignment: float (batch, S), log probability of each position before the first of these steps, without
                what that step reads.
            emissions: float (batch, S, columns), log probability of each token at each position in the step before.
            copies: int (batch, S), see `layers.copying.copied_columns`; with copying.

        Returns:
            log_probs: float (batch, T, columns), nats.
            weights: float (batch, T, S): how likely each step stands at each source token.
            alignment, emissions: as given, after the last step.
        """
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1))) / ops.sqrt(float(queries.shape[-1]))
        scores = ops.where(ops.expand_dims(mask, 1), scores, IMPOSSIBLE)  # (batch, T, S)
        emitted = self._emitted(queries, values, copies)
        length = scores.shape[-1] if scores.shape[-1] is not None else ops.shape(scores)[-1]
        jumps = self._jumps(length, scores.dtype)

        # Log of the sum over all positions that a step may reach from each: it makes the move a distribution.
        reachable: Any = ops.logsumexp(ops.expand_dims(scores, 2) + jumps, axis=-1)
        before = ops.concatenate([ops.expand_dims(emissions, 1), emitted[:, :-1]], axis=1)
        columns: Any = _width(self.columns, length, self.copying)
        column = ops.clip(ids - self.first, 0, columns - 1)
        # A sum over a comparison, not a gather: its gradient scatters.
        wrote = ops.equal(ops.expand_dims(column, -1), ops.arange(columns, dtype=ids.dtype))
        observed: Any = ops.sum(ops.where(ops.expand_dims(wrote, 2), before, 0.0), axis=-1)  # (batch, T, S)

        def step(alignment: Any, given: Any) -> tuple[Any, Any]:
            scores, reachable, observed = given
            known = alignment + observed
            known = known - ops.logsumexp(known, axis=-1, keepdims=True)
            moves = ops.expand_dims(known - reachable, 2) + ops.expand_dims(scores, 1) + jumps  # (batch, from, to)
            alignment = ops.logsumexp(moves, axis=1)
            return alignment, alignment

        steps = tuple(ops.transpose(array, (1, 0, 2)) for array in (scores, reachable, observed))
        alignment, aligned = ops.scan(step, alignment, steps)
        aligned = ops.transpose(aligned, (1, 0, 2))  # (batch, T, S)
        log_probs = ops.logsumexp(ops.expand_dims(aligned, -1) + emitted, axis=2)
        return log_probs, ops.exp(aligned), alignment, emitted[:, -1]

    def _emitted(self, queries: Any, values: Any, copies: Any) -> Any:
        """What each step writes at each position: log probabilities (batch, T, S, columns)."""
        hidden = ops.tanh(ops.expand_dims(self.query_layer(queries), 2) + ops.expand_dims(values, 1))
        emitted = self.output_layer(hidden)
        if self.gate is None:
            return ops.log_softmax(emitted)
        here = copied_columns(copies, first=self.first, columns=self.columns, dtype=hidden.dtype)
        return mixed(self.gate(hidden), emitted, ops.expand_dims(here, 1))

    def _jumps(self, length: Any, dtype: str) -> Any:
        """What speaks for a move for its width alone, (S, S) from and to: nats, not normalized."""
        position = ops.arange(length)
        width = ops.expand_dims(position, 0) - ops.expand_dims(position, 1)
        jumped = ops.clip(width, 0, WIDEST_JUMP)
        return ops.where(width >= 0, ops.take(self.jumps, jumped) - STRIDE * ops.cast(jumped, dtype), IMPOSSIBLE)

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
        own = {"columns": self.columns, "units": self.units, "first": self.first, "copying": self.copying}
        return super().get_config() | own
