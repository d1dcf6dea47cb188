"""Beam search, as one loop that a backend can compile."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from passerelle.decoding.greedy import LANES, is_possible
from passerelle.decoding.lanes import Allocate, Step, run_lanes
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

__all__ = ["BeamResult", "beam_search", "length_normalizer"]

ops: Any = keras.ops
"""Typed as Any, because Keras's annotations say that these functions may return None."""


class BeamResult(NamedTuple):
    """The best hypotheses of each row, best first.

    Attributes:
        ids: int32 (rows, n_best, max_length): the tokens before END, then PAD.
        lengths: int32 (rows, n_best): number of tokens, END excluded.
        scores: float32 (rows, n_best): log probability of the tokens, and of END if it was written, in nats; not
            `is_possible` if a row has fewer than `n_best` hypotheses.
        finished: bool (rows, n_best): False if the hypothesis reached the limit before END, or does not exist.
        token_scores: float32 (rows, n_best, max_length): log probability of each token, then of END, then 0.
        bonuses: float32 (rows, n_best): the bonus of each finished hypothesis; see `beam_search`.
    """

    ids: Any
    lengths: Any
    scores: Any
    finished: Any
    token_scores: Any
    bonuses: Any


def length_normalizer(lengths: Any, power: Any) -> Any:
    """Return ((5 + length) / 6) ** power, the divisor of log probabilities under the length penalty; 1 for power 0.

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
    length_penalty: Any = None,
    allocate: Allocate | None = None,
) -> BeamResult:
    """Find likely token sequences, with `beam` hypotheses per row in every step.

    A finished hypothesis stays in its slot and never changes again; the growing hypotheses compete for the other slots.
    So beam size 1 is exactly greedy search. The search of a row ends when no growing hypothesis can become one of the
    `n_best` finished ones: its log probability can only fall, its length normalizer is at most that of the limit, and
    its bonus is at most 0.

    With groups, this is diverse beam search with Hamming diversity (Vijayakumar et al. 2016, arXiv:1610.02424): the
    slots are divided among the groups, and a group is penalized for tokens that earlier groups chose in the same step.
    Deviation: the penalty affects the choice in one step only and is not accumulated; hypotheses are ranked by the log
    probabilities of the network. Two groups may find the same hypothesis.

    Args:
        step: function that returns the log probabilities of the next token. Arrays of the state that it returns
            unchanged (the same object) are not reordered.
        state: state of `step` before the first token, with one entry per row on the first axis.
        limits: int32 (rows,), maximum number of steps of each row, END included; a row with 0 stays empty.
        max_length: number of columns of the result, at least the largest limit.
        settings: `beam`, number of hypotheses per row; `n_best`, number of hypotheses returned; `length_penalty`,
            exponent of the length normalizer that ranks finished hypotheses; `groups`, a divisor of `beam`;
            `diversity`, the penalty in nats for each choice of a token by an earlier group.
        bonus: function (state of `step`, leading axis batch) -> float (batch,), at most 0: the coverage penalty. It is
            added to the normalized score of finished hypotheses.
        progress: function (state of `step` after the step, leading axis batch; vocabulary size) -> int (batch,
            vocabulary), from 0 to `beam` - 1: the progress in the required phrases after each next token. The slots are
            divided among the values of the progress, the best hypothesis of each first, so that hypotheses with more
            required phrases are not displaced by more likely ones (dynamic beam allocation, Post and Vilar 2018,
            arXiv:1804.06609). Not with groups.
        length_penalty: float32 (), used instead of `settings.length_penalty`, so that all values share one compiled
            program; None for the value of the settings.
        allocate: see `lanes.Allocate`.

    Returns:
        `n_best` hypotheses per row: finished ones first, ranked by log probability / length normalizer + bonus.

    Source: Wu et al. 2016, arXiv:1609.08144, section 7, with finished hypotheses that stay in their slots instead of
    pruning by the distance to the best one.
    """
    power = settings.length_penalty if length_penalty is None else length_penalty
    strategy = _BeamStrategy(step, settings, bonus, progress, power)
    result: BeamResult = run_lanes(strategy, state, limits, max_length, allocate)
    ranked = ops.where(result.finished, _ranking(result, power), IMPOSSIBLE + result.scores)
    order = ops.argsort(-ranked, axis=-1)[:, : settings.n_best]  # stable: the first slot wins ties
    best = BeamResult(*(_take_slots(values, order) for values in result))
    return best._replace(ids=best.ids[..., :max_length], token_scores=best.token_scores[..., :max_length])


def _ranking(result: BeamResult, power: float) -> Any:
    """Return the normalized scores of finished hypotheses, float32 (rows, beam); their length includes END."""
    return result.scores / length_normalizer(result.lengths + 1, power) + result.bonuses


def _take_slots(values: Any, order: Any) -> Any:
    """Select slots: (rows, beam, ...) and int (rows, n) -> (rows, n, ...)."""
    return ops.take_along_axis(values, ops.reshape(order, (*order.shape, *[1] * (len(values.shape) - 2))), axis=1)


def _flat(state: Any) -> Any:
    """Merge the leading axes: (lanes, beam, ...) -> (lanes * beam, ...)."""
    return keras.tree.map_structure(lambda values: ops.reshape(values, (-1, *values.shape[2:])), state)


class _SearchState(NamedTuple):
    """The state of the search in each lane.

    Attributes:
        last: int32 (lanes, beam), the token that the next step of each slot reads.
        growing: bool (lanes, beam), True for slots with an unfinished hypothesis.
        result: the result so far; empty slots have an impossible score.
        state: state of the step function, leading axes lanes and beam.
    """

    last: Any
    growing: Any
    result: BeamResult
    state: Any


class _BeamStrategy:
    """The strategy of beam search; see `lanes.Strategy`."""

    def __init__(
        self,
        step: Step,
        settings: SearchSettings,
        bonus: Callable[[Any], Any] | None,
        progress: Callable[[Any, int], Any] | None,
        length_penalty: Any,
    ):
        self.step = step
        self.settings = settings
        self.beam = settings.beam
        self.bonus = bonus
        self.progress = progress
        self.length_penalty = length_penalty
        self.lanes = max(1, LANES // settings.beam)

    def begin(self, state: Any, width: int) -> _SearchState:
        """Begin with one empty hypothesis, in the first slot of each group."""
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
        return _SearchState(ops.full((lanes, beam), START, "int32"), first, empty, repeated)

    def advance(self, search: _SearchState, is_open: Any, position: Any, limit: Any) -> tuple[_SearchState, Any]:
        before = search.result
        log_probs, after, changed = self._step(search)
        frozen = ops.logical_or(before.finished, ops.expand_dims(ops.logical_not(is_open), 1))
        parent, token = self._choose(search, log_probs, frozen, after)
        tokens = log_probs.shape[-1]
        flat = ops.reshape(log_probs, (log_probs.shape[0], -1))
        gain = ops.take_along_axis(flat, parent * tokens + token, axis=1)
        moved = BeamResult(*(_take_slots(array, parent) for array in before))
        grows = ops.logical_and(
            ops.logical_and(ops.logical_not(frozen), ops.take_along_axis(search.growing, parent, axis=1)),
            is_possible(moved.scores + gain),
        )
        ends = ops.logical_and(grows, ops.equal(token, END))
        writes = ops.logical_and(grows, ops.not_equal(token, END))
        column = ops.equal(ops.arange(before.ids.shape[2], dtype="int32"), ops.expand_dims(position, -1))
        column = ops.expand_dims(column, 1)  # (lanes, 1, width): all growing hypotheses of a lane have the same length
        result = BeamResult(
            ids=ops.where(ops.logical_and(column, writes[..., None]), token[..., None], moved.ids),
            lengths=moved.lengths + ops.cast(writes, "int32"),
            scores=ops.where(frozen, before.scores, ops.where(grows, moved.scores + gain, IMPOSSIBLE)),
            finished=ops.logical_or(moved.finished, ends),
            token_scores=ops.where(ops.logical_and(column, grows[..., None]), gain[..., None], moved.token_scores),
            bonuses=moved.bonuses,
        )
        state = self._reorder(search.state, changed, parent)
        if self.bonus is not None:
            result = result._replace(bonuses=ops.where(ends, self._bonus(state), result.bonuses))
        growing = ops.where(frozen, search.growing, writes)
        search = _SearchState(token, growing, result, state)
        return search, self._can_improve(search, limit)

    def _choose(self, search: _SearchState, log_probs: Any, frozen: Any, after: Any) -> tuple[Any, Any]:
        """Choose the continuations of all slots. Frozen slots do not change; the best continuations fill the others.

        Args:
            search: the state before the step.
            log_probs: float (lanes, beam, tokens).
            frozen: bool (lanes, beam), True for slots that must not change.
            after: state of the step function after the step, leading axis lanes * beam.

        Returns:
            The parent slot and the new token of each slot, both int32 (lanes, beam).
        """
        lanes, beam, tokens = log_probs.shape
        totals = ops.expand_dims(search.result.scores, -1) + log_probs
        totals = ops.where(ops.expand_dims(search.growing, -1), totals, 2 * IMPOSSIBLE)
        width = beam // self.settings.groups
        counts = ops.zeros((lanes, 1, tokens), "float32")  # choices of each token by earlier groups
        parents, chosen_tokens = [], []
        for first in range(0, beam, width):
            group = slice(first, first + width)
            ranked = totals[:, group] - self.settings.diversity * counts if first else totals[:, group]
            flat = ops.reshape(ranked, (lanes, width * tokens))
            index = ops.top_k(flat, width)[1] if self.progress is None else self._top_by_progress(flat, after, tokens)
            free = ops.logical_not(frozen[:, group])
            rank = ops.maximum(ops.cumsum(ops.cast(free, "int32"), axis=1) - 1, 0)
            index = ops.take_along_axis(index, rank, axis=1)
            here = ops.broadcast_to(ops.arange(width, dtype="int32"), (lanes, width))
            parents.append(first + ops.where(free, ops.cast(index // tokens, "int32"), here))
            chosen_tokens.append(ops.cast(index % tokens, "int32"))
            if first + width < beam:
                picks = ops.one_hot(chosen_tokens[-1], tokens) * ops.cast(free, "float32")[..., None]
                counts = counts + ops.sum(picks, axis=1, keepdims=True)
        return ops.concatenate(parents, axis=1), ops.concatenate(chosen_tokens, axis=1)

    def _top_by_progress(self, totals: Any, after: Any, tokens: int) -> Any:
        """Choose the best continuation of each progress value, the highest first, then the second best of each, ...

        Args:
            totals: float (lanes, beam * tokens).
            after: state of the step function after the step, leading axis lanes * beam.
            tokens: number of ids.

        Returns:
            int32 (lanes, beam), indices into the last axis of `totals`.
        """
        progress = ops.reshape(self.progress(after, tokens), totals.shape)  # pyright: ignore[reportOptionalCall]
        best = [
            ops.top_k(ops.where(ops.equal(progress, value), totals, 2 * IMPOSSIBLE), self.beam)
            for value in reversed(range(self.beam))
        ]
        values, index = (ops.stack(parts, axis=2) for parts in zip(*best, strict=True))  # (lanes, rank, progress)
        values, index = (ops.reshape(array, (totals.shape[0], -1)) for array in (values, index))
        place = ops.arange(values.shape[1], dtype="int32")
        order = ops.argsort(ops.where(is_possible(values), place, place + values.shape[1]), axis=-1)[:, : self.beam]
        return ops.take_along_axis(index, order, axis=1)

    def _bonus(self, state: Any) -> Any:
        """Return the bonus of each slot, float32 (lanes, beam)."""
        lanes = keras.tree.flatten(state)[0].shape[0]
        return ops.reshape(self.bonus(_flat(state)), (lanes, self.beam))  # pyright: ignore[reportOptionalCall]

    def result(self, search: _SearchState) -> BeamResult:
        return search.result

    def _step(self, search: _SearchState) -> tuple[Any, Any, Any]:
        """Call the step function for all slots.

        Returns:
            The log probabilities, (lanes, beam, tokens); the state after the step, leading axis lanes * beam; the same
            state with None for each array that the step did not change.
        """
        lanes, beam = search.last.shape
        flat = _flat(search.state)
        log_probs, after = self.step(ops.reshape(search.last, (lanes * beam,)), flat)
        changed = keras.tree.map_structure(lambda new, old: None if new is old else new, after, flat)
        return ops.reshape(log_probs, (lanes, beam, -1)), after, changed

    def _reorder(self, state: Any, changed: Any, parent: Any) -> Any:
        """Return the state of each slot's parent after the step. Unchanged arrays need no reordering."""
        lanes, beam = parent.shape
        rows = ops.reshape(ops.expand_dims(ops.arange(lanes, dtype="int32") * beam, 1) + parent, (-1,))

        def take_parents(old: Any, new: Any) -> Any:
            return old if new is None else ops.reshape(ops.take(new, rows, axis=0), old.shape)

        both = zip(keras.tree.flatten(state), keras.tree.flatten(changed), strict=True)
        return keras.tree.pack_sequence_as(state, [take_parents(old, new) for old, new in both])

    def _can_improve(self, search: _SearchState, limit: Any) -> Any:
        """Return bool (lanes,), True if a growing hypothesis can still become one of the `n_best`."""
        result = search.result
        ended = ops.where(result.finished, _ranking(result, self.length_penalty), IMPOSSIBLE)
        worst = ops.top_k(ended, self.settings.n_best)[0][:, -1]
        longest = ops.expand_dims(length_normalizer(limit, self.length_penalty), 1)
        upper_bound = ops.where(search.growing, result.scores / longest, 2 * IMPOSSIBLE)
        return ops.logical_and(ops.any(search.growing, axis=1), ops.max(upper_bound, axis=1) > worst)
