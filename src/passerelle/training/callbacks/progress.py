"""Progress reports within an epoch, a few times per second."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Progress", "ProgressReport", "seconds_left"]

REPORT_SECONDS = 0.25
"""Minimum time between two reports. Reading the loss waits for the updates, so it is not read after each one."""


@dataclass(frozen=True)
class ProgressReport:
    """Progress of a run.

    Attributes:
        epoch: number of the current epoch, from 1.
        epochs: maximum number of epochs of the run; None if only the time is limited.
        done: completed updates of this epoch.
        updates: updates per epoch.
        loss: mean loss since the last validation, in nats per token.
        tokens_per_second: target tokens per second since the last validation; see `Interval.tokens`.
        seconds_left: estimated time until the run ends; None if it is too early for an estimate.
    """

    epoch: int
    epochs: int | None
    done: int
    updates: int
    loss: float
    tokens_per_second: float
    seconds_left: float | None


class Progress(Callback):
    """Report the progress a few times per second.

    Args:
        report: function that receives each report.
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
        left = seconds_left(run)
        epochs = schedule.settings.epochs
        speed = state.tokens() / max(state.seconds - state.interval_began, 1e-6)
        self._report(ProgressReport(state.epoch, epochs, state.position, schedule.updates, loss, speed, left))


def seconds_left(run: Run) -> float | None:
    """Estimate the seconds until the run ends, from the updates and the validation of the last interval.

    Before the first validation, the updates count once there are 5 % of an epoch.

    Returns:
        At most the time until the time limit, with the time that is reserved for the work after the run; None if it is
        too early for an estimate.
    """
    state, schedule = run.state, run.schedule
    updates, seconds = state.interval_updates, state.seconds - state.interval_began
    enough = updates > 0.05 * schedule.updates
    if state.history:
        before = state.history[-2].updates if len(state.history) > 1 else 0
        updates, seconds, enough = state.history[-1].updates - before, state.history[-1].seconds, True
    remaining = schedule.updates * (schedule.epochs - state.epoch + 1) - state.position
    left = max(0.0, remaining) * seconds / updates if enough and seconds else None
    if left is not None and run.validation_seconds is not None:
        left += run.validation_seconds * remaining / (schedule.settings.validate_every or schedule.updates)
    if schedule.seconds < math.inf:
        left = min(left or math.inf, max(0.0, schedule.seconds + schedule.after - state.seconds))
    return left
