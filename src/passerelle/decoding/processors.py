"""Logits processors: forbid tokens in each step of any search.

`with_processors` wraps the step function. A processor has a state for each row, which the search reorders together with
the state of the network. To add a processor, write its class and add it to `PROCESSORS` under the name of its setting.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import keras

from passerelle.decoding.lanes import Step
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

__all__ = [
    "PROCESSORS",
    "ConstraintProcessor",
    "LogitsProcessor",
    "MinimumLength",
    "NoRepeatNgram",
    "Tables",
    "make_processors",
    "with_processors",
]

ops: Any = keras.ops
"""Typed as Any, because Keras's annotations say that these functions may return None."""


class LogitsProcessor(Protocol):
    """Decide which tokens are allowed next, from the tokens written so far. Arrays: one entry per row."""

    def begin(self, rows: int) -> Any:
        """Return the state before the first token: an array, or () for a processor without a state."""
        ...

    def update(self, state: Any, ids: Any, length: Any) -> Any:
        """Return the state after one more token.

        Args:
            state: the state before the token.
            ids: int32 (batch,), the token; the result is ignored for rows in which it is START.
            length: int32 (batch,), number of tokens before it.
        """
        ...

    def allowed(self, state: Any, size: int, length: Any, remaining: Any) -> Any:
        """Return the tokens that are allowed next, bool (batch or 1, size).

        Args:
            state: the state of the processor.
            size: number of ids.
            length: int32 (batch,), number of tokens written so far.
            remaining: int32 (batch,), number of steps before the limit.
        """
        ...


def with_processors(step: Step, state: Any, limits: Any, processors: Sequence[LogitsProcessor]) -> tuple[Step, Any]:
    """Wrap a step function so that tokens that a processor forbids have the log probability `IMPOSSIBLE`.

    The log probabilities of the other tokens are not renormalized.

    Args:
        step: function that returns the log probabilities of the next token.
        state: state of `step` before the first token, with one entry per row on the first axis.
        limits: int32 (rows,), maximum number of steps of each row, END included.
        processors: at least one.

    Returns:
        The wrapped step function, and its state before the first token.
    """

    def processed_step(ids: Any, state: Any) -> tuple[Any, Any]:
        first, length = ops.equal(ids, START), state["length"]
        updated = [
            ()
            if isinstance(before, tuple)
            else ops.where(_expand_like(first, before), before, processor.update(before, ids, length))
            for processor, before in zip(processors, state["processors"], strict=True)
        ]
        length = ops.where(first, length, length + 1)
        log_probs, after = step(ids, state["step"])
        for processor, own_state in zip(processors, updated, strict=True):
            allowed = processor.allowed(own_state, log_probs.shape[-1], length, state["limit"] - length)
            log_probs = ops.where(allowed, log_probs, IMPOSSIBLE)
        return log_probs, {"step": after, "processors": updated, "length": length, "limit": state["limit"]}

    rows = limits.shape[0]
    return processed_step, {
        "step": state,
        "processors": [processor.begin(rows) for processor in processors],
        "length": ops.zeros((rows,), "int32"),
        "limit": limits,
    }


def _expand_like(flags: Any, values: Any) -> Any:
    """Add axes to `flags`, (batch,), so that it broadcasts against `values`, (batch, ...)."""
    return ops.reshape(flags, (-1, *[1] * (len(values.shape) - 1)))


class MinimumLength:
    """Forbid END before `min_length` tokens."""

    def __init__(self, min_length: int):
        self.min_length = min_length

    def begin(self, rows: int) -> Any:
        return ()

    def update(self, state: Any, ids: Any, length: Any) -> Any:
        return state

    def allowed(self, state: Any, size: int, length: Any, remaining: Any) -> Any:
        is_end = ops.equal(ops.arange(size, dtype="int32"), END)
        return ops.logical_not(ops.logical_and(ops.expand_dims(length < self.min_length, -1), is_end))


