"""Beam search: keep the likeliest hypotheses of each step, in one loop that a backend can compile."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from passerelle.decoding.greedy import LANES, is_possible
from passerelle.decoding.lanes import Step, run_lanes
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

__all__ = ["BeamResult", "beam_search", "length_normalizer"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


class BeamResult(NamedTuple):
    """What the search found, best first.

    Attributes:
        ids: int32 (rows, n_best, max_length): the tokens before END, then PAD.
        lengths: int32 (rows, n_best): how many they are.
        scores: float32 (rows, n_best): log probability of the tokens, and of END where it was reached, in nats;
            not `is_possible` where there is no such hypothesis.
        finished: bool (rows, n_best): False where the limit cut it before END, or there is none.
        token_scores: float32 (rows, n_best, max_length): log probability of each token, then of END, then 0.
        bonuses: float32 (rows, n_best): of those that ended.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any
    token_scores: Any
    bonuses: Any


def length_normalizer(lengths: Any, power: float) -> Any:
    """What log probabilities are divided by to be compared: ((5 + length) / 6) ** power, 1 for power 0.

    Source: Wu et al. 2016, arXiv:1609.08144, section 7, equation 14.
    """
    return ((5.0 + lengths) / 6.0) ** power


def beam_search(
    step: Step,
    state: Any,
    limits: Any,
    max_length: int,
    settings: SearchSettings,
    *,
    bonus: Callable[[Any], Any] | None = None,
    progress: Callable[[Any, int], Any] | None = None,
) -> BeamResult:
    """Find likely token sequences, keeping the `beam` likeliest hypotheses of each row in every step.

    A hypothesis that ends keeps its slot: it never changes again, and those that still grow compete for the slots
    that are left. So width 1 is exactly greedy search. A row stops once no growing hypothesis can still come among the
    `n_best` that have ended: its log probability only falls, the penalty for its length is at most that of the limit,
    and its bonus is at most 0.

    With groups the slots are shared out among them, and each group is a beam of its own that chooses after those
    before it, and avoids what they chose in this step (Vijayakumar et al. 2016, arXiv:1610.02424, with Hamming
    diversity). Deviation: the penalty decides one step's choice and is not summed up; hypotheses are ranked by the
    network's log probabilities. Two groups may end with the same hypothesis.

    Args:
        step: says what comes next. What it hands on unchanged, the very same array, is not moved between slots.
        state: before the first token; leading axis rows.
        limits: int32 (rows,), most steps of each row, END included; 0 leaves the row empty.
        max_length: columns of the result, at least the largest limit.
        settings: `beam`, hypotheses kept per row; `n_best`, hypotheses returned; `length_penalty`, by which finished
            hypotheses are ranked; `groups`, which divides `beam`; `diversity`, taken from a token's log probability
            for each choice of it by the groups before, in nats.
        bonus: the step's state, leading axis batch -> float (batch,), at most 0, added where finished hypotheses are
            ranked: the coverage penalty.
        progress: the step's state after it was asked, leading axis batch, and how many tokens there are -> int
            (batch, tokens), from 0 to `beam` - 1: how near what is required a hypothesis would be with each. The slots
            are then shared out among the kinds, each kind's best first (Post and Vilar 2018, arXiv:1804.06609), so
            that those that are near are not lost to those that are likely. Not with groups.

    Returns:
        `n_best` hypotheses a row: those that ended first, by log probability over length penalty, bonus added.

    Source: Wu et al. 2016, arXiv:1609.08144, section 7, with slots that are kept instead of hypotheses pruned by their
    distance to the best one.
    """
    strategy = _Beam(step, settings, bonus, progress)
    result: BeamResult = run_lanes(strategy, state, limits, max_length)
    ranked = ops.where(result.finished, _ranking(result, settings.length_penalty), IMPOSSIBLE + result.scores)
    order = ops.argsort(-ranked, axis=-1)[:, : settings.n_best]  # stable: the first slot of equals
    best = BeamResult(*(_slots(values, order) for values in result))
    return best._replace(ids=best.ids[..., :max_length], token_scores=best.token_scores[..., :max_length])


def _ranking(result: BeamResult, power: float) -> Any:
    """float32 (rows, beam): log probabilities over length penalty, END counted, and the bonus."""
    return result.scores / length_normalizer(result.lengths + 1, power) + result.bonuses


def _slots(values: Any, order: Any) -> Any:
    """(rows, beam, ...) and int (rows, n) -> (rows, n, ...): chosen slots."""
    return ops.take_along_axis(values, ops.reshape(order, (*order.shape, *[1] * (len(values.shape) - 2))), axis=1)


