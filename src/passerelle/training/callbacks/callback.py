"""The base class of callbacks, and the run that they receive. Loads neither Keras nor JAX."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from passerelle.errors import SettingsError
from passerelle.parallel.group import current
from passerelle.training.history import Sample

if TYPE_CHECKING:
    import numpy as np

    from passerelle.training.schedule import Schedule
    from passerelle.training.state import TrainingState
    from passerelle.training.update import Update

__all__ = ["Callback", "Run", "require_callbacks"]


class Run:
    """A training run in progress; the argument of each callback method.

    Attributes:
        state: weights, optimizer, position, history; see `TrainingState`.
        update: the update that changes the state's arrays.
        schedule: epochs, updates per epoch, time limit, completed share of the run.
        samples: some translations of validation sources after the last interval; empty if none were translated.
        candidates: trainable weights besides those of the last update that validation may choose, by kind; see
            `history.WEIGHTS`.
        validation_seconds: time of the last validation, with the sample; None before the first one.
        dropped: whether the current interval will not count as finished.
        diverged: whether infinite or NaN gradients or losses ended the run.
        kept_interval: in `on_train_end`, the number of the interval after which the network had its weights; 0 if they
            are from within the first one.
        pending_signal: function that returns the number of the signal that this process received; 0 if none.
        signal: number of the signal that any of the processes which train together had received when the time was last
            counted; 0 if none.
    """

    def __init__(self, state: "TrainingState", update: "Update", schedule: "Schedule"):
        self.state = state
        self.update = update
        self.schedule = schedule
        self.samples: tuple[Sample, ...] = ()
        self.candidates: dict[str, list[np.ndarray]] = {}
        self.validation_seconds: float | None = None
        self.dropped = False
        self.diverged = False
        self.kept_interval = 0
        self.pending_signal: Callable[[], int] = int
        self.signal = 0
        self._group = current()
        self._counted = time.perf_counter()

    def stop(self, reason: str, *, drop: bool = False) -> None:
        """End the run after the current event.

        Args:
            reason: text for `state.stopped` and the translator's record. A later call replaces it.
            drop: leave the current interval unfinished, without validation. Otherwise it ends now, and so does its
                epoch, if it has at least one update. After its last update an interval always counts.
        """
        self.state.stopped = reason
        self.dropped = self.dropped or drop

    def count_time(self) -> None:
        """Add the time since the last call to `state.seconds`.

        Processes that train together agree on the time of the first one and on signals, so that all decide alike. Each
        must call this equally often.
        """
        now = time.perf_counter()
        self.state.seconds += now - self._counted
        self._counted = now
        agreed = self._group.gather([self.state.seconds, self.pending_signal()])
        self.state.seconds, self.signal = agreed[0][0], max(signal for _, signal in agreed)

    def begin_interval(self) -> None:
        """Count the time; an interval without updates begins now."""
        self.count_time()
        if not self.state.interval_updates:
            self.state.interval_began = self.state.seconds

    def interval_seconds(self) -> float:
        """Count the time and return the seconds since the current interval began."""
        self.count_time()
        return self.state.seconds - self.state.interval_began


class Callback:
    """Base class of callbacks. Its methods do nothing; override those that you need.

    A callback may read everything in `run.state`. It ends training with `run.stop("the reason")`. For example:

        class Log(Callback):
            def on_epoch_end(self, run):
                print(run.state.history[-1])

        passerelle.train(pairs, callbacks=[Log()])

    **Order.** At each event the callbacks of the package are called first, then those passed to `train`, in their
    order, and finally the one that handles Ctrl-C. Results do not depend on the order: callbacks write them in
    `on_validate` and read them in `on_validation_end`. So in every `on_validation_end`, `run.state.history[-1]`
    contains the training results since the validation before and those of this validation, and `run.samples` has
    translations. For callbacks passed to `train`, `run.state.best` then includes them. By default each epoch is
    validated, and `on_epoch_end` follows `on_validation_end`; with `training.validate_every`, validations do not
    depend on epochs.

    After an exception in a callback no further event follows.

    Example:
        >>> class StopEarly(passerelle.Callback):
        ...     def on_epoch_end(self, run):
        ...         if run.state.history[-1].loss < 3:
        ...             run.stop("the loss is below 3")
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(pairs, level="word", callbacks=[StopEarly()])
        >>> translator.record["stopped"]
        'the loss is below 3'
    """

    def on_train_begin(self, run: Run) -> None:
        """Called when the state is ready, before the first update in this process."""

    def on_epoch_begin(self, run: Run) -> None:
        """Called before the updates of epoch `run.state.epoch`.

        A run that continues within an epoch also begins with this event; `run.state.position` is then above 0.
        """

    def on_update_end(self, run: Run) -> None:
        """Called after each update; `run.state.position` is its number in the epoch.

        The device may still be computing it. Reading the state's arrays or `run.state.means()` waits for the result.
        """

    def on_validate(self, run: Run) -> None:
        """Called after the last update of an interval, when the network has its weights.

        Callbacks that evaluate the weights add their results to `run.state.history[-1]`. If a callback drops the
        interval, later callbacks are not called for this event, and the interval is removed from the history.
        """

    def on_validation_end(self, run: Run) -> None:
        """Called when interval `run.state.history[-1]` is finished and validated.

        At the end of an epoch, `run.state.epoch` is already the next one.
        """

    def on_epoch_end(self, run: Run) -> None:
        """Called when an epoch is finished; `run.state.epoch` is the next one.

        If the epoch's end is validated, the event follows `on_validation_end`.
        """

    def on_train_end(self, run: Run) -> None:
        """Called last. `run.state.stopped` is the reason for the end, or empty if no callback ended the run.

        For callbacks passed to `train`, the network has its final weights.
        """


def require_callbacks(callbacks: object) -> None:
    """Raise SettingsError if an argument is no list of callbacks."""
    if not isinstance(callbacks, Iterable) or not all(isinstance(each, Callback) for each in callbacks):
        raise SettingsError(f"callbacks must be a list of passerelle.Callback objects, received: {callbacks!r:.80}")
