"""Greedy search: in each step the likeliest symbol, for a whole batch, in one loop that a backend can compile."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from passerelle.symbols import END, PAD, START

__all__ = ["GreedyResult", "Step", "greedy_search"]

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(ids int32 (batch,), state) -> (log_probs float32 (batch, ids) in nats, state); pure."""


class GreedyResult(NamedTuple):
    """What the search found.

    Attributes:
        ids: int32 (batch, max_length): the symbols before END, then PAD.
        lengths: int32 (batch,): how many they are.
        scores: float32 (batch,): log probability of the symbols, and of END where it was reached, in nats.
        finished: bool (batch,): False where the limit cut the row before END.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any


class _Loop(NamedTuple):
    """The loop's state.

    Attributes:
        position: int32 (), steps made.
        ids: int32 (batch, max_length), written so far.
        last: int32 (batch,), what the next step reads.
        lengths, scores, finished: as in `GreedyResult`.
        open: bool (batch,), rows that may still grow.
        state: the step's own, leading axis batch.
    """

    position: Any
    ids: Any
    last: Any
    lengths: Any
    scores: Any
    finished: Any
    open: Any
    state: Any


def greedy_search(step: Step, state: Any, limits: Any, max_length: int) -> GreedyResult:
    """Follows the likeliest symbol until END.

    A row that has ended, or reached its limit, never changes again, so a row's result does not depend on its batch.
    The loop ends as soon as no row is open.

    Args:
        step: says what comes next.
        state: before the first symbol.
        limits: int32 (batch,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.

    Returns:
        One result a row.
    """
    batch = limits.shape[0]
    start = _Loop(
        position=ops.zeros((), "int32"),
        ids=ops.full((batch, max(1, max_length)), PAD, "int32"),
        last=ops.full((batch,), START, "int32"),
        lengths=ops.zeros((batch,), "int32"),
        scores=ops.zeros((batch,), "float32"),
        finished=ops.zeros((batch,), "bool"),
        open=ops.greater(limits, 0),
        state=state,
    )

    def unfinished(loop: _Loop) -> Any:
        return ops.any(loop.open)

    def advance(loop: _Loop) -> tuple[_Loop]:
        log_probs, after = step(loop.last, loop.state)
        best = ops.cast(ops.argmax(log_probs, axis=-1), "int32")
        gain = ops.max(log_probs, axis=-1)
        ends = ops.logical_and(loop.open, ops.equal(best, END))
        writes = ops.logical_and(loop.open, ops.not_equal(best, END))
        written = ops.where(writes, best, PAD)
        position = loop.position + 1
        return (
            _Loop(
                position=position,
                ids=ops.slice_update(loop.ids, (0, loop.position), ops.expand_dims(written, -1)),
                last=best,
                lengths=loop.lengths + ops.cast(writes, "int32"),
                scores=loop.scores + ops.where(loop.open, gain, 0.0),
                finished=ops.logical_or(loop.finished, ends),
                open=ops.logical_and(writes, ops.less(position, limits)),
                state=after,
            ),
        )

    found: Any = ops.while_loop(unfinished, advance, (start,), maximum_iterations=max_length)
    loop: _Loop = found[0]
    return GreedyResult(loop.ids[:, :max_length], loop.lengths, loop.scores, loop.finished)
