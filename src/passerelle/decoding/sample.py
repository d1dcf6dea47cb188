"""Sampling: sample each token from the distribution of the network."""

from typing import Any

import keras

from passerelle.decoding.greedy import GreedyResult, GreedyStrategy, search_rows
from passerelle.decoding.lanes import Allocate, Step
from passerelle.decoding.truncation import allowed_candidates, num_candidates, truncates
from passerelle.settings import SearchSettings

__all__ = ["sample"]

MAX_SORTED = 512
"""Number of tokens up to which they are always sorted by probability. Sorting more takes far longer than the step, and
only a truncation needs it."""

BLOCK = 64
"""Number of tokens whose probabilities are summed at once if tokens are not sorted."""

ops: Any = keras.ops
"""Typed as Any, because Keras's annotations say that these functions may return None."""


def sample(
    step: Step,
    state: Any,
    limits: Any,
    max_length: int,
    uniform: Any,
    settings: SearchSettings,
    *,
    allocate: Allocate | None = None,
) -> GreedyResult:
    """Sample one translation per row.

    Args:
        step: function that returns the log probabilities of the next token.
        state: state of `step` before the first token, with one entry per row on the first axis.
        limits: int32 (rows,), maximum number of steps of each row, END included; a row with 0 stays empty.
        max_length: number of columns of the result, at least the largest limit.
        uniform: float32 (rows, max_length), uniform random numbers from 0 to 1, one per step. The same numbers give the
            same text, independently of the other rows.
        settings: `temperature` divides the log probabilities; `top_k`, `top_p` and the other settings of
            `decoding.truncation` restrict the tokens that may be sampled.
        allocate: see `lanes.Allocate`.

    Returns:
        One sample per row; scores are the log probabilities of the network, before temperature and truncation.
    """
    states = {"step": state, "uniform": uniform}
    return search_rows(_SampleStrategy(step, settings), states, limits, max_length, allocate)


class _SampleStrategy(GreedyStrategy):
    """Sample the token; the state contains that of the step function and `uniform`, float32 (lanes, max_length)."""

    def __init__(self, step: Step, settings: SearchSettings):
        super().__init__(step)
        self.settings = settings

    def choose(self, state: Any, last: Any, position: Any) -> tuple[Any, Any, Any]:
        log_probs, after = self.step(last, state["step"])
        last_column = state["uniform"].shape[1] - 1
        column = ops.expand_dims(ops.minimum(position, last_column), -1)
        number = ops.take_along_axis(state["uniform"], column, axis=1)
        choose = self._sorted if truncates(self.settings) or log_probs.shape[-1] <= MAX_SORTED else self._unsorted
        token = choose(log_probs, number)
        log_prob = ops.take_along_axis(log_probs, token, axis=-1)
        return token[:, 0], log_prob[:, 0], {"step": after, "uniform": state["uniform"]}

    def _sorted(self, log_probs: Any, number: Any) -> Any:
        """Sample among the most likely tokens that no truncation forbids.

        Args:
            log_probs: float32 (lanes, tokens).
            number: float32 (lanes, 1), uniform random numbers from 0 to 1.

        Returns:
            int32 (lanes, 1).
        """
        values, order = ops.top_k(log_probs, num_candidates(self.settings, log_probs.shape[-1]))
        probs = ops.exp((values - values[:, :1]) / self.settings.temperature)
        probs = probs / ops.sum(probs, axis=-1, keepdims=True)
        allowed = allowed_candidates(probs, self.settings)
        cumulative = ops.cumsum(ops.where(allowed, probs, 0.0), axis=-1)
        index = ops.sum(ops.cast(cumulative <= number * cumulative[:, -1:], "int32"), axis=-1, keepdims=True)
        # Because of rounding, the index may be past the last allowed candidate.
        last_allowed = ops.where(allowed, ops.arange(values.shape[-1], dtype="int32"), 0)
        index = ops.minimum(index, ops.max(last_allowed, axis=-1, keepdims=True))
        return ops.cast(ops.take_along_axis(order, index, axis=-1), "int32")

    def _unsorted(self, log_probs: Any, number: Any) -> Any:
        """Sample among all tokens, in the order of their ids: first a block of tokens, then a token of the block.

        Arguments and result are those of `_sorted`.
        """
        lanes, tokens = log_probs.shape
        probs = ops.exp((log_probs - ops.max(log_probs, axis=-1, keepdims=True)) / self.settings.temperature)
        probs = ops.pad(probs, ((0, 0), (0, -tokens % BLOCK)))
        blocks = ops.reshape(probs, (lanes, -1, BLOCK))
        before = ops.cumsum(ops.sum(blocks, axis=-1), axis=-1)  # (lanes, blocks)
        target = number * before[:, -1:]
        block = _first_above(before, target, ops.sum(blocks, axis=-1) > 0.0)
        within: Any = ops.take_along_axis(blocks, block[..., None], axis=1)[:, 0]  # (lanes, BLOCK)
        skipped = ops.where(block > 0, ops.take_along_axis(before, ops.maximum(block - 1, 0), axis=1), 0.0)
        place = _first_above(ops.cumsum(within, axis=-1), target - skipped, within > 0.0)
        return ops.cast(block * BLOCK + place, "int32")


def _first_above(cumulative: Any, target: Any, possible: Any) -> Any:
    """Return the first index whose cumulative sum exceeds the target, or because of rounding the last possible index.

    Args:
        cumulative: float32 (lanes, n), not decreasing.
        target: float32 (lanes, 1).
        possible: bool (lanes, n), True for indices with a positive probability.

    Returns:
        int32 (lanes, 1).
    """
    index = ops.sum(ops.cast(cumulative <= target, "int32"), axis=-1, keepdims=True)
    last = ops.max(ops.where(possible, ops.arange(cumulative.shape[1], dtype="int32"), 0), axis=-1, keepdims=True)
    return ops.minimum(index, last)
