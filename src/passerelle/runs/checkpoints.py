"""Checkpoints of a run: when they are written, which are kept, and which one is restored."""

import errno
import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from passerelle.data.writing import prepare_folder
from passerelle.errors import OutputError
from passerelle.runs.checkpoint_file import SUFFIX, DamagedCheckpointError, read_checkpoint, write_checkpoint
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.state import TrainingState

__all__ = ["Checkpoints", "checkpoint_files", "restore_newest"]

MAX_SHARE = 0.02
"""Maximum share of the time that writing checkpoints may take."""

KEPT = 2
"""Number of newest checkpoints that are kept, in addition to that of the best interval."""

FLUSH_SECONDS, BYTES_PER_SECOND = 0.02, 50e6
"""Assumed time of flushing and speed of writing before the first checkpoint is timed; most disks are faster."""

_BEST = f"best{SUFFIX}"
_PREFIX = "update-"


class Checkpoints(Callback):
    """Write checkpoints during a run: after a time between validations, after each validation, and at the
    end of the run.

    Their time is measured. As long as the next one would make their share of the time larger than `MAX_SHARE`, none is
    written, except at the end of the run. If one cannot be written, training goes on, and the next one is tried when it
    is due.

    Args:
        folder: folder of the checkpoints.
        seconds: time between two checkpoints between validations.
        report: receives one line when writing fails, and one when it works again.
        reserve: bytes that must stay free in the folder's file system, for the model that is saved in the end.
    """

    def __init__(self, folder: Path, *, seconds: float, report: Callable[[str], object], reserve: int = 0):
        self._folder = folder
        self._seconds = seconds
        self._report = report
        self._reserve = reserve
        self._cost = _Cost()
        self._written: tuple[int, ...] | None = None
        self._failed = False

    def on_train_begin(self, run: Run) -> None:
        self._cost = _Cost()

    def on_update_end(self, run: Run) -> None:
        if self._cost.since_last() >= self._seconds:
            self._write_if_cheap(run)

    def on_validation_end(self, run: Run) -> None:
        self._write_if_cheap(run)

    def on_train_end(self, run: Run) -> None:
        state = run.state
        if state.updates and self._written != _place(state):
            self._write(run)

    def _write_if_cheap(self, run: Run) -> None:
        if self._cost.allows(_size(run.state)):
            self._write(run)

    def _write(self, run: Run) -> None:
        state = run.state
        state.means()  # waits for the updates, whose time is not that of the checkpoint
        path = self._folder / f"{_PREFIX}{state.updates:09}{SUFFIX}"
        with self._cost.measured():
            try:
                prepare_folder(self._folder)
                self._require_space(_size(state))
                write_checkpoint(path, state.arrays(), state.metadata())
                self._keep(path, best=not state.interval_updates and state.history[-1].number == state.best.interval)
            except (OutputError, OSError) as error:
                self._fail(error)
                return
        self._written = _place(state)
        if self._failed:
            self._failed = False
            self._report(f"checkpoints are written again, in {self._folder}")

    def _require_space(self, size: int) -> None:
        """Raise an error if the checkpoint would take the space that the model needs in the end."""
        if self._reserve and shutil.disk_usage(self._folder).free < size + self._reserve:
            raise OSError(errno.ENOSPC, f"too little space is left in {self._folder} for it and for the model")

    def _fail(self, error: Exception) -> None:
        if not self._failed:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            reason = reason.removesuffix(" Nothing was changed.").rstrip(".")
            self._report(f"no checkpoint: {reason}. Training goes on without; the next checkpoint is tried when due")
        self._failed = True

    def _keep(self, newest: Path, *, best: bool) -> None:
        """Give the checkpoint of the best interval a second name, and remove all but the newest checkpoints."""
        if best:
            temporary = newest.with_name(f".{_BEST}")
            temporary.unlink(missing_ok=True)
            try:
                os.link(newest, temporary)
            except (AttributeError, OSError):  # a file system without hard links
                shutil.copyfile(newest, temporary)
            temporary.replace(newest.with_name(_BEST))
        for old in _by_update(self._folder)[KEPT:]:
            old.unlink(missing_ok=True)


class _Cost:
    """The time that checkpoints take, and the share of it."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._spent = 0.0
        self._expected: float | None = None

    def since_last(self) -> float:
        """Return the seconds since the last attempt, or since the beginning."""
        return time.perf_counter() - self._last

    def allows(self, size: int) -> bool:
        """Return whether the time of one more checkpoint, of `size` bytes, keeps the share small enough."""
        expected = self._expected
        if expected is None:
            expected = FLUSH_SECONDS + size / BYTES_PER_SECOND
        return self._spent + expected <= MAX_SHARE * (time.perf_counter() - self._began)

    def measured(self) -> "_Measurement":
        return _Measurement(self)

    def add(self, seconds: float) -> None:
        self._spent += seconds
        # The slowest so far counts, fading: one slow disk access must not silence the checkpoints for ever.
        self._expected = max(seconds, 0.9 * (self._expected or 0.0))
        self._last = time.perf_counter()


class _Measurement:
    def __init__(self, cost: _Cost):
        self._cost = cost

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._cost.add(time.perf_counter() - self._began)


def _place(state: TrainingState) -> tuple[int, ...]:
    return state.updates, state.epoch, state.position, state.interval_updates


def _size(state: TrainingState) -> int:
    """Return the size of a checkpoint in bytes, without its header."""
    lists = (state.trainable, state.non_trainable, state.optimizer, state.last, state.recent, state.best.weights)
    return sum(4 * math.prod(array.shape) for arrays in lists for array in arrays)  # nearly all have 32 bits


def checkpoint_files(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder: the newest first, and that of the best interval last."""
    return [*_by_update(folder), *([folder / _BEST] if (folder / _BEST).exists() else [])]


def _by_update(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_PREFIX}*{SUFFIX}"), reverse=True)


def restore_newest(folder: Path, report: Callable[[str], object]) -> TrainingState | None:
    """Restore the newest checkpoint that is not damaged, and remove newer ones, which are.

    Args:
        folder: folder of the checkpoints.
        report: receives a line for each damaged checkpoint.

    Returns:
        The training state; None if there is no checkpoint, or all are damaged: the run then begins again.

    Raises:
        RunError: if another version of Passerelle wrote the checkpoints.
    """
    damaged = []
    for path in checkpoint_files(folder):
        try:
            state = read_checkpoint(path)
        except (DamagedCheckpointError, OSError) as error:
            report(f"{path} is not used: {error}; the checkpoint before it is")
            damaged.append(path)
            continue
        for newer in damaged:
            with suppress(OSError):
                newer.unlink()
        return state
    if damaged:
        report(f"no checkpoint in {folder} can be used; the run begins again")
    return None
