"""Trials: pruned, failed, repeated and lost ones; a resumed sweep equals an uninterrupted one. Needs Optuna."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from passerelle.data.pairs import Pairs
from passerelle.errors import RunError, SettingsError
from passerelle.sweep import study
from passerelle.sweep.folder import SweepFolder
from passerelle.sweep.objective import Objective
from passerelle.sweep.space import Choices, Range
from passerelle.sweep.study import Sweep, TrialResult
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.history import Interval

pytest.importorskip("optuna", reason="needs the extra sweep")
pytestmark = pytest.mark.filterwarnings("default")

SPACE = {"x": Range(-1.0, 1.0), "n": Range(1, 4), "kind": Choices(("a", "b"))}


class Killed(BaseException):
    """The process was killed."""


class FakeTranslator:
    """A model whose value is a function of the settings."""

    def __init__(self, values: Mapping[str, Any]):
        self.values = values

    def save(self, path: Path, *, overwrite: bool) -> None:
        path.write_text(repr(dict(self.values)), encoding="utf-8")


class FakeObjective(Objective):
    """The distance from x = 0.3 and kind = b, from epoch to epoch a little smaller."""

    def value(self, translator: Any, prepared: Any) -> float:
        return loss(translator.values)

    def interval_value(self, interval: Interval, prepared: Any) -> float:
        return float(interval.validation_loss or 0.0)


def loss(values: Mapping[str, Any]) -> float:
    return (values["x"] - 0.3) ** 2 + (values["kind"] == "a") + values["n"] / 100


Hook = Callable[[int], None]


@pytest.fixture(autouse=True)
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[Hook]:
    """Replace training; each hook is called with the number of the epoch."""
    called: list[Hook] = []

    def train(values: Any, callbacks: Any, *, interruption: Interruption) -> FakeTranslator:
        if isinstance(values, Exception):
            raise values
        (callback,) = callbacks
        for epoch in range(1, 6):
            for hook in called:
                hook(epoch)
            callback._check()
            validation_loss = loss(values) + 1 / epoch
            callback._report(Interval(epoch, 0.0, 0.0, validation_loss, None, 0.0, epoch=epoch, updates=10 * epoch))
        return FakeTranslator(values)

    monkeypatch.setattr(study, "prepare", lambda pairs, settings, **options: settings)
    monkeypatch.setattr(study, "train_prepared", train)
    return called


def sweep(folder: Path, **options: Any) -> Sweep:
    sweep_folder = SweepFolder(folder)
    folder.mkdir(exist_ok=True)
    settings_of: Any = options.pop("settings_of", dict)
    options = {"space": SPACE, "seed": 7, "objective": FakeObjective("loss")} | options
    return Sweep(
        training=Pairs([], []), validation=Pairs([], []), settings_of=settings_of, folder=sweep_folder, **options
    )


def without_times(results: list[TrialResult]) -> list[Any]:
    return [(each.number, each.state, each.value, each.values, each.epochs, each.reason) for each in results]


def test_the_best_trial_is_kept_with_its_model(tmp_path: Path) -> None:
    running = sweep(tmp_path / "s")
    seen: list[TrialResult] = []
    assert running.run(25, seen.append) == ""
    results = running.results()
    assert without_times(seen) == without_times(results)
    assert [each.number for each in results] == list(range(1, 26))
    complete = [each for each in results if each.state == "complete"]
    best = running.best()
    assert best is not None
    assert best[0].value == min(each.value for each in complete)
    assert all(each.value == pytest.approx(loss(each.values)) for each in complete)
    (model,) = (tmp_path / "s").glob("trial-*.keras")
    assert model == running.folder.model(best[1])
    assert model.read_text(encoding="utf-8") == repr(dict(best[0].values))
    pruned = [each for each in results if each.state == "pruned"]
    assert pruned
    assert all(1 < each.epochs <= 5 and "median" in each.reason for each in pruned)
    # Better than chance: 25 random points come as near in less than one of ten sweeps.
    assert best[0].value < 0.05


@pytest.mark.parametrize("when", [(1, 1), (4, 3), (9, 5)])
def test_a_killed_and_resumed_sweep_equals_an_uninterrupted_one(
    tmp_path: Path, hooks: list[Hook], when: tuple[int, int]
) -> None:
    whole = sweep(tmp_path / "whole")
    whole.run(12)
    trials = [0]

    def kill(epoch: int) -> None:
        trials[0] += epoch == 1
        if (trials[0], epoch) == when:
            raise Killed

    hooks.append(kill)
    with pytest.raises(Killed):
        sweep(tmp_path / "killed").run(12)
    hooks.clear()
    resumed = sweep(tmp_path / "killed")
    assert len(resumed.results()) <= when[0]
    assert resumed.run(12) == ""
    assert without_times(resumed.results()) == without_times(whole.results())
    again = sweep(tmp_path / "killed")
    assert again.run(12) == ""
    assert without_times(again.results()) == without_times(whole.results())
    again.run(14)
    whole.run(14)
    assert without_times(again.results()) == without_times(whole.results())


def test_settings_that_contradict_each_other_fail_and_the_sweep_goes_on(tmp_path: Path) -> None:
    def settings_of(values: Mapping[str, Any]) -> Any:
        return SettingsError("x is negative") if values["x"] < 0 else values

    running = sweep(tmp_path / "s", settings_of=settings_of)
    assert running.run(12) == ""
    for result in running.results():
        assert (result.state == "failed") == (result.values["x"] < 0)
        assert result.reason == ("x is negative" if result.state == "failed" else result.reason)
    best = running.best()
    assert best is not None
    assert best[0].state == "complete"


def test_the_same_values_are_trained_once(tmp_path: Path, hooks: list[Hook]) -> None:
    trained: list[int] = []
    hooks.append(trained.append)
    running = sweep(
        tmp_path / "s", space={"kind": Choices(("a", "b"))}, settings_of=lambda values: values | {"x": 0, "n": 0}
    )
    running.run(8)
    assert trained.count(1) == 2
    results = running.results()
    assert len(results) == 8
    assert len({(each.values["kind"], each.value) for each in results}) == 2
    assert sum(each.reason.startswith("trial ") for each in results) == 6


def test_metrics_that_are_maximized(tmp_path: Path) -> None:
    class Negative(FakeObjective):
        def value(self, translator: Any, prepared: Any) -> float:
            return -loss(translator.values)

        def interval_value(self, interval: Interval, prepared: Any) -> float:
            return -super().interval_value(interval, prepared)

    running = sweep(tmp_path / "s", objective=Negative("chrf"))
    running.run(20)
    best = running.best()
    assert best is not None
    assert best[0].value == max(each.value for each in running.results() if each.value is not None)
    mirrored = sweep(tmp_path / "t")
    mirrored.run(20)
    states = [[each.state for each in one.results()] for one in (running, mirrored)]
    assert states[0] == states[1]


def test_time_limit_and_signals_end_a_sweep_within_a_trial(tmp_path: Path, hooks: list[Hook]) -> None:
    running = sweep(tmp_path / "s", deadline=math.inf)
    running.run(2)

    def late(epoch: int) -> None:
        running.deadline = time.perf_counter()

    hooks.append(late)
    assert running.run(5) == "time limit"
    assert running.run(5) == "time limit"
    assert len(running.results()) == 2
    hooks.clear()
    interruption = Interruption()
    interruption.signal = 2
    stopped = sweep(tmp_path / "s", interruption=interruption)
    assert stopped.run(5) == "interrupted"
    assert len(stopped.results()) == 2
    assert sweep(tmp_path / "s").run(5) == ""


def test_a_damaged_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "trials.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(RunError, match=r"trials.sqlite cannot be used"):
        sweep(tmp_path / "s")
