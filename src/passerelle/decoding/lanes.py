"""The loop around every search: some rows grow at once, each in a lane; the next take the places of those that ended.

What a row does in a step is its strategy's affair; how rows come and go is this module's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
from keras import ops

__all__ = ["Step", "Strategy", "run_lanes"]

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(ids int32 (batch,), state) -> (log_probs float32 (batch, ids) in nats, state); pure."""

REFILL = 8
"""Free lanes are filled once one in so many is free: filling moves every row's state."""


class Strategy(Protocol):
    """What a row does in each step. All arrays of `own` and of a result have the leading axis lanes.

    Attributes:
        lanes: rows that grow at once.
    """

    lanes: int

    def begin(self, state: Any, width: int) -> Any:
        """`own` before the first step, from the step's state of each row; a row writes at most `width` tokens."""

    def advance(self, own: Any, is_open: Any, position: Any, limit: Any) -> tuple[Any, Any]:
        """One step.

        Args:
            own: as it was.
            is_open: bool (lanes,), False where nothing may change.
            position: int32 (lanes,), steps made before.
            limit: int32 (lanes,), most steps.

        Returns:
            `own` after the step, and bool (lanes,), False where a row needs no more of them.
        """
        ...

    def result(self, own: Any) -> Any:
        """A tuple of arrays: what has been found so far. Zeros are the result of a row that made no step."""


class _Lanes(NamedTuple):
    """The loop's state, one entry a lane.

    Attributes:
        row: int32 (lanes,), whose search stands here; one past the last row for none.
        limit: int32 (lanes,), most steps.
        open: bool (lanes,), whether it may still grow.
        position: int32 (lanes,), its steps made.
        own: the strategy's.
    """

    row: Any
    limit: Any
    open: Any
    position: Any
    own: Any


def run_lanes(strategy: Strategy, state: Any, limits: Any, max_length: int) -> Any:
    """Searches for every row.

    Once enough lanes are free, the next rows take them, so that the loop is full until the last rows, however
    different their lengths. A row's result depends on no other.

    Args:
        strategy: what a row does.
        state: the step's before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: at least the largest limit.

    Returns:
        The strategy's result, leading axis rows.
    """
    rows = limits.shape[0]
    width = max(1, max_length)
    lanes = _begin(strategy, ops.arange(min(rows, strategy.lanes), dtype="int32"), state, limits, width)
    found: Any
    if rows <= strategy.lanes:
        found = ops.while_loop(
            lambda lanes: ops.any(lanes.open),
            lambda lanes: (_advance(strategy, lanes),),
            (lanes,),
            maximum_iterations=width,
        )
        return strategy.result(found[0].own)
    # One row more than there are: where lanes without a row put their results.
    results = keras.tree.map_structure(
        lambda values: ops.zeros((rows + 1, *values.shape[1:]), values.dtype), strategy.result(lanes.own)
    )
    following = ops.full((), strategy.lanes, "int32")

    def unfinished(lanes: _Lanes, following: Any, results: Any) -> Any:
        return ops.logical_or(ops.any(lanes.open), ops.less(following, rows))

    def advance(lanes: _Lanes, following: Any, results: Any) -> Any:
        lanes = _advance(strategy, lanes)
        free: Any = ops.sum(ops.cast(ops.logical_not(lanes.open), "int32"))
        refill = ops.logical_and(free * REFILL >= strategy.lanes, ops.less(following, rows))
        return ops.cond(
            refill,
            lambda: _refill(strategy, lanes, following, results, state, limits, width),
            lambda: (lanes, following, results),
        )

    found = ops.while_loop(unfinished, advance, (lanes, following, results))
    return keras.tree.map_structure(lambda values: values[:rows], _put(strategy, found[2], found[0]))


def _begin(strategy: Strategy, row: Any, state: Any, limits: Any, width: int) -> _Lanes:
    """Lanes before their rows' first steps; `row` beyond the last leaves a lane closed."""
    known = ops.minimum(row, limits.shape[0] - 1)
    limit = ops.where(ops.equal(row, known), ops.take(limits, known), 0)
    own = strategy.begin(keras.tree.map_structure(lambda values: ops.take(values, known, axis=0), state), width)
    return _Lanes(row, limit, ops.greater(limit, 0), ops.zeros_like(limit), own)


def _advance(strategy: Strategy, lanes: _Lanes) -> _Lanes:
    """One step of every lane; closed lanes keep what they have."""
    own, goes_on = strategy.advance(lanes.own, lanes.open, lanes.position, lanes.limit)
    position = lanes.position + 1
    still_open = ops.logical_and(ops.logical_and(lanes.open, goes_on), ops.less(position, lanes.limit))
    return lanes._replace(open=still_open, position=position, own=own)


def _refill(
    strategy: Strategy, lanes: _Lanes, following: Any, results: Any, state: Any, limits: Any, width: int
) -> tuple[_Lanes, Any, Any]:
    """Puts closed lanes' results where they belong, and begins the rows that follow in their places."""
    rows = limits.shape[0]
    results = _put(strategy, results, lanes)
    closed = ops.logical_not(lanes.open)
    order: Any = ops.cumsum(ops.cast(closed, "int32"))
    fresh = _begin(strategy, ops.minimum(following + order - 1, rows), state, limits, width)

    def choose(new: Any, old: Any) -> Any:
        return ops.where(ops.reshape(closed, (-1, *[1] * (len(old.shape) - 1))), new, old)

    filled: Any = keras.tree.map_structure(choose, fresh, lanes)
    return filled, ops.minimum(following + order[-1], rows), results


def _put(strategy: Strategy, results: Any, lanes: _Lanes) -> Any:
    """Copies every lane's result to its row; that of an open one will be copied again."""
    index = ops.expand_dims(lanes.row, -1)
    return keras.tree.map_structure(
        lambda all_rows, own: ops.scatter_update(all_rows, index, own), results, strategy.result(lanes.own)
    )
