"""Sampling: in each step a token is drawn, the likelier the more often."""

from typing import Any

import keras

from passerelle.decoding.greedy import OnePath, PathResult, follow
from passerelle.decoding.lanes import Step

__all__ = ["sample"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def sample(
    step: Step,
    state: Any,
    limits: Any,
    max_length: int,
    draws: Any,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
) -> PathResult:
    """Draws one translation a row.

    Args:
        step: says what comes next.
        state: before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.
        draws: float32 (rows, max_length), what decides each step of each row, uniform from 0 to 1. The same numbers
            give the same text, whatever the other rows.
        temperature: log probabilities are divided by it: below 1 the likely become likelier.
        top_k: only so many of the likeliest tokens may be drawn (Fan et al. 2018, arXiv:1805.04833); 0 for all.
        top_p: only the fewest likeliest tokens that have this share of all probability may be drawn (Holtzman et al.
            2019, arXiv:1904.09751).

    Returns:
        One result a row; scores are the network's own log probabilities, before temperature and limits.
    """
    return follow(_Sampled(step, temperature, top_k, top_p), {"step": state, "draws": draws}, limits, max_length)


class _Sampled(OnePath):
    """A strategy; its state is the step's own and the draws, float32 (lanes, max_length)."""

    def __init__(self, step: Step, temperature: float, top_k: int, top_p: float):
        super().__init__(step)
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p

    def choose(self, state: Any, last: Any, position: Any) -> tuple[Any, Any, Any]:
        log_probs, after = self.step(last, state["step"])
        tokens = log_probs.shape[-1]
        values, order = ops.top_k(log_probs, min(self.top_k or tokens, tokens))  # by falling probability
        shares = ops.exp((values - values[:, :1]) / self.temperature)
        shares = shares / ops.sum(shares, axis=-1, keepdims=True)
        before: Any = ops.cumsum(shares, axis=-1) - shares
        # The first one always stays; rounding must not leave what has no probability.
        stays = ops.logical_and(before < self.top_p, shares > 0.0)
        upper = ops.cumsum(ops.where(stays, shares, 0.0), axis=-1)
        last_column = state["draws"].shape[1] - 1
        draw = ops.take_along_axis(state["draws"], ops.expand_dims(ops.minimum(position, last_column), -1), axis=1)
        place = ops.sum(ops.cast(upper <= draw * upper[:, -1:], "int32"), axis=-1, keepdims=True)
        place = ops.minimum(place, ops.sum(ops.cast(stays, "int32"), axis=-1, keepdims=True) - 1)
        token = ops.cast(ops.take_along_axis(order, place, axis=-1), "int32")
        log_prob = ops.take_along_axis(log_probs, token, axis=-1)
        return token[:, 0], log_prob[:, 0], {"step": after, "draws": state["draws"]}
