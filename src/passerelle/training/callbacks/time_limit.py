"""End training at its time limit, also within an epoch."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["TimeLimit"]

FIRST_VALIDATION_SHARE = 0.03
"""Share of the time that is reserved for the first validation, whose time is not known yet."""


class TimeLimit(Callback):
    """Stop the run at the time limit; the current epoch ends early, and is validated and counts as finished.

    Training stops so early that the last validation ends at `schedule.seconds`, if it takes as long as the one before.
    The first update is always made: without any, there would be nothing to save.

    Args:
        validated: whether a validation follows each interval.
    """

    def __init__(self, *, validated: bool = False):
        self._validated = validated

    def on_epoch_begin(self, run: Run) -> None:
        self._check(run)

    def on_update_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        if run.state.updates and run.state.seconds >= run.schedule.seconds - self._validation_seconds(run):
            run.stop(f"time limit of {run.schedule.settings.minutes:g} minutes")

    def _validation_seconds(self, run: Run) -> float:
        if run.validation_seconds is not None:
            return run.validation_seconds
        return (
            FIRST_VALIDATION_SHARE * run.schedule.seconds if self._validated and run.schedule.settings.minutes else 0.0
        )
