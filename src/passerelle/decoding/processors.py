"""Logits processors: they forbid tokens around any step function, for any search.

A processor keeps a state of its own for each row, which the search moves like the network's. To add one, write its
class and an entry in `PROCESSORS`, by the name of its setting.
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
"""Without Keras's annotations, which say that these may return None."""


class LogitsProcessor(Protocol):
    """Decides which tokens may come next, given those before. All arrays have the leading axis batch."""

    def begin(self, rows: int) -> Any:
        """Return the processor's state before the first token: an array, or () for none."""

    def read(self, own: Any, ids: Any, made: Any) -> Any:
        """Return the state after one more token.

        Args:
            own: as it was.
            ids: int32 (batch,), the token; the result is ignored where it is START.
            made: int32 (batch,), how many there were before it.
        """

    def allowed(self, own: Any, tokens: int, made: Any, left: Any) -> Any:
        """Return which tokens may come next.

        Args:
            own: the state.
            tokens: how many ids there are.
            made: int32 (batch,), tokens written.
            left: int32 (batch,), steps that may still be made.

        Returns:
            bool (batch or 1, tokens).
        """


def with_processors(step: Step, state: Any, limits: Any, processors: Sequence[LogitsProcessor]) -> tuple[Step, Any]:
    """Wrap a step so that tokens that a processor forbids are impossible; return the new step and its state.

    Log probabilities of the other tokens stay the network's own; they are not normalized again.

    Args:
        step: gives the log probabilities of the next token.
        state: before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included.
        processors: at least one.
    """

    def processed_step(ids: Any, state: Any) -> tuple[Any, Any]:
        first, made = ops.equal(ids, START), state["made"]
        own = [
            ()
            if isinstance(before, tuple)
            else ops.where(_as_wide(first, before), before, processor.read(before, ids, made))
            for processor, before in zip(processors, state["processors"], strict=True)
        ]
        made = ops.where(first, made, made + 1)
        log_probs, after = step(ids, state["step"])
        for processor, now in zip(processors, own, strict=True):
            allowed = processor.allowed(now, log_probs.shape[-1], made, state["limit"] - made)
            log_probs = ops.where(allowed, log_probs, IMPOSSIBLE)
        return log_probs, {"step": after, "processors": own, "made": made, "limit": state["limit"]}

    rows = limits.shape[0]
    return processed_step, {
        "step": state,
        "processors": [processor.begin(rows) for processor in processors],
        "made": ops.zeros((rows,), "int32"),
        "limit": limits,
    }


def _as_wide(flags: Any, values: Any) -> Any:
    return ops.reshape(flags, (-1, *[1] * (len(values.shape) - 1)))


class MinimumLength:
    """END does not come before `least` tokens, unless the limit comes first."""

    def __init__(self, least: int):
        self.least = least

    def begin(self, rows: int) -> Any:
        return ()

    def read(self, own: Any, ids: Any, made: Any) -> Any:
        return own

    def allowed(self, own: Any, tokens: int, made: Any, left: Any) -> Any:
        is_end = ops.equal(ops.arange(tokens, dtype="int32"), END)
        return ops.logical_not(ops.logical_and(ops.expand_dims(made < self.least, -1), is_end))


class NoRepeatNgram:
    """No `length` tokens in a row come twice (Paulus et al. 2017, arXiv:1705.04304, section 2.5, where it is three).

    Args:
        length: at least 1.
        longest: most tokens that a row may write.
    """

    def __init__(self, length: int, longest: int):
        self.length = length
        self.longest = max(longest, length)

    def begin(self, rows: int) -> Any:
        """int32 (rows, longest): what was written."""
        return ops.zeros((rows, self.longest), "int32")

    def read(self, own: Any, ids: Any, made: Any) -> Any:
        here = ops.equal(ops.arange(self.longest, dtype="int32"), ops.expand_dims(made, -1))
        return ops.where(here, ops.expand_dims(ids, -1), own)

    def allowed(self, own: Any, tokens: int, made: Any, left: Any) -> Any:
        made = ops.expand_dims(made, -1)
        starts = self.longest - self.length + 1
        # The places where what was written last stands already, and what came after it there.
        same = ops.arange(starts, dtype="int32") + self.length <= made
        for back in range(1, self.length):
            last = ops.take_along_axis(own, ops.maximum(made - back, 0), axis=1)
            offset = self.length - 1 - back
            same = ops.logical_and(same, ops.equal(own[:, offset : offset + starts], last))
        banned = ops.where(same, own[:, self.length - 1 :], PAD)
        rows = ops.broadcast_to(ops.expand_dims(ops.arange(own.shape[0], dtype="int32"), -1), banned.shape)
        index = ops.reshape(ops.stack([rows, banned], axis=-1), (-1, 2))
        allowed = ops.ones((own.shape[0], tokens), "int32")
        return ops.scatter_update(allowed, index, ops.zeros((index.shape[0],), "int32")) > 0


