"""The training loop: epochs of updates, and the events at which callbacks act."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from passerelle.data.batches import Batches
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Epoch
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
        current.begin_epoch()
        call("on_epoch_begin")
        if not _train_epoch(current, batches, call):
            break
        loss, accuracy = state.means()
        skipped = int(state.skipped[0])
        state.history.append(Epoch(state.epoch, loss, accuracy, None, None, current.epoch_seconds(), skipped=skipped))
        update.assign(state)
        began = state.seconds
        call("on_validate")
        if current.epoch_dropped:
            state.history.pop()
            break
        current.count_time()
        current.validation_seconds = state.seconds - began
        state.start_epoch(state.epoch + 1)
        call("on_epoch_end")
    update.end(state)
    call("on_train_end")
    return current


def _train_epoch(current: Run, batches: Batches, call: Callable[[str], None]) -> bool:
    """Make the remaining updates of the current epoch; return whether the epoch counts as finished."""
    state, schedule = current.state, current.schedule
    size = schedule.settings.accumulation
    remaining = batches.epoch(state.epoch, state.position * size)
    while group := list(islice(remaining, size)):
        if state.stopped:
            return state.position > 0 and not current.epoch_dropped
        rate = schedule.rate(state)
        for number, batch in enumerate(group, start=1):
            teacher_forced = schedule.teacher_forced_steps(state, batch.steps)
            current.update(state, batch, teacher_forced, rate=rate, complete=number == len(group))
        state.position += 1
        state.updates += 1
        current.count_time()
        call("on_update_end")
    current.epoch_dropped = False  # After its last update an epoch counts, even if a callback has just dropped it.
    return True


def _call(callbacks: Sequence[Callback], current: Run, event: str) -> None:
    for callback in callbacks:
        getattr(callback, event)(current)
        if event == "on_validate" and current.epoch_dropped:
            return
