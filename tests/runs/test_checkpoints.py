"""When checkpoints are written, which are kept, and what happens on a full disk."""

import errno
from types import SimpleNamespace

import numpy as np
import pytest

from passerelle.errors import OutputError
from passerelle.runs import checkpoints
from passerelle.runs.checkpoints import Checkpoints, checkpoint_files, restore_newest
from passerelle.training.history import Interval
from passerelle.training.state import Best, TrainingState


class Clock:
    """A clock that tests set; writing a checkpoint takes `cost` seconds."""

    def __init__(self, monkeypatch, cost):
        self.now = 0.0
        self.cost = cost
        self.written = []
        monkeypatch.setattr(checkpoints, "time", SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(checkpoints, "write_checkpoint", self.write)

    def write(self, path, arrays, metadata):
        path.touch()
        self.written.append(self.now)
        self.now += self.cost


def train(callback, clock, epochs, updates, seconds, *, best=lambda epoch: True):
    """Make the events of a run whose updates take `seconds`."""
    state = TrainingState(trainable=[np.zeros(10, "f4")])
    run = SimpleNamespace(state=state)
    callback.on_train_begin(run)
    for epoch in range(1, epochs + 1):
        for _ in range(updates):
            clock.now += seconds
            state.position += 1
            state.updates += 1
            state.interval_updates += 1
            callback.on_update_end(run)
        state.history.append(Interval(epoch, 1.0, 0.5, None, None, 1.0))
        if best(epoch):
            state.best = Best(epoch, 1.0, [])
        state.start_interval()
        state.start_epoch(epoch + 1)
        callback.on_validation_end(run)
    callback.on_train_end(run)
    return state


@pytest.mark.parametrize(
    ("cost", "updates", "seconds"),
    [(0.01, 1000, 1.0), (0.5, 10, 0.2), (3.0, 500, 0.3), (1.0, 1, 0.01), (20.0, 50, 9.0)],
)
def test_checkpoints_take_at_most_two_percent_of_the_time(tmp_path, monkeypatch, cost, updates, seconds):
    clock = Clock(monkeypatch, cost)
    callback = Checkpoints(tmp_path, seconds=60.0, report=pytest.fail)
    train(callback, clock, 30, updates, seconds)
    # The last one is written in any case, and the first one before the time of any is known.
    *during, _ = clock.written
    assert (len(during) - 1) * cost <= 0.02 * clock.now
    if cost < 0.02 * seconds * updates:
        assert len(clock.written) >= 30, "one after each epoch"
        assert np.diff(clock.written).max() <= 60.0 + seconds + cost
    else:
        assert (len(during) + 2) * cost >= 0.02 * (clock.now - seconds * updates), "as frequent as that allows"


def test_the_last_two_and_the_best_are_kept(tmp_path, monkeypatch):
    clock = Clock(monkeypatch, 0.0)
    callback = Checkpoints(tmp_path, seconds=0.0, report=pytest.fail)
    contents = []
    monkeypatch.setattr(
        checkpoints, "write_checkpoint", lambda path, arrays, metadata: path.write_text(str(metadata["updates"]))
    )
    train(callback, clock, 9, 4, 1.0, best=lambda epoch: epoch <= 6)
    contents = {path.name: path.read_text() for path in checkpoint_files(tmp_path)}
    assert contents == {
        "update-000000036.safetensors": "36",
        "update-000000035.safetensors": "35",
        "best.safetensors": "24",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(contents)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OutputError("x: no space left.")])
def test_a_checkpoint_that_cannot_be_written_is_told_once_and_tried_again(tmp_path, monkeypatch, error):
    clock = Clock(monkeypatch, 0.0)
    attempts, reports = [], []

    def write(path, arrays, metadata):
        attempts.append(clock.now)
        if 100 <= clock.now < 500:
            raise error
        path.touch()

    monkeypatch.setattr(checkpoints, "write_checkpoint", write)
    train(Checkpoints(tmp_path, seconds=60.0, report=reports.append), clock, 10, 100, 1.0)
    assert len(attempts) > 10
    assert [report.partition(":")[0] for report in reports] == [
        "no checkpoint", f"checkpoints are written again, in {tmp_path}"
    ]  # fmt: skip
    assert "o space left" in reports[0]


def test_space_for_the_model_is_left(tmp_path, monkeypatch):
    clock = Clock(monkeypatch, 0.0)
    reports = []
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10_000))
    for reserve in (5_000, 10_000):
        train(Checkpoints(tmp_path, seconds=60.0, report=reports.append, reserve=reserve), clock, 2, 2, 1.0)
    assert len(reports) == 1
    assert "too little space is left in" in reports[0]


def test_nothing_to_restore(tmp_path):
    assert restore_newest(tmp_path / "absent", pytest.fail) is None
    (tmp_path / "update-000000001.safetensors").write_bytes(b"")
    reports = []
    assert restore_newest(tmp_path, reports.append) is None
    assert reports[-1] == f"no checkpoint in {tmp_path} can be used; the run begins again"
