"""End training when the loss is infinite or NaN."""

import math

from passerelle.errors import SettingsError
from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Divergence"]


class Divergence(Callback):
    """Drop an epoch whose training loss is infinite or NaN, stop the run, and set `run.diverged`.

    Raises:
        SettingsError: in `on_validate`, if no earlier epoch had a finite loss.
    """

    def on_validate(self, run: Run) -> None:
        epoch = run.state.history[-1]
        if math.isfinite(epoch.loss):
            return
        if not run.state.best.epoch:
            settings = run.schedule.settings
            raise SettingsError(
                f"training diverged: the loss of epoch {epoch.number} is {epoch.loss}. Lower training.learning_rate "
                f"(now {settings.learning_rate:g}) or set training.clip."
            )
        run.diverged = True
        run.stop(f"the loss of epoch {epoch.number} is {epoch.loss}", drop_epoch=True)