PROCESSORS: Mapping[str, Callable[[Any, int], LogitsProcessor]] = {
    "min_length": lambda least, max_length: MinimumLength(least),
    "no_repeat_ngram_size": lambda length, max_length: NoRepeatNgram(length, max_length),
}
"""The processor of each setting, by its name: (value, most tokens of a row) -> processor; 0 means none."""


def make_processors(settings: SearchSettings, max_length: int) -> list[LogitsProcessor]:
    """Return the processors that the settings ask for, constraints left out.

    Args:
        settings: of the search.
        max_length: most tokens of a row.
    """
    return [make(value, max_length) for name, make in PROCESSORS.items() if (value := getattr(settings, name))]


class Tables(NamedTuple):
    """A deterministic automaton over target ids; see `constraints.lift.Constraint`, whose arrays these are.

    Attributes:
        next: int32 (states, classes), the state after a token of each class; -1 where it may not be written.
        class_of: int32 (ids,), the class of each target id; -1 for those that are never written.
        accepting: bool (states,), where END may come.
        distance: int32 (states,), fewest tokens to an accepting state.
        progress: int32 (states,), how much of the required phrases a state has completed; None where no phrase is
            required.
        start: int32 (), the state before the first token.
    """

    next: Any
    class_of: Any
    accepting: Any
    distance: Any
    progress: Any
    start: Any


class ConstraintProcessor:
    """Only texts that an automaton accepts, and that it can still accept within the limit.

    So a row ends in an accepting state, if one can be reached within its limit at all. Tokens past the vocabulary,
    which a copying network takes from the source, are not written: the automaton does not know them.

    Args:
        tables: the automaton's.
    """

    def __init__(self, tables: Tables):
        self.tables = Tables(*(None if table is None else ops.convert_to_tensor(table) for table in tables))

    def begin(self, rows: int) -> Any:
        return ops.broadcast_to(ops.cast(self.tables.start, "int32"), (rows,))

    def read(self, own: Any, ids: Any, made: Any) -> Any:
        known = ops.minimum(ids, self.tables.class_of.shape[0] - 1)
        kind = ops.maximum(ops.take(self.tables.class_of, known), 0)
        after = self.tables.next[own, kind]
        return ops.maximum(after, 0)  # after END, or in a slot that has ended: anything

    def allowed(self, own: Any, tokens: int, made: Any, left: Any) -> Any:
        following = ops.take(self.tables.next, own, axis=0)  # (batch, classes)
        far = ops.take(self.tables.distance, ops.maximum(following, 0))
        # After a token, `distance` more and END must fit.
        fits = ops.logical_and(following >= 0, far + 2 <= ops.expand_dims(left, -1))
        return self._by_id(fits, ops.take(self.tables.accepting, own), tokens)

    def progress(self, own: Any, tokens: int) -> Any:
        """int32 (batch, tokens): how much of the required phrases a row has completed after each next token."""
        following = ops.maximum(ops.take(self.tables.next, own, axis=0), 0)
        after = ops.take(self.tables.progress, following)
        return self._by_id(after, ops.take(self.tables.progress, own), tokens)

    def _by_id(self, by_class: Any, at_end: Any, tokens: int) -> Any:
        """(batch, classes) and for END (batch,) -> (batch, tokens), 0 for ids without a class."""
        values = ops.take(by_class, ops.maximum(self.tables.class_of, 0), axis=1)
        values = ops.where(self.tables.class_of >= 0, values, ops.zeros_like(values))
        is_end = ops.equal(ops.arange(values.shape[1], dtype="int32"), END)
        values = ops.where(is_end, ops.expand_dims(at_end, -1), values)
        return ops.pad(values, ((0, 0), (0, tokens - values.shape[1])))