def _flat(state: Any) -> Any:
    """Leading axes lanes and beam -> one axis of both."""
    return keras.tree.map_structure(lambda values: ops.reshape(values, (-1, *values.shape[2:])), state)


class _Row(NamedTuple):
    """One lane's search.

    Attributes:
        last: int32 (lanes, beam), what each slot's next step reads.
        growing: bool (lanes, beam), whether there is a hypothesis that has not ended.
        result: as written so far; slots without a hypothesis have an impossible score.
        state: the step's own, leading axes lanes and beam.
    """

    last: Any
    growing: Any
    result: BeamResult
    state: Any


class _Beam:
    """A strategy; see `lanes.Strategy`."""

    def __init__(
        self,
        step: Step,
        settings: SearchSettings,
        bonus: Callable[[Any], Any] | None,
        progress: Callable[[Any, int], Any] | None,
    ):
        self.step = step
        self.settings = settings
        self.beam = settings.beam
        self.bonus = bonus
        self.progress = progress
        self.lanes = max(1, LANES // settings.beam)

    def begin(self, state: Any, width: int) -> _Row:
        """One empty hypothesis in the first slot of each group."""
        lanes, beam = keras.tree.flatten(state)[0].shape[0], self.beam
        first = ops.equal(ops.arange(beam, dtype="int32") % (beam // self.settings.groups), 0)
        first = ops.broadcast_to(first, (lanes, beam))
        empty = BeamResult(
            ids=ops.full((lanes, beam, width), PAD, "int32"),
            lengths=ops.zeros((lanes, beam), "int32"),
            scores=ops.where(first, 0.0, IMPOSSIBLE),
            finished=ops.zeros((lanes, beam), "bool"),
            token_scores=ops.zeros((lanes, beam, width), "float32"),
            bonuses=ops.zeros((lanes, beam), "float32"),
        )
        repeated = keras.tree.map_structure(lambda values: ops.repeat(ops.expand_dims(values, 1), beam, axis=1), state)
        return _Row(ops.full((lanes, beam), START, "int32"), first, empty, repeated)

    def advance(self, own: _Row, is_open: Any, position: Any, limit: Any) -> tuple[_Row, Any]:
        before = own.result
        log_probs, asked, after = self._ask(own)
        kept = ops.logical_or(before.finished, ops.expand_dims(ops.logical_not(is_open), 1))
        parent, token = self._choose(own, log_probs, kept, asked)
        tokens = log_probs.shape[-1]
        flat = ops.reshape(log_probs, (log_probs.shape[0], -1))
        gained = ops.take_along_axis(flat, parent * tokens + token, axis=1)
        moved = BeamResult(*(_slots(array, parent) for array in before))
        grows = ops.logical_and(
            ops.logical_and(ops.logical_not(kept), ops.take_along_axis(own.growing, parent, axis=1)),
            is_possible(moved.scores + gained),
        )
        ends = ops.logical_and(grows, ops.equal(token, END))
        writes = ops.logical_and(grows, ops.not_equal(token, END))
        column = ops.equal(ops.arange(before.ids.shape[2], dtype="int32"), ops.expand_dims(position, -1))
        column = ops.expand_dims(column, 1)  # (lanes, 1, width): all hypotheses that grow are as long
        result = BeamResult(
            ids=ops.where(ops.logical_and(column, writes[..., None]), token[..., None], moved.ids),
            lengths=moved.lengths + ops.cast(writes, "int32"),
            scores=ops.where(kept, before.scores, ops.where(grows, moved.scores + gained, IMPOSSIBLE)),
            finished=ops.logical_or(moved.finished, ends),
            token_scores=ops.where(ops.logical_and(column, grows[..., None]), gained[..., None], moved.token_scores),
            bonuses=moved.bonuses,
        )
        state = self._moved(own.state, after, parent)
        if self.bonus is not None:
            result = result._replace(bonuses=ops.where(ends, self._bonus(state), result.bonuses))
        growing = ops.where(kept, own.growing, writes)
        row = _Row(token, growing, result, state)
        return row, self._undecided(row, limit)

    def _choose(self, own: _Row, log_probs: Any, kept: Any, asked: Any) -> tuple[Any, Any]:
        """Slots that are kept stay as they are; in each group the best continuations fill the others, in order.

        Returns:
            int32 (lanes, beam): each slot's parent, and its new token, int32 (lanes, beam).
        """
        lanes, beam, tokens = log_probs.shape
        totals = ops.expand_dims(own.result.scores, -1) + log_probs
        totals = ops.where(ops.expand_dims(own.growing, -1), totals, 2 * IMPOSSIBLE)
        width = beam // self.settings.groups
        chosen = ops.zeros((lanes, 1, tokens), "float32")
        parents, written = [], []
        for first in range(0, beam, width):
            part = slice(first, first + width)
            ranked = totals[:, part] - self.settings.diversity * chosen if first else totals[:, part]
            flat = ops.reshape(ranked, (lanes, width * tokens))
            index = ops.top_k(flat, width)[1] if self.progress is None else self._shared_out(flat, asked, tokens)
            free = ops.logical_not(kept[:, part])
            rank = ops.maximum(ops.cumsum(ops.cast(free, "int32"), axis=1) - 1, 0)
            index = ops.take_along_axis(index, rank, axis=1)
            here = ops.broadcast_to(ops.arange(width, dtype="int32"), (lanes, width))
            parents.append(first + ops.where(free, ops.cast(index // tokens, "int32"), here))
            written.append(ops.cast(index % tokens, "int32"))
            if first + width < beam:
                picks = ops.one_hot(written[-1], tokens) * ops.cast(free, "float32")[..., None]
                chosen = chosen + ops.sum(picks, axis=1, keepdims=True)
        return ops.concatenate(parents, axis=1), ops.concatenate(written, axis=1)

    def _shared_out(self, totals: Any, asked: Any, tokens: int) -> Any:
        """The best continuations by kind of progress: each kind's best, then each one's second, ...

        Args:
            totals: float (lanes, beam * tokens).
            asked: the step's state, leading axis lanes * beam.
            tokens: ids.

        Returns:
            int32 (lanes, beam), into the last axis of `totals`.
        """
        kinds = ops.reshape(self.progress(asked, tokens), totals.shape)  # pyright: ignore[reportOptionalCall]
        best = [
            ops.top_k(ops.where(ops.equal(kinds, kind), totals, 2 * IMPOSSIBLE), self.beam)
            for kind in reversed(range(self.beam))
        ]
        values, index = (ops.stack(parts, axis=2) for parts in zip(*best, strict=True))  # (lanes, rank, kind)
        values, index = (ops.reshape(array, (totals.shape[0], -1)) for array in (values, index))
        turn = ops.arange(values.shape[1], dtype="int32")
        order = ops.argsort(ops.where(is_possible(values), turn, turn + values.shape[1]), axis=-1)[:, : self.beam]
        return ops.take_along_axis(index, order, axis=1)

    def _bonus(self, state: Any) -> Any:
        """float32 (lanes, beam)."""
        lanes = keras.tree.flatten(state)[0].shape[0]
        return ops.reshape(self.bonus(_flat(state)), (lanes, self.beam))  # pyright: ignore[reportOptionalCall]

    def result(self, own: _Row) -> BeamResult:
        return own.result

    def _ask(self, own: _Row) -> tuple[Any, Any, Any]:
        """One step of all slots.

        Returns:
            Log probabilities, (lanes, beam, tokens); the state, leading axis lanes * beam; what of it the step
            changed, None for the rest.
        """
        lanes, beam = own.last.shape
        flat = _flat(own.state)
        log_probs, after = self.step(ops.reshape(own.last, (lanes * beam,)), flat)
        changed = keras.tree.map_structure(lambda new, old: None if new is old else new, after, flat)
        return ops.reshape(log_probs, (lanes, beam, -1)), after, changed

    def _moved(self, state: Any, changed: Any, parent: Any) -> Any:
        """The state of each slot's parent after the step; what the step left as it was is the same in all slots."""
        lanes, beam = parent.shape
        rows = ops.reshape(ops.expand_dims(ops.arange(lanes, dtype="int32") * beam, 1) + parent, (-1,))

        def move(old: Any, new: Any) -> Any:
            return old if new is None else ops.reshape(ops.take(new, rows, axis=0), old.shape)

        both = zip(keras.tree.flatten(state), keras.tree.flatten(changed), strict=True)
        moved = [move(old, new) for old, new in both]
        return keras.tree.pack_sequence_as(state, moved)

    def _undecided(self, row: _Row, limit: Any) -> Any:
        """bool (lanes,), whether a hypothesis that grows could still come among the best."""
        result = row.result
        ended = ops.where(result.finished, _ranking(result, self.settings.length_penalty), IMPOSSIBLE)
        worst = ops.top_k(ended, self.settings.n_best)[0][:, -1]
        longest = ops.expand_dims(length_normalizer(limit, self.settings.length_penalty), 1)
        hopes = ops.where(row.growing, result.scores / longest, 2 * IMPOSSIBLE)
        return ops.logical_and(ops.any(row.growing, axis=1), ops.max(hopes, axis=1) > worst)
