"""The trials of a sweep, run with Optuna one after the other.

The next settings depend only on the results before them and on the seed, so a sweep that was interrupted and resumed
tries the same settings as one that was not. A trial during which the process ended is repeated.
"""

import importlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from passerelle.data.pairs import Pairs
from passerelle.errors import PasserelleError, RunError, SettingsError, one_line
from passerelle.experiment.prepared_training import train_prepared
from passerelle.preparation import prepare
from passerelle.settings import Settings
from passerelle.sweep.folder import SweepFolder
from passerelle.sweep.objective import Objective, ReportValidations
from passerelle.sweep.space import Space, Values
from passerelle.training.callbacks.interruption import Interrupted, Interruption
from passerelle.training.history import Interval

__all__ = ["Sweep", "TrialResult", "require_optuna"]

REASON = "reason"
_SECONDS, _EPOCHS = "seconds", "epochs"

_STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
"""States of results, and their names in Optuna."""

FIRST_PRUNED = 2
"""First validation after which a trial may be pruned: the results of the first one say little."""

STARTUP_TRIALS = 5
"""Number of first trials that are sampled at random, and never pruned."""


@dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        number: number of the trial, from 1; repetitions of a trial count once.
        state: `complete`, `pruned`, or `failed`: the settings contradict each other, or training diverged.
        value: value of the objective; None if the trial is not complete.
        values: what the trial changed.
        epochs: number of the epoch of the last validation.
        seconds: time of the trial.
        reason: why it is not complete; or an earlier trial with the same values, whose result it has.
    """

    number: int
    state: str
    value: float | None
    values: Values
    epochs: int
    seconds: float
    reason: str = ""


class _PrunedError(Exception):
    """The trial is worse than the others at this validation."""


class _TimeOverError(Exception):
    """The time of the sweep is over."""


@dataclass
class Sweep:
    """A sweep over settings.

    Args:
        space: what may change.
        settings_of: returns the settings of a trial.
        training, validation: the pairs, the same for all trials.
        objective: the value to optimize.
        folder: its folder, which the caller has locked.
        seed: seed of the sampler.
        vectors: keyword arguments of `prepare` that name files of word vectors.
        interruption: receives the signals that end the sweep.
        deadline: value of `time.perf_counter()` at which the sweep ends.
    """

    space: Space
    settings_of: Callable[[Values], Settings]
    training: Pairs
    validation: Pairs
    objective: Objective
    folder: SweepFolder
    seed: int
    vectors: Mapping[str, Any] = field(default_factory=dict)
    interruption: Interruption = field(default_factory=Interruption)
    deadline: float = math.inf

    def __post_init__(self) -> None:
        optuna = require_optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        try:
            self._study = optuna.create_study(
                storage=f"sqlite:///{self.folder.database.absolute()}",
                study_name="sweep",
                load_if_exists=True,
                direction="maximize" if self.objective.maximized else "minimize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=FIRST_PRUNED),
            )
        except Exception as error:  # of SQLAlchemy, which has its own classes
            raise RunError(f"{self.folder.database} cannot be used: {one_line(str(error))}") from None
        for lost in self._study.get_trials(deepcopy=False, states=[self._state("RUNNING")]):
            self._study.tell(lost.number, state=self._state("FAIL"))
            if set(lost.params) == set(self.space):
                self._study.enqueue_trial(lost.params, skip_if_exists=False)

    def results(self) -> list[TrialResult]:
        """Return the results of all finished trials, in order."""
        return [self._result(number, trial) for number, trial in enumerate(self._finished(), start=1)]

    def best(self) -> tuple[TrialResult, int] | None:
        """Return the best complete trial, the first of equal ones, and its number in the database; None without any."""
        sign = -1 if self.objective.maximized else 1
        complete = [
            (sign * trial.value, number, trial)
            for number, trial in enumerate(self._finished(), start=1)
            if trial.state == self._state("COMPLETE")
        ]
        if not complete:
            return None
        _, number, trial = min(complete, key=lambda each: each[:2])
        return self._result(number, trial), trial.number

    def run(self, trials: int, report: Callable[[TrialResult], None] = lambda result: None) -> str:
        """Run trials until there are `trials` finished ones; return why it ended early, or an empty string.

        Args:
            trials: number of finished trials at the end, those of earlier processes included.
            report: receives the result of each trial.
        """
        while (done := len(self._finished())) < trials:
            if self.interruption.requested:
                return "interrupted"
            if time.perf_counter() >= self.deadline:
                return "time limit"
            self._study.sampler = self._optuna.samplers.TPESampler(
                n_startup_trials=STARTUP_TRIALS, seed=(self.seed + done) % 2**32
            )
            trial = self._study.ask()
            if (ended := self._run_trial(trial)) is not None:
                return ended
            report(self.results()[-1])
            best = self.best()
            self.folder.keep_model(None if best is None else best[1])
        return ""

    def _run_trial(self, trial: Any) -> str | None:
        """Run one trial and store its result; if the sweep ends within it, store nothing and return why."""
        started = time.perf_counter()
        values = {name: dimension.suggest(trial, name) for name, dimension in self.space.items()}
        epochs = 0
        prepared: Any = None
        same = next((result for result in self.results() if result.values == values), None)

        def report(interval: Interval) -> None:
            nonlocal epochs
            epochs = interval.epoch
            trial.report(self.objective.interval_value(interval, prepared), step=interval.number)
            if trial.should_prune():
                at = f"epoch {epochs}" if interval.number == epochs else f"update {interval.updates:,}"
                raise _PrunedError(f"worse than the median after {at}")

        def check() -> None:
            if time.perf_counter() >= self.deadline:
                raise _TimeOverError

        def finish(state: str, value: float | None = None, reason: str = "") -> None:
            trial.set_user_attr(_SECONDS, time.perf_counter() - started)
            trial.set_user_attr(_EPOCHS, epochs)
            trial.set_user_attr(REASON, reason)  # its presence tells a finished trial from a lost one
            self._study.tell(trial, value, state=self._state(state))

        if same is not None:
            finish(
                {"complete": "COMPLETE", "pruned": "PRUNED"}.get(same.state, "FAIL"), same.value, f"trial {same.number}"
            )
            return None
        try:
            prepared = prepare(self.training, self.settings_of(values), validation=self.validation, **self.vectors)
            callbacks = [ReportValidations(report, check)]
            translator = train_prepared(prepared, callbacks, interruption=self.interruption)
            if self.interruption.requested:
                return "interrupted"
            value = self.objective.value(translator, prepared)
        except _PrunedError as pruned:
            finish("PRUNED", reason=str(pruned))
        except _TimeOverError:
            return "time limit"
        except Interrupted:
            return "interrupted"
        except PasserelleError as error:
            finish("FAIL", reason=str(error))
        else:
            translator.save(self.folder.model(trial.number), overwrite=True)
            finish("COMPLETE", value)
        return None

    def _finished(self) -> list[Any]:
        """Return the finished trials of Optuna: all but those that run, wait or were lost."""
        return [trial for trial in self._study.get_trials(deepcopy=False) if self._is_finished(trial)]

    def _is_finished(self, trial: Any) -> bool:
        return trial.state.is_finished() and REASON in trial.user_attrs

    def _result(self, number: int, trial: Any) -> TrialResult:
        state = next(state for state, name in _STATES.items() if name == trial.state.name)
        complete = trial.state.name == "COMPLETE"
        facts = trial.user_attrs
        return TrialResult(
            number, state, trial.value if complete else None, dict(trial.params),
            facts[_EPOCHS], facts[_SECONDS], facts[REASON],
        )  # fmt: skip

    def _state(self, name: str) -> Any:
        return self._optuna.trial.TrialState[name]


def require_optuna() -> Any:
    """Import and return Optuna.

    Raises:
        SettingsError: if it is not installed.
    """
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise SettingsError(f"Optuna is not installed ({error}): pip install '.[sweep]'") from None
