"""End training when the loss is infinite or undefined."""

import math

from passerelle.errors import SettingsError
from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Divergence"]


class Divergence(Callback):
    """Drops an epoch whose training loss is infinite or not a number, and stops the run; sets `run.diverged`.

    Raises:
        SettingsError: in `on_validate`, if there are no good weights to go back to.
    """

    def on_validate(self, run: Run) -> None:
        epoch = run.state.history[-1]
        if math.isfinite(epoch.loss):
            return
        if not run.state.best.epoch:
            settings = run.schedule.settings
            raise SettingsError(
                f"training diverged: the loss of epoch {epoch.number} is not a number. Lower the learning rate "
                f"(now {settings.learning_rate:g}) or set training.clip."
            )
        run.diverged = True
        run.stop(f"the loss of epoch {epoch.number} is not a number", drop_epoch=True)
