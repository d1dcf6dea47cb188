"""End training at its time limit, also within an epoch."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["TimeLimit"]


class TimeLimit(Callback):
    """Stop the run when `state.seconds` reaches the time limit; the current epoch ends early and counts as finished.

    The first update is always made: without any, there would be nothing to save.
    """

    def on_epoch_begin(self, run: Run) -> None:
        self._check(run)

    def on_update_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        if run.state.updates and run.state.seconds >= run.schedule.seconds:
            run.stop(f"time limit of {run.schedule.seconds / 60:g} minutes")
