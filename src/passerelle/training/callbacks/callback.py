"""The base class of callbacks, and the run that they see. Loads neither Keras nor JAX."""

import time
from typing import TYPE_CHECKING

from passerelle.training.history import Sample

if TYPE_CHECKING:
    from passerelle.training.schedule import Schedule
    from passerelle.training.state import TrainingState
    from passerelle.training.update import Update

__all__ = ["Callback", "Run"]


class Run:
    """A run in progress, as callbacks see it.

    Attributes:
        state: everything that training knows; see `TrainingState`.
        update: the update that changes the state's arrays.
        schedule: epochs, updates in an epoch, the time limit, the share of the run that is done.
        sample: the translation that the callback `Samples` made after the last epoch; None without that callback.
        epoch_dropped: whether the running epoch ends without being finished.
        diverged: whether an infinite or undefined loss ended the run.
        kept: in `on_train_end`, the number of the epoch whose weights the network holds; 0 for weights from within the
            first epoch.
    """

    def __init__(self, state: "TrainingState", update: "Update", schedule: "Schedule"):
        self.state = state
        self.update = update
        self.schedule = schedule
        self.sample: Sample | None = None
        self.epoch_dropped = False
        self.diverged = False
        self.kept = 0
        self._counted = time.perf_counter()

    def stop(self, reason: str, *, drop_epoch: bool = False) -> None:
        """End the run after the current event.

        Args:
            reason: stored in `state.stopped` and in the translator's record; the last one given is kept.
            drop_epoch: leave the running epoch unfinished, without validation. Otherwise it counts as finished, from
                its first update on. After the last update of an epoch it counts in any case.
        """
        self.state.stopped = reason
        self.epoch_dropped = self.epoch_dropped or drop_epoch

    def count_time(self) -> None:
        """Add the time since the last call to `state.seconds`."""
        now = time.perf_counter()
        self.state.seconds += now - self._counted
        self._counted = now

    def begin_epoch(self) -> None:
        """Count the time; an epoch that no update was made in begins now."""
        self.count_time()
        if not self.state.position:
            self.state.epoch_began = self.state.seconds

    def epoch_seconds(self) -> float:
        """Count the time and return the seconds that the running epoch has taken."""
        self.count_time()
        return self.state.seconds - self.state.epoch_began


class Callback:
    """Acts on the events of a training run. Each method does nothing here; override those that you need.

    A callback may read everything in `run.state`, and ends training with `run.stop("the reason")`. For example:

        class Log(Callback):
            def on_epoch_end(self, run):
                print(run.state.history[-1])

        passerelle.train(pairs, callbacks=[Log()])

    **Order.** At each event the callbacks of the package act first, then those passed to `train`, in the order given,
    and at last the one that handles Ctrl-C. Results of an epoch do not depend on the order: they are written in
    `on_validate` and read in `on_epoch_end`, which comes after all of `on_validate`. So in `on_epoch_end` of every
    callback `run.state.history[-1]` holds the training and validation results of the epoch, and `run.sample` the
    sample. `run.state.best` includes this epoch in `on_epoch_end` of the callbacks passed to `train`.

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
        """The state is ready, no update was made yet in this process."""

    def on_epoch_begin(self, run: Run) -> None:
        """The updates of epoch `run.state.epoch` follow.

        A run that continues inside an epoch begins with this event too; `run.state.position` is then above 0.
        """

    def on_update_end(self, run: Run) -> None:
        """One update was made, number `run.state.position` of the epoch. It may still be computed on the device.

        Reading the state's arrays, or `run.state.means()`, waits for it.
        """

    def on_validate(self, run: Run) -> None:
        """All updates of an epoch were made; the network's variables hold its weights.

        Callbacks that measure the weights add their results to `run.state.history[-1]`. A callback that drops the
        epoch here ends this event for those after it, and the epoch leaves the history.
        """

    def on_epoch_end(self, run: Run) -> None:
        """The epoch `run.state.history[-1]` is finished and measured; `run.state.epoch` is the next one."""

    def on_train_end(self, run: Run) -> None:
        """The last event. `run.state.stopped` is the reason, or empty where no callback ended the run.

        In the callbacks passed to `train` the network holds the weights that are kept.
        """
