"""The schedule of a run: learning rate and decoder inputs as functions of the training state."""

import math
from dataclasses import dataclass

import numpy as np

from passerelle.settings import TrainingSettings
from passerelle.training.optimizer import learning_rate
from passerelle.training.scheduled_sampling import teacher_forced_steps
from passerelle.training.state import TrainingState

__all__ = ["Schedule"]

EPOCHS = 20
"""Number of epochs from which the length of the warmup follows if only the time is limited; that of most presets."""


@dataclass(frozen=True)
class Schedule:
    """Learning rate and decoder inputs of the next update.

    Attributes:
        settings: training settings.
        updates: updates per epoch, each of `settings.accumulation` batches; the last one may have fewer. If batches are
            counted in tokens, an epoch may differ by one or two updates.
        before: seconds of the time limit that were spent before the run, for example on reading the pairs.
        after: seconds of the time limit that are reserved for the work after the run, such as saving.
    """

    settings: TrainingSettings
    updates: int
    before: float = 0.0
    after: float = 0.0

    @property
    def epochs(self) -> float:
        """Maximum number of epochs of the run; infinite if only the time is limited."""
        return self.settings.epochs or math.inf

    @property
    def seconds(self) -> float:
        """Time limit of the run in seconds, with the last validation; infinite if there is none."""
        return max(0.0, 60.0 * self.settings.minutes - self.before - self.after) if self.settings.minutes else math.inf

    def epoch_share(self, state: TrainingState) -> float:
        """Return the completed share of the current epoch, 0 to 1."""
        return min(1.0, state.position / self.updates)

    def share(self, state: TrainingState) -> float:
        """Return the completed share of the run, 0 to 1: by updates or by time, whichever is larger."""
        by_updates = (state.epoch - 1 + self.epoch_share(state)) / self.epochs
        by_time = state.seconds / self.seconds if self.seconds else 1.0
        return min(1.0, max(by_updates, by_time))

    def rate(self, state: TrainingState) -> float:
        """Return the learning rate of the next update."""
        done = (state.epoch - 1) * self.updates + state.position
        updates = (self.settings.epochs or EPOCHS) * self.updates
        return learning_rate(self.settings, self.share(state), done, updates) * state.rate_factor

    def teacher_forced_steps(self, state: TrainingState, shape: tuple[int, int]) -> np.ndarray | None:
        """Sample the teacher-forced steps of the next update: bool (batch, T), or None if all are."""
        return teacher_forced_steps(self.settings, state.epoch - 1 + self.epoch_share(state), shape, state.random)
