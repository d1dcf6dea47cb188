"""The time of a training, and how much of its time limit is left for each part of the work."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from passerelle.inference.search_choice import MAX_SECONDS, MIN_SECONDS
from passerelle.preparation import Prepared

__all__ = ["Clock"]


class Clock:
    """Time of a training from its start to the saved model.

    Args:
        prepared: prepared data.
        started: value of `time.perf_counter()` from which the time limit counts.

    Attributes:
        saving: expected seconds for saving the translator.
        comparison: seconds to reserve for the comparison of searches.
        forgetting: expected seconds for measuring what fine-tuning forgot.
    """

    def __init__(self, prepared: Prepared, started: float):
        settings = prepared.settings.training
        self._settings, self._started = settings, started
        reserved = min(settings.search_share * 60.0 * settings.minutes, MAX_SECONDS)
        compared = settings.search == "auto" and len(prepared.validation) > 0 and reserved >= MIN_SECONDS
        self.comparison = reserved if compared else 0.0
        self.saving = self.forgetting = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._started

    def reserved(self) -> float:
        """Return the seconds to reserve for the work after training."""
        return self.saving + self.comparison + self.forgetting

    def seconds_to_compare(self) -> float:
        """Return the seconds for the comparison of searches: their share of the whole time, within the time limit."""
        share, elapsed = self._settings.search_share, self.elapsed()
        after = self.saving + self.forgetting
        left = 60.0 * self._settings.minutes - after - elapsed if self._settings.minutes else math.inf
        return min(share / (1.0 - share) * elapsed, MAX_SECONDS, left)

    @contextmanager
    def measure_saving(self) -> Iterator[None]:
        """Expect that saving takes as long as this context."""
        began = time.perf_counter()
        yield
        self.saving = time.perf_counter() - began
