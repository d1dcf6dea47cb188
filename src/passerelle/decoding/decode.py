"""Decoding: run the search strategy and the logits processors of the settings on a step function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keras import ops

from passerelle.decoding.beam import BeamResult, beam_search
from passerelle.decoding.greedy import GreedyResult, greedy_search
from passerelle.decoding.lanes import Allocate, Step
from passerelle.decoding.processors import (
    ConstraintProcessor,
    LogitsProcessor,
    Tables,
    make_processors,
    with_processors,
)
from passerelle.decoding.sample import sample
from passerelle.settings import SearchSettings

__all__ = ["STRATEGIES", "Task", "decode", "strategy_name"]


@dataclass(frozen=True)
class Task:
    """The rows to decode. All arrays have one entry per row on the first axis.

    Attributes:
        step: function that returns the log probabilities of the next token.
        state: state of `step` before the first token.
        limits: int32 (rows,), maximum number of steps of each row, END included; a row with 0 stays empty.
        max_length: at least the largest limit.
        uniform: float32 (rows, max_length), uniform random numbers from 0 to 1 for sampling; None without sampling.
        tables: the arrays of the constraint; None for no constraint.
        length_penalty: float32 (), the length penalty of beam search; None for that of the settings.
        coverage_score: function (state of `step`) -> float (rows,), at most 0, for the coverage penalty; None for
            no penalty.
        progress: function (state of `step`, vocabulary size) -> int (rows, vocabulary); see `beam_search`.
        allocate: see `lanes.Allocate`. It receives the states of `step` and of the processors.
    """

    step: Step
    state: Any
    limits: Any
    max_length: int
    uniform: Any = None
    tables: Tables | None = None
    length_penalty: Any = None
    coverage_score: Callable[[Any], Any] | None = None
    progress: Callable[[Any, int], Any] | None = None
    allocate: Allocate | None = None


def decode(task: Task, settings: SearchSettings) -> BeamResult:
    """Decode all rows with the strategy and logits processors of the settings and the constraint of the task."""
    return STRATEGIES[strategy_name(settings)](_with_processors(task, settings), settings)


def strategy_name(settings: SearchSettings) -> str:
    """Return the key in `STRATEGIES` of the strategy that the settings select."""
    if settings.sample:
        return "sample"
    return "beam" if settings.beam > 1 else "greedy"


def _with_processors(task: Task, settings: SearchSettings) -> Task:
    processors: list[LogitsProcessor] = make_processors(settings, task.max_length)
    constraint = None if task.tables is None else ConstraintProcessor(task.tables)
    if constraint is not None:
        processors.insert(0, constraint)
    if not processors:
        return task
    step, state = with_processors(task.step, task.state, task.limits, processors)
    task = replace(task, step=step, state=state)
    if (coverage_score := task.coverage_score) is not None:
        task = replace(task, coverage_score=lambda state: coverage_score(state["step"]))
    if constraint is not None and constraint.tables.progress is not None:
        task = replace(task, progress=lambda state, size: constraint.progress(state["processors"][0], size))
    return task


def _greedy(task: Task, settings: SearchSettings) -> BeamResult:
    found = greedy_search(task.step, task.state, task.limits, task.max_length, allocate=task.allocate)
    return _one_hypothesis(found)


def _sample(task: Task, settings: SearchSettings) -> BeamResult:
    rows = (task.step, task.state, task.limits, task.max_length, task.uniform)
    return _one_hypothesis(sample(*rows, settings, allocate=task.allocate))


def _beam(task: Task, settings: SearchSettings) -> BeamResult:
    penalty, coverage_score = settings.coverage_penalty, task.coverage_score
    bonus = None if not penalty or coverage_score is None else lambda state: penalty * coverage_score(state)
    return beam_search(
        task.step,
        task.state,
        task.limits,
        task.max_length,
        settings,
        bonus=bonus,
        progress=task.progress,
        length_penalty=task.length_penalty,
        allocate=task.allocate,
    )


STRATEGIES: Mapping[str, Callable[[Task, SearchSettings], BeamResult]] = {
    "greedy": _greedy,
    "sample": _sample,
    "beam": _beam,
}


def _one_hypothesis(found: GreedyResult) -> BeamResult:
    """Add an axis of hypotheses: (rows, ...) -> (rows, 1, ...)."""
    return BeamResult(*(values[:, None] for values in found), bonuses=ops.zeros_like(found.scores[:, None]))
