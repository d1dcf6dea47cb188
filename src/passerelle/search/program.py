"""A batch's search in one compiled call: which strategy, under which rules."""

from typing import Any

import numpy as np
from keras import ops

from passerelle.decoding.beam import BeamResult, beam_search
from passerelle.decoding.greedy import greedy_search
from passerelle.decoding.processors import (
    ConstraintProcessor,
    LogitsProcessor,
    MinimumLength,
    NoRepeatNgram,
    Tables,
    processed,
)
from passerelle.decoding.sample import sample
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings
from passerelle.text.constraints import Constraint

__all__ = ["Program", "tables_of"]


class Program:
    """Searches.

    Args:
        network: a `SequenceToSequence` or an `Ensemble`.
    """

    def __init__(self, network: Any):
        self.network = network
        self._compiled = compiled(self._run, network.variables)

    def __call__(
        self,
        inputs: dict[str, np.ndarray],
        limits: np.ndarray,
        settings: SearchSettings,
        *,
        max_length: int,
        draws: np.ndarray | None = None,
        tables: Tables | None = None,
    ) -> BeamResult:
        """Searches for every row of a batch.

        Args:
            inputs: the network's, int32 (rows, width) by name.
            limits: int32 (rows,), most steps; 0 for rows that fill up the batch.
            settings: of the search.
            max_length: at least the largest limit.
            draws: float32 (rows, max_length), where tokens are drawn.
            tables: of a constraint.

        Returns:
            Numpy arrays.
        """
        options = {name: getattr(settings, name) for name in _selecting(settings)}
        required = tables is not None and bool(settings.require)
        found = self._compiled(inputs, limits, draws, tables, max_length=max_length, required=required, **options)
        return BeamResult(*map(np.asarray, found))

    def _run(
        self,
        inputs: Any,
        limits: Any,
        draws: Any,
        tables: Tables | None,
        *,
        max_length: int,
        required: bool,
        no_repeat_ngram_size: int,
        min_length: int,
        beam: int = 1,
        coverage_penalty: float = 0.0,
        **options: Any,
    ) -> BeamResult:
        step: Any = self.network.step
        state: Any = self.network.begin(inputs, coverage=coverage_penalty > 0)
        rules: list[LogitsProcessor] = []
        constraint = None if tables is None else ConstraintProcessor(tables)
        if constraint is not None:
            rules.append(constraint)
        if min_length:
            rules.append(MinimumLength(min_length))
        if no_repeat_ngram_size:
            rules.append(NoRepeatNgram(no_repeat_ngram_size, max_length))
        if rules:
            step, state = processed(step, state, limits, rules)

        def bonus(state: Any) -> Any:
            return coverage_penalty * self.network.covered(state["step"] if rules else state)

        def progress(state: Any, tokens: int) -> Any:
            return constraint.progress(state["rules"][0], tokens)  # pyright: ignore[reportOptionalMemberAccess]

        if beam > 1:
            return beam_search(
                step,
                state,
                limits,
                max_length,
                beam=beam,
                bonus=bonus if coverage_penalty else None,
                progress=progress if required else None,
                **options,
            )
        if draws is not None:
            found = sample(step, state, limits, max_length, draws, **options)
        else:
            found = greedy_search(step, state, limits, max_length)
        return BeamResult(*(values[:, None] for values in found), bonuses=ops.zeros_like(found.scores[:, None]))


def _selecting(settings: SearchSettings) -> set[str]:
    """The settings that select a program; others do not matter to this search."""
    rules = {"no_repeat_ngram_size", "min_length"}
    if settings.sample:
        return rules | {"temperature", "top_k", "top_p"}
    if settings.beam > 1:
        return rules | {"beam", "n_best", "length_penalty", "coverage_penalty", "groups", "diversity"}
    return rules


def tables_of(constraint: Constraint, beam: int) -> Tables:
    """A constraint's arrays, filled up to sizes that are powers of two, so that programs are few.

    Progress is counted in as many kinds as the beam has slots.
    """
    states, classes = constraint.next.shape
    wide, high = _power(classes), _power(states)
    longest = max(1, int(constraint.progress.max()))
    progress = np.ceil(constraint.progress * (beam - 1) / longest)
    return Tables(
        next=np.pad(constraint.next, ((0, high - states), (0, wide - classes)), constant_values=-1),
        class_of=constraint.class_of,
        accepting=np.pad(constraint.accepting, (0, high - states)),
        distance=np.pad(constraint.distance, (0, high - states)),
        progress=np.pad(progress.astype(np.int32), (0, high - states)),
        start=np.int32(constraint.start),
    )


def _power(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()