class NoRepeatNgram:
    """Never repeat an n-gram (Paulus et al. 2017, arXiv:1705.04304, section 2.5, with n = 3).

    Args:
        n: length of the n-grams, at least 1.
        max_length: maximum number of tokens of a row.
    """

    def __init__(self, n: int, max_length: int):
        self.n = n
        self.max_length = max(max_length, n)

    def begin(self, rows: int) -> Any:
        """Return the empty array in which the written tokens are recorded, int32 (rows, max_length)."""
        return ops.zeros((rows, self.max_length), "int32")

    def update(self, state: Any, ids: Any, length: Any) -> Any:
        here = ops.equal(ops.arange(self.max_length, dtype="int32"), ops.expand_dims(length, -1))
        return ops.where(here, ops.expand_dims(ids, -1), state)

    def allowed(self, state: Any, size: int, length: Any, remaining: Any) -> Any:
        length = ops.expand_dims(length, -1)
        starts = self.max_length - self.n + 1
        # True at each earlier position at which the last n - 1 tokens also occur; the token after them is banned.
        same = ops.arange(starts, dtype="int32") + self.n <= length
        for back in range(1, self.n):
            last = ops.take_along_axis(state, ops.maximum(length - back, 0), axis=1)
            offset = self.n - 1 - back
            same = ops.logical_and(same, ops.equal(state[:, offset : offset + starts], last))
        banned = ops.where(same, state[:, self.n - 1 :], PAD)
        rows = ops.broadcast_to(ops.expand_dims(ops.arange(state.shape[0], dtype="int32"), -1), banned.shape)
        index = ops.reshape(ops.stack([rows, banned], axis=-1), (-1, 2))
        allowed = ops.ones((state.shape[0], size), "int32")
        return ops.scatter_update(allowed, index, ops.zeros((index.shape[0],), "int32")) > 0


PROCESSORS: Mapping[str, Callable[[Any, int], LogitsProcessor]] = {
    "min_length": lambda min_length, max_length: MinimumLength(min_length),
    "no_repeat_ngram_size": lambda n, max_length: NoRepeatNgram(n, max_length),
}
"""Setting name -> function (value of the setting, maximum number of tokens) -> processor; no processor if it is 0."""


def make_processors(settings: SearchSettings, max_length: int) -> list[LogitsProcessor]:
    """Create the processors of the settings, except for constraints.

    Args:
        settings: the search settings.
        max_length: maximum number of tokens of a row.
    """
    return [make(value, max_length) for name, make in PROCESSORS.items() if (value := getattr(settings, name))]


class Tables(NamedTuple):
    """The arrays of a constraint, a deterministic automaton over target ids; see `constraints.lift.Constraint`.

    Attributes:
        next: int32 (states, classes), the state after a token of each class; -1 for forbidden tokens.
        class_of: int32 (ids,), the class of each target id; -1 for ids that are always forbidden.
        accepting: bool (states,), True for states in which END is allowed.
        distance: int32 (states,), minimum number of tokens to an accepting state.
        progress: int32 (states,), progress in the required phrases; None if there are none.
        start: int32 (), the state before the first token.
    """

    next: Any
    class_of: Any
    accepting: Any
    distance: Any
    progress: Any
    start: Any


class ConstraintProcessor:
    """Allow only texts that a constraint accepts.

    A token is allowed only if an accepting state can still be reached within the limit of the row, so a row always ends
    in an accepting state if its limit is long enough. Copy ids past the vocabulary are forbidden, because the automaton
    does not contain them.

    Args:
        tables: the arrays of the constraint.
    """

    def __init__(self, tables: Tables):
        self.tables = Tables(*(None if table is None else ops.convert_to_tensor(table) for table in tables))

    def begin(self, rows: int) -> Any:
        return ops.broadcast_to(ops.cast(self.tables.start, "int32"), (rows,))

    def update(self, state: Any, ids: Any, length: Any) -> Any:
        known = ops.minimum(ids, self.tables.class_of.shape[0] - 1)
        token_class = ops.maximum(ops.take(self.tables.class_of, known), 0)
        after = self.tables.next[state, token_class]
        return ops.maximum(after, 0)  # after END, and in finished slots, the state has no effect

    def allowed(self, state: Any, size: int, length: Any, remaining: Any) -> Any:
        following = ops.take(self.tables.next, state, axis=0)  # (batch, classes)
        distance = ops.take(self.tables.distance, ops.maximum(following, 0))
        # The token, `distance` further tokens and END must fit into the remaining steps.
        fits = ops.logical_and(following >= 0, distance + 2 <= ops.expand_dims(remaining, -1))
        return self._by_id(fits, ops.take(self.tables.accepting, state), size)

    def progress(self, state: Any, size: int) -> Any:
        """Return the progress in the required phrases after each possible next token, int32 (batch, size)."""
        following = ops.maximum(ops.take(self.tables.next, state, axis=0), 0)
        after = ops.take(self.tables.progress, following)
        return self._by_id(after, ops.take(self.tables.progress, state), size)

    def _by_id(self, by_class: Any, at_end: Any, size: int) -> Any:
        """Convert values of classes, (batch, classes), and of END, (batch,), to values of ids, (batch, size).

        Ids without a class have the value 0.
        """
        values = ops.take(by_class, ops.maximum(self.tables.class_of, 0), axis=1)
        values = ops.where(self.tables.class_of >= 0, values, ops.zeros_like(values))
        is_end = ops.equal(ops.arange(values.shape[1], dtype="int32"), END)
        values = ops.where(is_end, ops.expand_dims(at_end, -1), values)
        return ops.pad(values, ((0, 0), (0, size - values.shape[1])))
