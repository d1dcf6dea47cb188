"""The schedule of a run: learning rate and decoder inputs as functions of the training state."""

import math
from dataclasses import dataclass

import numpy as np

from passerelle.settings import TrainingSettings
from passerelle.training.optimizer import learning_rate
from passerelle.training.scheduled_sampling import teacher_forced_steps
from passerelle.training.state import TrainingState

__all__ = ["Schedule"]


@dataclass(frozen=True)
class Schedule:
    """Tells the learning rate and the decoder inputs of the next update.

    Attributes:
        settings: of the training.
        updates: updates in an epoch; where batches are counted in tokens, an epoch may have one or two more or fewer.
    """

    settings: TrainingSettings
    updates: int

    @property
    def epochs(self) -> int:
        """Epochs in the run, at most."""
        return self.settings.epochs

    @property
    def seconds(self) -> float:
        """Time limit of the run; infinite without one."""
        return 60.0 * self.settings.minutes or math.inf

    def epoch_share(self, state: TrainingState) -> float:
        """Share of the running epoch that is done, 0 to 1."""
        return min(1.0, state.position / self.updates)

    def share(self, state: TrainingState) -> float:
        """Share of the run that is done, 0 to 1: by updates or by time, whichever is larger."""
        by_updates = (state.epoch - 1 + self.epoch_share(state)) / self.epochs
        return min(1.0, max(by_updates, state.seconds / self.seconds))

    def rate(self, state: TrainingState) -> float:
        """Return the learning rate of the next update."""
        done = (state.epoch - 1) * self.updates + state.position
        return learning_rate(self.settings, self.share(state), done, self.epochs * self.updates)

    def teacher_forced_steps(self, state: TrainingState, shape: tuple[int, int]) -> np.ndarray | None:
        """Draw where the decoder reads the right token: bool (batch, T), or None for everywhere."""
        return teacher_forced_steps(self.settings, state.epoch - 1 + self.epoch_share(state), shape, state.random)
