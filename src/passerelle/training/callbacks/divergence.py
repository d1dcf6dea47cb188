"""End training when gradients or losses are infinite or NaN."""

import math

import numpy as np

from passerelle.errors import SettingsError
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.update import MAX_SKIPPED

__all__ = ["Divergence"]

CHECK_UPDATES = 50
"""Number of updates between two checks within an interval. A check waits for the device, so it is not made after each
update; the moment does not matter, since the weights do not change after `MAX_SKIPPED` skipped updates in a row."""

MAX_SHARE = 0.5
"""Share of skipped updates of an interval above which training has diverged."""


class Divergence(Callback):
    """Drop the interval, stop the run and set `run.diverged` if training has diverged.

    It has if too many updates were skipped because their gradients are not finite, in a row or in an interval, or if
    the training loss of an interval is not finite.

    Raises:
        SettingsError: if no earlier interval has finished.
    """

    def on_train_begin(self, run: Run) -> None:
        self._check_row(run)  # A restored run may have diverged before.

    def on_update_end(self, run: Run) -> None:
        if run.state.updates % CHECK_UPDATES == 0:
            self._check_row(run)

    def on_validate(self, run: Run) -> None:
        self._check_row(run)
        interval, updates = run.state.history[-1], run.state.interval_updates
        if run.diverged:
            return
        if interval.skipped > MAX_SHARE * updates:
            _stop(
                run,
                f"the gradients of {interval.skipped} of {updates} updates of epoch {interval.epoch} are not finite",
            )
        elif not math.isfinite(interval.loss):
            _stop(run, f"the loss of epoch {interval.epoch} is {interval.loss}")

    def _check_row(self, run: Run) -> None:
        if np.asarray(run.state.skipped)[2] >= MAX_SKIPPED:
            _stop(run, f"the gradients of {MAX_SKIPPED} updates in a row are not finite (epoch {run.state.epoch})")


def _stop(run: Run, reason: str) -> None:
    if not run.state.best.interval:
        rate = run.schedule.settings.learning_rate
        raise SettingsError(
            f"training diverged: {reason}. Lower training.learning_rate (now {rate:g}) or set training.clip."
        )
    run.diverged = True
    run.stop(reason, drop=True)
