"""Sampling: each step draws a token from the network's distribution."""

from typing import Any

import keras

from passerelle.decoding.greedy import GreedyResult, GreedyStrategy, search_rows
from passerelle.decoding.lanes import Step
from passerelle.decoding.truncation import allowed_candidates, num_candidates
from passerelle.settings import SearchSettings

__all__ = ["sample"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def sample(
    step: Step, state: Any, limits: Any, max_length: int, uniform: Any, settings: SearchSettings
) -> GreedyResult:
    """Sample one translation per row.

    Args:
        step: gives the log probabilities of the next token.
        state: before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.
        uniform: float32 (rows, max_length), uniform numbers from 0 to 1, one per step. The same numbers give the same
            text, whatever the other rows.
        settings: `temperature` divides the log probabilities; `top_k`, `top_p` and the other settings of
            `decoding.truncation` limit the tokens that may be drawn.

    Returns:
        One result per row; scores are the network's own log probabilities, before temperature and truncation.
    """
    return search_rows(_Sampled(step, settings), {"step": state, "uniform": uniform}, limits, max_length)


class _Sampled(GreedyStrategy):
    """A strategy; its state is the step's own and the uniform numbers, float32 (lanes, max_length)."""

    def __init__(self, step: Step, settings: SearchSettings):
        super().__init__(step)
        self.settings = settings

    def choose(self, state: Any, last: Any, position: Any) -> tuple[Any, Any, Any]:
        log_probs, after = self.step(last, state["step"])
        values, order = ops.top_k(log_probs, num_candidates(self.settings, log_probs.shape[-1]))
        shares = ops.exp((values - values[:, :1]) / self.settings.temperature)
        shares = shares / ops.sum(shares, axis=-1, keepdims=True)
        allowed = allowed_candidates(shares, self.settings)
        upper = ops.cumsum(ops.where(allowed, shares, 0.0), axis=-1)
        last_column = state["uniform"].shape[1] - 1
        column = ops.expand_dims(ops.minimum(position, last_column), -1)
        number = ops.take_along_axis(state["uniform"], column, axis=1)
        place = ops.sum(ops.cast(upper <= number * upper[:, -1:], "int32"), axis=-1, keepdims=True)
        # Rounding must not lead past the last candidate that is allowed.
        places = ops.where(allowed, ops.arange(values.shape[-1], dtype="int32"), 0)
        place = ops.minimum(place, ops.max(places, axis=-1, keepdims=True))
        token = ops.cast(ops.take_along_axis(order, place, axis=-1), "int32")
        log_prob = ops.take_along_axis(log_probs, token, axis=-1)
        return token[:, 0], log_prob[:, 0], {"step": after, "uniform": state["uniform"]}
