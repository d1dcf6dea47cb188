"""End training when its time is up, inside an epoch too."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["TimeLimit"]


class TimeLimit(Callback):
    """Stops the run when `state.seconds` reaches the limit of the schedule; the running epoch ends and counts."""

    def on_epoch_begin(self, run: Run) -> None:
        self._check(run)

    def on_update_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        if run.state.seconds >= run.schedule.seconds:
            run.stop(f"time limit of {run.schedule.seconds / 60:g} minutes")
