"""Greedy search: write the most likely token in each step.

`decoding.sample` uses the same loop and samples the token instead.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from passerelle.decoding.lanes import Allocate, Step, run_lanes
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

__all__ = ["LANES", "GreedyResult", "GreedyStrategy", "greedy_search", "is_possible", "search_rows"]

LANES = 128
"""Number of rows searched at once. More lanes do not use the processor better, but wait longer for their last row."""


class GreedyResult(NamedTuple):
    """The hypothesis of each row.

    Attributes:
        ids: int32 (rows, max_length): the tokens before END, then PAD.
        lengths: int32 (rows,): number of tokens, END excluded.
        scores: float32 (rows,): log probability of the tokens, and of END if it was written, in nats; not `is_possible`
            if no token was allowed in some step.
        finished: bool (rows,): False if the row reached its limit before END.
        token_scores: float32 (rows, max_length): log probability of each token, then of END, then 0.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any
    token_scores: Any


def is_possible(log_probs: Any) -> Any:
    """Return bool, False for log probabilities of forbidden tokens, and for sums that contain one."""
    return log_probs > IMPOSSIBLE / 2


def greedy_search(
    step: Step, state: Any, limits: Any, max_length: int, *, allocate: Allocate | None = None
) -> GreedyResult:
    """Write the most likely token in each step, until END or the limit.

    Args:
        step: function that returns the log probabilities of the next token.
        state: state of `step` before the first token, with one entry per row on the first axis.
        limits: int32 (rows,), maximum number of steps of each row, END included; a row with 0 stays empty.
        max_length: number of columns of the result, at least the largest limit.
        allocate: see `lanes.Allocate`.

    Returns:
        One hypothesis per row.
    """
    return search_rows(GreedyStrategy(step), state, limits, max_length, allocate)


def search_rows(
    strategy: "GreedyStrategy", state: Any, limits: Any, max_length: int, allocate: Allocate | None
) -> GreedyResult:
    """Run a strategy that follows one hypothesis per row; see `greedy_search`."""
    result: GreedyResult = run_lanes(strategy, state, limits, max_length, allocate)
    return result._replace(ids=result.ids[:, :max_length], token_scores=result.token_scores[:, :max_length])


class _SearchState(NamedTuple):
    """The state of the search in each lane.

    Attributes:
        last: int32 (lanes,), the token that the next step reads.
        result: the result so far.
        state: state of the step function, leading axis lanes.
    """

    last: Any
    result: GreedyResult
    state: Any


class GreedyStrategy:
    """The strategy (see `lanes.Strategy`) that writes the most likely token. Subclasses override `choose`."""

    def __init__(self, step: Step):
        self.step = step
        self.lanes = LANES

    def choose(self, state: Any, last: Any, position: Any) -> tuple[Any, Any, Any]:
        """Choose the next token of each lane.

        Args:
            state: state of the step function, leading axis lanes.
            last: int32 (lanes,), the previous token.
            position: int32 (lanes,), number of steps made so far.

        Returns:
            The token, int32 (lanes,); its log probability, float32 (lanes,); the state after the step.
        """
        log_probs, state = self.step(last, state)
        return *_most_likely(log_probs), state

    def begin(self, state: Any, width: int) -> _SearchState:
        lanes = keras.tree.flatten(state)[0].shape[0]
        empty = GreedyResult(
            ids=ops.full((lanes, width), PAD, "int32"),
            lengths=ops.zeros((lanes,), "int32"),
            scores=ops.zeros((lanes,), "float32"),
            finished=ops.zeros((lanes,), "bool"),
            token_scores=ops.zeros((lanes, width), "float32"),
        )
        return _SearchState(ops.full((lanes,), START, "int32"), empty, state)

    def advance(self, search: _SearchState, is_open: Any, position: Any, limit: Any) -> tuple[_SearchState, Any]:
        token, log_prob, state = self.choose(search.state, search.last, position)
        grows = ops.logical_and(is_open, is_possible(log_prob))
        ends = ops.logical_and(grows, ops.equal(token, END))
        writes = ops.logical_and(grows, ops.not_equal(token, END))
        before = search.result
        here = ops.equal(ops.arange(before.ids.shape[1], dtype="int32"), ops.expand_dims(position, -1))
        log_prob = ops.where(is_open, log_prob, 0.0)
        result = GreedyResult(
            ids=ops.where(ops.logical_and(here, ops.expand_dims(writes, -1)), ops.expand_dims(token, -1), before.ids),
            lengths=before.lengths + ops.cast(writes, "int32"),
            scores=before.scores + log_prob,
            finished=ops.logical_or(before.finished, ends),
            token_scores=before.token_scores + ops.where(here, ops.expand_dims(log_prob, -1), 0.0),
        )
        return _SearchState(token, result, state), writes

    def result(self, search: _SearchState) -> GreedyResult:
        return search.result


def _most_likely(log_probs: Any) -> tuple[Any, Any]:
    """Return the index of the largest value in each row, the first one of equals, and the value.

    It is faster than `argmax` when compiled.
    """
    largest: Any = ops.max(log_probs, axis=-1, keepdims=True)
    columns = log_probs.shape[-1]
    index = ops.where(ops.equal(log_probs, largest), ops.arange(columns, dtype="int32"), columns - 1)
    return ops.min(index, axis=-1), largest[:, 0]
