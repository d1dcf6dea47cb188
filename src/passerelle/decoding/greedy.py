"""Greedy search: in each step the likeliest symbol, for many rows, in one loop that a backend can compile."""

from typing import Any, NamedTuple

import keras
from keras import ops

from passerelle.decoding.lanes import Step, run_lanes
from passerelle.symbols import END, PAD, START

__all__ = ["LANES", "GreedyResult", "greedy_search"]

LANES = 128
"""Rows that grow at once: more fill the processor no better, and wait longer for their last."""


class GreedyResult(NamedTuple):
    """What the search found.

    Attributes:
        ids: int32 (rows, max_length): the symbols before END, then PAD.
        lengths: int32 (rows,): how many they are.
        scores: float32 (rows,): log probability of the symbols, and of END where it was reached, in nats.
        finished: bool (rows,): False where the limit cut the row before END.
        symbol_scores: float32 (rows, max_length): log probability of each symbol, then of END, then 0.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any
    symbol_scores: Any


def greedy_search(step: Step, state: Any, limits: Any, max_length: int) -> GreedyResult:
    """Follows the likeliest symbol until END.

    Args:
        step: says what comes next.
        state: before the first symbol; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.

    Returns:
        One result a row.
    """
    result: GreedyResult = run_lanes(_Greedy(step), state, limits, max_length)
    return result._replace(ids=result.ids[:, :max_length], symbol_scores=result.symbol_scores[:, :max_length])


class _Row(NamedTuple):
    """One lane's search.

    Attributes:
        last: int32 (lanes,), what its next step reads.
        result: as written so far.
        state: the step's own, leading axis lanes.
    """

    last: Any
    result: GreedyResult
    state: Any


class _Greedy:
    """A strategy; see `lanes.Strategy`."""

    def __init__(self, step: Step):
        self.step = step
        self.lanes = LANES

    def begin(self, state: Any, width: int) -> _Row:
        lanes = keras.tree.flatten(state)[0].shape[0]
        empty = GreedyResult(
            ids=ops.full((lanes, width), PAD, "int32"),
            lengths=ops.zeros((lanes,), "int32"),
            scores=ops.zeros((lanes,), "float32"),
            finished=ops.zeros((lanes,), "bool"),
            symbol_scores=ops.zeros((lanes, width), "float32"),
        )
        return _Row(ops.full((lanes,), START, "int32"), empty, state)

    def advance(self, own: _Row, is_open: Any, position: Any, limit: Any) -> tuple[_Row, Any]:
        log_probs, state = self.step(own.last, own.state)
        best, log_prob = _likeliest(log_probs)
        ends = ops.logical_and(is_open, ops.equal(best, END))
        writes = ops.logical_and(is_open, ops.not_equal(best, END))
        before = own.result
        here = ops.equal(ops.arange(before.ids.shape[1], dtype="int32"), ops.expand_dims(position, -1))
        log_prob = ops.where(is_open, log_prob, 0.0)
        result = GreedyResult(
            ids=ops.where(ops.logical_and(here, ops.expand_dims(writes, -1)), ops.expand_dims(best, -1), before.ids),
            lengths=before.lengths + ops.cast(writes, "int32"),
            scores=before.scores + log_prob,
            finished=ops.logical_or(before.finished, ends),
            symbol_scores=before.symbol_scores + ops.where(here, ops.expand_dims(log_prob, -1), 0.0),
        )
        return _Row(best, result, state), writes

    def result(self, own: _Row) -> GreedyResult:
        return own.result


def _likeliest(log_probs: Any) -> tuple[Any, Any]:
    """The first of the largest values' indices, and the value; compilers make less of `argmax`."""
    largest: Any = ops.max(log_probs, axis=-1, keepdims=True)
    columns = log_probs.shape[-1]
    index = ops.where(ops.equal(log_probs, largest), ops.arange(columns, dtype="int32"), columns - 1)
    return ops.min(index, axis=-1), largest[:, 0]
