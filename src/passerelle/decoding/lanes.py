"""The loop of every search, with continuous batching.

A lane is a slot of the compiled loop, in which one row is searched. When the search of a row has ended, the next row
takes its lane, so the loop stays full although rows need different numbers of steps. A `Strategy` defines a step of the
search; this module assigns rows to lanes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import keras
from keras import ops

__all__ = ["Allocate", "Step", "Strategy", "run_lanes"]

Step = Callable[[Any, Any], tuple[Any, Any]]
"""Pure function (ids int32 (batch,), state) -> (log_probs float32 (batch, vocabulary) in nats, state)."""

Allocate = Callable[[Any, int], Any]
"""Function (state of the step function, leading axis lanes; maximum number of steps) -> the state with memory for these
steps. It is called for the rows in the lanes only, so that this memory does not grow with the number of rows."""

REFILL = 8
"""Free lanes are filled once 1 / REFILL of all lanes is free, because filling copies the state of every lane."""


class Strategy(Protocol):
    """A search algorithm. All arrays of the search state and of the result have one entry per lane on the first axis.

    Attributes:
        lanes: number of rows that are searched at once.
    """

    lanes: int

    def begin(self, state: Any, width: int) -> Any:
        """Return the search state before the first step.

        Args:
            state: state of the step function, leading axis lanes.
            width: maximum number of tokens of a row.
        """
        ...

    def advance(self, search: Any, is_open: Any, position: Any, limit: Any) -> tuple[Any, Any]:
        """Make one step of the search in every lane.

        Args:
            search: the search state.
            is_open: bool (lanes,), False for lanes whose result must not change.
            position: int32 (lanes,), number of steps made so far.
            limit: int32 (lanes,), maximum number of steps.

        Returns:
            The search state after the step, and bool (lanes,), False where the search has ended.
        """
        ...

    def result(self, search: Any) -> Any:
        """Return the result so far, a tuple of arrays. The result of a row without steps must be zeros."""
        ...


class _Lanes(NamedTuple):
    """The state of the loop, one entry per lane.

    Attributes:
        row: int32 (lanes,), the row that is searched in the lane; the number of rows if there is none.
        limit: int32 (lanes,), maximum number of steps.
        open: bool (lanes,), False if the search of the row has ended.
        position: int32 (lanes,), number of steps made so far.
        search: the search state of the strategy.
    """

    row: Any
    limit: Any
    open: Any
    position: Any
    search: Any


def run_lanes(strategy: Strategy, state: Any, limits: Any, max_length: int, allocate: Allocate | None = None) -> Any:
    """Search all rows. The result of a row does not depend on the other rows.

    Args:
        strategy: the search algorithm.
        state: state of the step function before the first token, with one entry per row on the first axis.
        limits: int32 (rows,), maximum number of steps of each row, END included; a row with 0 stays empty.
        max_length: at least the largest limit.
        allocate: see `Allocate`; None if the state needs no more memory.

    Returns:
        The result of the strategy, with one entry per row on the first axis.
    """
    rows = limits.shape[0]
    width = max(1, max_length)
    begin = partial(_begin, strategy, state=state, limits=limits, width=width, allocate=allocate)
    lanes = begin(ops.arange(min(rows, strategy.lanes), dtype="int32"))
    found: Any
    if rows <= strategy.lanes:
        found = ops.while_loop(
            lambda lanes: ops.any(lanes.open),
            lambda lanes: (_advance(strategy, lanes),),
            (lanes,),
            maximum_iterations=width,
        )
        return strategy.result(found[0].search)
    # One additional row, which receives the results of lanes without a row.
    results = keras.tree.map_structure(
        lambda values: ops.zeros((rows + 1, *values.shape[1:]), values.dtype), strategy.result(lanes.search)
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
            lambda: _refill(strategy, lanes, following, results, rows, begin),
            lambda: (lanes, following, results),
        )

    found = ops.while_loop(unfinished, advance, (lanes, following, results))
    return keras.tree.map_structure(lambda values: values[:rows], _put(strategy, found[2], found[0]))


def _begin(strategy: Strategy, row: Any, *, state: Any, limits: Any, width: int, allocate: Allocate | None) -> _Lanes:
    """Return lanes before the first step of their rows; a lane whose `row` is past the last row is closed."""
    known = ops.minimum(row, limits.shape[0] - 1)
    limit = ops.where(ops.equal(row, known), ops.take(limits, known), 0)
    taken = keras.tree.map_structure(lambda values: ops.take(values, known, axis=0), state)
    search = strategy.begin(taken if allocate is None else allocate(taken, width), width)
    return _Lanes(row, limit, ops.greater(limit, 0), ops.zeros_like(limit), search)


def _advance(strategy: Strategy, lanes: _Lanes) -> _Lanes:
    """Make one step in every lane; the results of closed lanes do not change."""
    search, continues = strategy.advance(lanes.search, lanes.open, lanes.position, lanes.limit)
    position = lanes.position + 1
    still_open = ops.logical_and(ops.logical_and(lanes.open, continues), ops.less(position, lanes.limit))
    return lanes._replace(open=still_open, position=position, search=search)


def _refill(
    strategy: Strategy, lanes: _Lanes, following: Any, results: Any, rows: int, begin: Callable[[Any], _Lanes]
) -> tuple[_Lanes, Any, Any]:
    """Copy the results of closed lanes to their rows, and begin the next rows in these lanes."""
    results = _put(strategy, results, lanes)
    closed = ops.logical_not(lanes.open)
    order: Any = ops.cumsum(ops.cast(closed, "int32"))
    fresh = begin(ops.minimum(following + order - 1, rows))

    def choose(new: Any, old: Any) -> Any:
        return ops.where(ops.reshape(closed, (-1, *[1] * (len(old.shape) - 1))), new, old)

    filled: Any = keras.tree.map_structure(choose, fresh, lanes)
    return filled, ops.minimum(following + order[-1], rows), results


def _put(strategy: Strategy, results: Any, lanes: _Lanes) -> Any:
    """Copy the result of every lane to its row; results of open lanes are copied again later."""
    index = ops.expand_dims(lanes.row, -1)
    return keras.tree.map_structure(
        lambda rows, lane_rows: ops.scatter_update(rows, index, lane_rows), results, strategy.result(lanes.search)
    )
