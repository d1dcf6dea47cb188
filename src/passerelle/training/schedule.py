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
    """Learning rate and decoder inputs of the next update.

    Attributes:
        settings: training settings.
        updates: updates per epoch. If batches are counted in tokens, an epoch may differ by one or two updates.
    """

    settings: TrainingSettings
    updates: int

    @property
    def epochs(self) -> int:
        """Maximum number of epochs of the run."""
        return self.settings.epochs

    @property
    def seconds(self) -> float:
        """Time limit of the run in seconds; infinite if there is none."""
        return 60.0 * self.settings.minutes or math.inf

    def epoch_share(self, state: TrainingState) -> float:
        """Return the completed share of the current epoch, 0 to 1."""
        return min(1.0, state.position / self.updates)

    def share(self, state: TrainingState) -> float:
        """Return the completed share of the run, 0 to 1: by updates or by time, whichever is larger."""
        by_updates = (state.epoch - 1 + self.epoch_share(state)) / self.epochs
        return min(1.0, max(by_updates, state.seconds / self.seconds))

    def rate(self, state: TrainingState) -> float:
        """Return the learning rate of the next update."""
        done = (state.epoch - 1) * self.updates + state.position
        return learning_rate(self.settings, self.share(state), done, self.epochs * self.updates)

    def teacher_forced_steps(self, state: TrainingState, shape: tuple[int, int]) -> np.ndarray | None:
        """Sample the teacher-forced steps of the next update: bool (batch, T), or None if all are."""
        return teacher_forced_steps(self.settings, state.epoch - 1 + self.epoch_share(state), shape, state.random)
