"""The training loop: epochs of updates, intervals between validations, and the events at which callbacks act."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

import numpy as np

from passerelle.data.batches import Batches
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Interval
from passerelle.training.schedule import Schedule
from passerelle.training.state import TrainingState
from passerelle.training.update import Update

__all__ = ["run"]


def run(
    state: TrainingState, batches: Batches, update: Update, callbacks: Sequence[Callback], schedule: Schedule
) -> Run:
    """Train until the last epoch of the schedule ends or a callback stops the run.

    Args:
        state: training state, changed in place. Training continues from it, also from within an epoch.
        batches: training batches of each epoch.
        update: updates the state's arrays from one batch.
        callbacks: called in this order at each event; see `Callback`.
        schedule: learning rate and decoder inputs.

    Returns:
        The run in its final state.
    """
    state.stopped = ""
    update.begin(state)
    current = Run(state, update, schedule)
    call = partial(_call, callbacks, current)
    call("on_train_begin")
    while state.epoch <= schedule.epochs and not state.stopped:
        current.begin_interval()
        call("on_epoch_begin")
        if not _train_epoch(current, batches, call):
            break
        if state.interval_updates and (state.stopped or _is_complete(current, epoch_ended=True)):
            if not _end_interval(current, call, epoch_ended=True):
                break
        else:
            state.start_epoch(state.epoch + 1)
        call("on_epoch_end")
    if state.stopped and state.interval_updates and not current.dropped:  # by `on_epoch_end`, within an interval
        _end_interval(current, call, epoch_ended=False)
    update.end(state)
    call("on_train_end")
    return current


def _train_epoch(current: Run, batches: Batches, call: Callable[[str], None]) -> bool:
    """Make the remaining updates of the current epoch; return whether the epoch counts as finished."""
    state, schedule = current.state, current.schedule
    size = schedule.settings.accumulation
    remaining = batches.epoch(state.epoch, state.position * size)
    while group := list(islice(remaining, size)):
        if state.interval_updates and not state.stopped and _is_complete(current, epoch_ended=False):
            if not _end_interval(current, call, epoch_ended=False):
                return False
            current.begin_interval()
        if state.stopped:
            return state.interval_updates > 0 and not current.dropped
        rate = schedule.rate(state)
        for number, batch in enumerate(group, start=1):
            teacher_forced = schedule.teacher_forced_steps(state, batch.steps)
            current.update(state, batch, teacher_forced, rate=rate, complete=number == len(group))
        state.position += 1
        state.updates += 1
        state.interval_updates += 1
        current.count_time()
        call("on_update_end")
    if _is_complete(current, epoch_ended=True):
        current.dropped = False  # After its last update an interval counts, even if a callback has just dropped it.
    return not current.dropped


def _is_complete(current: Run, *, epoch_ended: bool) -> bool:
    """Return whether the current interval, which has updates, has all of them."""
    every = current.schedule.settings.validate_every
    if not every:
        return epoch_ended
    last = epoch_ended and current.state.epoch >= current.schedule.epochs
    return last or current.state.updates % every == 0


def _end_interval(current: Run, call: Callable[[str], None], *, epoch_ended: bool) -> bool:
    """Add the results of the current interval to the history, and validate; return whether the interval counts."""
    state = current.state
    loss, accuracy = state.means()
    skipped = int(np.asarray(state.skipped)[0])
    interval = Interval(
        len(state.history) + 1, loss, accuracy, None, None, current.interval_seconds(), skipped=skipped,
        epoch=state.epoch, updates=state.updates, tokens=state.tokens(),
    )  # fmt: skip
    state.history.append(interval)
    current.update.assign(state)
    began = state.seconds
    call("on_validate")
    if current.dropped:
        state.history.pop()
        return False
    current.count_time()
    current.validation_seconds = state.seconds - began
    state.start_interval()
    if epoch_ended:
        state.start_epoch(state.epoch + 1)
    call("on_validation_end")
    return True


def _call(callbacks: Sequence[Callback], current: Run, event: str) -> None:
    for callback in callbacks:
        getattr(callback, event)(current)
        if event == "on_validate" and current.dropped:
            return
