"""Reports of the progress within an epoch, a few times a second."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Progress", "ProgressReport"]

REPORT_SECONDS = 0.25
"""Time between two reports: reading the loss waits for the updates, so not after each."""


@dataclass(frozen=True)
class ProgressReport:
    """The position of a run.

    Attributes:
        epoch: number of the running epoch, from 1.
        epochs: epochs in the run, at most.
        done: updates made in this epoch.
        updates: updates in each epoch.
        loss: mean of this epoch so far, nats per token.
        seconds_left: estimated time until the run ends; None before there is a basis for it.
    """

    epoch: int
    epochs: int
    done: int
    updates: int
    loss: float
    seconds_left: float | None


class Progress(Callback):
    """Calls a function a few times a second.

    Args:
        report: called with the report.
    """

    def __init__(self, report: Callable[[ProgressReport], None]):
        self._report = report
        self._reported = 0.0

    def on_epoch_begin(self, run: Run) -> None:
        self._reported = run.state.seconds

    def on_update_end(self, run: Run) -> None:
        state, schedule = run.state, run.schedule
        if state.seconds - self._reported < REPORT_SECONDS:
            return
        self._reported = state.seconds
        loss, _ = state.means()
        left = _seconds_left(run)
        self._report(ProgressReport(state.epoch, schedule.epochs, state.position, schedule.updates, loss, left))


def _seconds_left(run: Run) -> float | None:
    """Estimate from the last epoch, or from the running one once a twentieth of it is done."""
    state, schedule = run.state, run.schedule
    share = schedule.epoch_share(state)
    epoch = state.history[-1].seconds if state.history else None
    if not epoch and share > 0.05:
        epoch = (state.seconds - state.epoch_began) / share
    left = epoch and epoch * (schedule.epochs - state.epoch + 1 - share)
    if schedule.seconds < math.inf:
        left = min(left or math.inf, schedule.seconds - state.seconds)
    return left
