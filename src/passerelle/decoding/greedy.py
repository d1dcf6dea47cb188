"""One path a row: in each step one token is chosen and never taken back; greedy search takes the likeliest.

`decoding.sample` draws it instead.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from passerelle.decoding.lanes import Step, run_lanes
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

__all__ = ["LANES", "GreedyResult", "GreedyStrategy", "greedy_search", "is_possible", "search_rows"]

LANES = 128
"""Rows that grow at once: more fill the processor no better, and wait longer for their last."""


class GreedyResult(NamedTuple):
    """What the search found.

    Attributes:
        ids: int32 (rows, max_length): the tokens before END, then PAD.
        lengths: int32 (rows,): how many they are.
        scores: float32 (rows,): log probability of the tokens, and of END where it was reached, in nats; not
            `is_possible` where a step left nothing that may be written.
        finished: bool (rows,): False where the limit cut the row before END.
        token_scores: float32 (rows, max_length): log probability of each token, then of END, then 0.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any
    token_scores: Any


def is_possible(log_probs: Any) -> Any:
    """bool, whether these are log probabilities of what can be written; of sums too."""
    return log_probs > IMPOSSIBLE / 2


def greedy_search(step: Step, state: Any, limits: Any, max_length: int) -> GreedyResult:
    """Follows the likeliest token until END.

    Args:
        step: says what comes next.
        state: before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.

    Returns:
        One result a row.
    """
    return search_rows(GreedyStrategy(step), state, limits, max_length)


def search_rows(strategy: "GreedyStrategy", state: Any, limits: Any, max_length: int) -> GreedyResult:
    """Runs a strategy of one path a row; see `greedy_search`."""
    result: GreedyResult = run_lanes(strategy, state, limits, max_length)
    return result._replace(ids=result.ids[:, :max_length], token_scores=result.token_scores[:, :max_length])


class _Row(NamedTuple):
    """One lane's search.

    Attributes:
        last: int32 (lanes,), what its next step reads.
        result: as written so far.
        state: as given to `search_rows`, leading axis lanes.
    """

    last: Any
    result: GreedyResult
    state: Any


class GreedyStrategy:
    """A strategy, see `lanes.Strategy`, that takes the likeliest token. Others override how it is chosen."""

    def __init__(self, step: Step):
        self.step = step
        self.lanes = LANES

    def choose(self, state: Any, last: Any, position: Any) -> tuple[Any, Any, Any]:
        """One step.

        Args:
            state: as given to `search_rows`.
            last: int32 (lanes,), the token before.
            position: int32 (lanes,), steps made before.

        Returns:
            int32 (lanes,), the token chosen; float32 (lanes,), its log probability; the state after it.
        """
        log_probs, state = self.step(last, state)
        return *_likeliest(log_probs), state

    def begin(self, state: Any, width: int) -> _Row:
        lanes = keras.tree.flatten(state)[0].shape[0]
        empty = GreedyResult(
            ids=ops.full((lanes, width), PAD, "int32"),
            lengths=ops.zeros((lanes,), "int32"),
            scores=ops.zeros((lanes,), "float32"),
            finished=ops.zeros((lanes,), "bool"),
            token_scores=ops.zeros((lanes, width), "float32"),
        )
        return _Row(ops.full((lanes,), START, "int32"), empty, state)

    def advance(self, own: _Row, is_open: Any, position: Any, limit: Any) -> tuple[_Row, Any]:
        token, log_prob, state = self.choose(own.state, own.last, position)
        grows = ops.logical_and(is_open, is_possible(log_prob))
        ends = ops.logical_and(grows, ops.equal(token, END))
        writes = ops.logical_and(grows, ops.not_equal(token, END))
        before = own.result
        here = ops.equal(ops.arange(before.ids.shape[1], dtype="int32"), ops.expand_dims(position, -1))
        log_prob = ops.where(is_open, log_prob, 0.0)
        result = GreedyResult(
            ids=ops.where(ops.logical_and(here, ops.expand_dims(writes, -1)), ops.expand_dims(token, -1), before.ids),
            lengths=before.lengths + ops.cast(writes, "int32"),
            scores=before.scores + log_prob,
            finished=ops.logical_or(before.finished, ends),
            token_scores=before.token_scores + ops.where(here, ops.expand_dims(log_prob, -1), 0.0),
        )
        return _Row(token, result, state), writes

    def result(self, own: _Row) -> GreedyResult:
        return own.result


def _likeliest(log_probs: Any) -> tuple[Any, Any]:
    """The first of the largest values' indices, and the value; compilers make less of `argmax`."""
    largest: Any = ops.max(log_probs, axis=-1, keepdims=True)
    columns = log_probs.shape[-1]
    index = ops.where(ops.equal(log_probs, largest), ops.arange(columns, dtype="int32"), columns - 1)
    return ops.min(index, axis=-1), largest[:, 0]
