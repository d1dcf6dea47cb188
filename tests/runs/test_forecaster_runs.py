"""`train_forecaster(run=...)` and `resume_forecaster`: the same weights, and refusals by name."""

import math
import os

import numpy as np
import pytest

import passerelle
from crash import CrashAfter, CrashError, equal
from passerelle.data.window_files import read_copied_windows, write_windows
from passerelle.training.callbacks.interruption import Interruption

NUMBERS = np.random.default_rng(0)
SERIES = np.stack([np.sin(np.arange(70) * 2 * np.pi / 7), NUMBERS.normal(size=70)], axis=1)
SLIDING = passerelle.Windows.sliding(SERIES, history=9, horizon=3, targets=[0], names=["power", "volts"])
RAGGED = passerelle.Windows(
    [NUMBERS.normal(size=(4 + row % 5, 2)) for row in range(30)], NUMBERS.normal(size=(30, 2, 1)),
    static=NUMBERS.normal(size=(30, 2)), targets=[1],
)  # fmt: skip
TEXTS = passerelle.Windows(["ab\t\u2028\n"[: 1 + row % 5] for row in range(30)], NUMBERS.normal(size=(30, 1)))
ODD = passerelle.Windows(["\ud800", "a\0", "\0"] * 10, TEXTS.future)
OPTIONS = {"units": 4, "epochs": 3, "batch_size": 10, "learning_rate": 0.05, "dropout": 0.3}


def train(windows, callbacks=(), **options):
    return passerelle.train_forecaster(windows, callbacks=callbacks, **OPTIONS | options)


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("updates", [2, 7])
def test_a_crashed_run_goes_on_exactly(tmp_path, often, refit, updates):
    whole = train(SLIDING, refit=refit)
    run = tmp_path / "a.run"
    with pytest.raises(CrashError):
        train(SLIDING, [CrashAfter(updates)], refit=refit, run=run)
    resumed = passerelle.resume_forecaster(run)
    assert equal(resumed, whole)
    for name in ("kept_epoch", "stopped", "interrupted", "data"):
        assert resumed.record[name] == whole.record[name], name
    assert resumed.bundle.calibration.to_json() == whole.bundle.calibration.to_json()
    assert {"log.jsonl", "log.csv", "loss.svg", "windows.npz"} <= set(os.listdir(run))
    assert equal(passerelle.resume_forecaster(run), whole), "a run that has ended gives its forecaster again"


class CrashInRefit(CrashAfter):
    """Raise an error in the second training."""

    trainings = 0

    def on_train_begin(self, run):
        self.trainings += 1

    def on_update_end(self, run):
        if self.trainings == 2:
            super().on_update_end(run)


class Count(passerelle.Callback):
    """Counts updates."""

    updates = 0

    def on_update_end(self, run):
        self.updates += 1


def test_a_crash_in_the_second_training_repeats_no_update_of_the_first(tmp_path, often):
    whole = train(SLIDING, refit=True)
    run = tmp_path / "a.run"
    with pytest.raises(CrashError):
        train(SLIDING, [CrashInRefit(4)], refit=True, run=run)
    before = sorted(os.listdir(run / "checkpoints"))
    left = Count()
    resumed = passerelle.resume_forecaster(run, callbacks=[left])
    assert equal(resumed, whole)
    assert resumed.record["refit"]["windows"] == len(SLIDING)
    assert left.updates == math.ceil(len(SLIDING) / OPTIONS["batch_size"]) * resumed.record["kept_epoch"] - 3
    assert sorted(os.listdir(run / "checkpoints")) == before


@pytest.mark.parametrize("windows", [SLIDING, RAGGED, TEXTS, ODD], ids=["sliding", "ragged", "texts", "odd"])
def test_copies_are_exact(tmp_path, windows):
    write_windows(tmp_path / "a.npz", windows)
    again = read_copied_windows(tmp_path / "a.npz")
    assert again.fingerprint() == windows.fingerprint()
    assert (again.names, again.name) == (windows.names, windows.name)
    assert again.targets == (None if windows.targets is None else list(windows.targets))
    for left, right in zip(again.split(0.2), windows.split(0.2), strict=True):
        assert left.fingerprint() == right.fingerprint()


@pytest.mark.parametrize("windows", [RAGGED, TEXTS], ids=["ragged", "texts"])
def test_all_kinds_of_rows_are_read_again(tmp_path, windows):
    whole = train(windows, epochs=2, validation=windows.rows(range(5)))
    train(windows, epochs=1, validation=windows.rows(range(5)), run=tmp_path / "a.run")
    resumed = passerelle.resume_forecaster(tmp_path / "a.run", epochs=2)
    assert len(resumed.record["epochs"]) == 2
    assert resumed.record["data"] == whole.record["data"]


def test_a_longer_run_begins_its_second_training_anew_if_another_epoch_is_best(tmp_path):
    run = tmp_path / "a.run"
    short = train(SLIDING, epochs=1, refit=True, run=run)
    longer = passerelle.resume_forecaster(run, epochs=3)
    assert short.record["kept_epoch"] == 1
    assert len(longer.record["refit"]["epochs"]) == longer.record["kept_epoch"] > 1


def test_refusals(tmp_path):
    run = tmp_path / "a.run"
    train(SLIDING, epochs=1, run=run)
    with pytest.raises(passerelle.OutputError, match="is the folder of an earlier run"):
        train(SLIDING, run=run)
    with pytest.raises(passerelle.RunError, match="is the run of a forecaster. Resume it with passerelle train-fore"):
        passerelle.resume(run)
    with pytest.raises(
        passerelle.SettingsError, match=r"training.minutes is 0.0 in this run; a resumed run can only becom"
    ):
        passerelle.resume_forecaster(run, minutes=1)
    with pytest.raises(passerelle.RunError, match="no such folder"):
        passerelle.resume_forecaster(tmp_path / "b.run")
    write_windows(run / "windows.npz", SLIDING.rows(range(40)))
    with pytest.raises(passerelle.RunError, match="the training windows are not those with which the run began"):
        passerelle.resume_forecaster(run, epochs=2)
    (run / "windows.npz").write_bytes(b"PK")
    with pytest.raises(passerelle.DataError, match=r"windows.npz cannot be read as .npz"):
        passerelle.resume_forecaster(run, epochs=2)
    passerelle.train(
        [("a", "b"), ("b", "a")] * 4, validation=0, epochs=1, preset="tutorial", units=2, run=tmp_path / "t.run"
    )
    with pytest.raises(passerelle.RunError, match="is the run of a translator. Resume it with passerelle train --res"):
        passerelle.resume_forecaster(tmp_path / "t.run")


def test_an_interruption_between_the_two_trainings_keeps_the_first_forecaster(tmp_path, often):
    interruption = Interruption()

    class Stop(passerelle.Callback):
        """Asks for the end when the first training has ended."""

        def on_train_end(self, run):
            interruption.signal = 15

    first = train(SLIDING)
    stopped = train(SLIDING, [Stop()], refit=True, run=tmp_path / "a.run", interruption=interruption)
    assert stopped.record["interrupted"]
    assert equal(stopped, first)
    assert equal(passerelle.resume_forecaster(tmp_path / "a.run"), train(SLIDING, refit=True))
