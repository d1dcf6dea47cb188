"""Greedy search: in each step the likeliest symbol, for many rows, in one loop that a backend can compile."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from passerelle.symbols import END, PAD, START

__all__ = ["LANES", "GreedyResult", "Step", "greedy_search"]

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(ids int32 (batch,), state) -> (log_probs float32 (batch, ids) in nats, state); pure."""

LANES = 128
"""Rows that grow at once: more fill the processor no better, and wait longer for their last."""

REFILL = 8
"""Free lanes are filled once one in so many is free: filling moves every row's state."""


class GreedyResult(NamedTuple):
    """What the search found.

    Attributes:
        ids: int32 (rows, max_length): the symbols before END, then PAD.
        lengths: int32 (rows,): how many they are.
        scores: float32 (rows,): log probability of the symbols, and of END where it was reached, in nats.
        finished: bool (rows,): False where the limit cut the row before END.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any


class _Lanes(NamedTuple):
    """Rows that grow side by side.

    Attributes:
        row: int32 (lanes,), which row grows here; the number of rows where none is left.
        limit: int32 (lanes,), most steps of that row.
        open: bool (lanes,), whether it may still grow.
        last: int32 (lanes,), what its next step reads.
        position: int32 (lanes,), its steps made.
        result: as written so far.
        state: the step's own, leading axis lanes.
    """

    row: Any
    limit: Any
    open: Any
    last: Any
    position: Any
    result: GreedyResult
    state: Any


def greedy_search(step: Step, state: Any, limits: Any, max_length: int) -> GreedyResult:
    """Follows the likeliest symbol until END.

    At most `LANES` rows grow at once. Once enough of them have ended, the next rows take their places, so that the
    loop is full until the last rows, however different their lengths. A row's result depends on no other.

    Args:
        step: says what comes next.
        state: before the first symbol; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.

    Returns:
        One result a row.
    """
    rows = limits.shape[0]
    width = max(1, max_length)
    lanes = _begin(ops.arange(min(rows, LANES), dtype="int32"), state, limits, width)
    found: Any
    if rows <= LANES:
        found = ops.while_loop(
            lambda lanes: ops.any(lanes.open),
            lambda lanes: (_advance(step, lanes),),
            (lanes,),
            maximum_iterations=width,
        )
        result = found[0].result
    else:
        # One row more than there are: where lanes without a row put their results.
        results = _empty(rows + 1, width)
        following = ops.full((), LANES, "int32")

        def unfinished(lanes: _Lanes, following: Any, results: GreedyResult) -> Any:
            return ops.logical_or(ops.any(lanes.open), ops.less(following, rows))

        def advance(lanes: _Lanes, following: Any, results: GreedyResult) -> Any:
            lanes = _advance(step, lanes)
            free: Any = ops.sum(ops.cast(ops.logical_not(lanes.open), "int32"))
            refill = ops.logical_and(free * REFILL >= LANES, ops.less(following, rows))
            return ops.cond(
                refill,
                lambda: _refill(lanes, following, results, state, limits),
                lambda: (lanes, following, results),
            )

        found = ops.while_loop(unfinished, advance, (lanes, following, results))
        result = GreedyResult(*(values[:rows] for values in _put(found[2], found[0])))
    return result._replace(ids=result.ids[:, :max_length])


def _begin(row: Any, state: Any, limits: Any, width: int) -> _Lanes:
    """Lanes before their rows' first steps; `row` beyond the last leaves a lane closed."""
    known = ops.minimum(row, limits.shape[0] - 1)
    limit = ops.where(ops.equal(row, known), ops.take(limits, known), 0)
    lanes = row.shape[0]
    return _Lanes(
        row=row,
        limit=limit,
        open=ops.greater(limit, 0),
        last=ops.full((lanes,), START, "int32"),
        position=ops.zeros((lanes,), "int32"),
        result=_empty(lanes, width),
        state=keras.tree.map_structure(lambda values: ops.take(values, known, axis=0), state),
    )


def _empty(rows: int, width: int) -> GreedyResult:
    return GreedyResult(
        ids=ops.full((rows, width), PAD, "int32"),
        lengths=ops.zeros((rows,), "int32"),
        scores=ops.zeros((rows,), "float32"),
        finished=ops.zeros((rows,), "bool"),
    )


def _advance(step: Step, lanes: _Lanes) -> _Lanes:
    """One step of every lane; closed lanes keep what they have."""
    log_probs, state = step(lanes.last, lanes.state)
    best, log_prob = _likeliest(log_probs)
    ends = ops.logical_and(lanes.open, ops.equal(best, END))
    writes = ops.logical_and(lanes.open, ops.not_equal(best, END))
    before = lanes.result
    here = ops.equal(ops.arange(before.ids.shape[1], dtype="int32"), ops.expand_dims(lanes.position, -1))
    here = ops.logical_and(here, ops.expand_dims(writes, -1))
    position = lanes.position + 1
    return lanes._replace(
        open=ops.logical_and(writes, ops.less(position, lanes.limit)),
        last=best,
        position=position,
        result=GreedyResult(
            ids=ops.where(here, ops.expand_dims(best, -1), before.ids),
            lengths=before.lengths + ops.cast(writes, "int32"),
            scores=before.scores + ops.where(lanes.open, log_prob, 0.0),
            finished=ops.logical_or(before.finished, ends),
        ),
        state=state,
    )


def _likeliest(log_probs: Any) -> tuple[Any, Any]:
    """The first of the largest values' indices, and the value; compilers make less of `argmax`."""
    largest: Any = ops.max(log_probs, axis=-1, keepdims=True)
    columns = log_probs.shape[-1]
    index = ops.where(ops.equal(log_probs, largest), ops.arange(columns, dtype="int32"), columns - 1)
    return ops.min(index, axis=-1), largest[:, 0]


def _refill(
    lanes: _Lanes, following: Any, results: GreedyResult, state: Any, limits: Any
) -> tuple[_Lanes, Any, GreedyResult]:
    """Puts closed lanes' results where they belong, and begins the rows that follow in their places."""
    rows = limits.shape[0]
    results = _put(results, lanes)
    closed = ops.logical_not(lanes.open)
    order: Any = ops.cumsum(ops.cast(closed, "int32"))
    fresh = _begin(ops.minimum(following + order - 1, rows), state, limits, lanes.result.ids.shape[1])

    def choose(new: Any, old: Any) -> Any:
        return ops.where(ops.reshape(closed, (-1, *[1] * (len(old.shape) - 1))), new, old)

    filled: Any = keras.tree.map_structure(choose, fresh, lanes)
    return filled, ops.minimum(following + order[-1], rows), results


def _put(results: GreedyResult, lanes: _Lanes) -> GreedyResult:
    """Copies every lane's result to its row; that of an open one will be copied again."""
    index = ops.expand_dims(lanes.row, -1)
    return GreedyResult(
        *(ops.scatter_update(all_rows, index, own) for all_rows, own in zip(results, lanes.result, strict=True))
    )
