"""Epochs over batches: update, validate, keep the best weights, report. Knows nothing of the network's inside."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.errors import SettingsError
from passerelle.models.compiled import compiled
from passerelle.settings import TrainingSettings
from passerelle.training.interruption import Interruption
from passerelle.training.loss import cross_entropy_sums
from passerelle.training.optimizer import learning_rate, make_optimizer
from passerelle.training.scheduled_sampling import right_tokens
from passerelle.training.update import make_update

__all__ = ["Epoch", "History", "Progress", "fit"]

REPORT_SECONDS = 0.25
"""Time between two reports within an epoch: reading the loss waits for the updates, so not after each."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training pairs came to. Losses are nats per token, padding not counted.

    Attributes:
        number: from 1.
        loss: mean over the epoch, while the weights changed.
        accuracy: share of tokens right, given the right ones before (teacher forcing).
        validation_loss: on the validation pairs, after the epoch; None where there are none.
        validation_accuracy: likewise.
        seconds: of the pass, validation left out.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Progress:
    """Where training is.

    Attributes:
        epoch: number of the running epoch, from 1.
        epochs: how many there will be at most.
        done: updates made in this epoch.
        updates: updates in each epoch.
        loss: mean so far in this epoch, nats per token.
        seconds_left: estimate until the last epoch ends; None before there is anything to go by.
    """

    epoch: int
    epochs: int
    done: int
    updates: int
    loss: float
    seconds_left: float | None


@dataclass(frozen=True)
class History:
    """What training came to.

    Attributes:
        epochs: all that ended.
        kept: number of the epoch whose weights the network holds now; 0 for weights from amidst the first epoch.
        interrupted: whether Ctrl-C ended it.
        diverged: whether a loss that is no number ended it.
    """

    epochs: tuple[Epoch, ...]
    kept: int
    interrupted: bool
    diverged: bool


def fit(
    network: Any,
    training: Batches,
    validation: Batches | None,
    settings: TrainingSettings,
    *,
    held: Mapping[str, np.ndarray] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> History:
    """Teaches a network.

    Args:
        network: takes `{"source_ids", "target_ids"}`, gives logits; `first_target` is the id of column 0.
        training: what it is taught.
        validation: what it is examined on after each epoch.
        settings: how.
        held: rows that stay as they are for `settings.frozen_epochs`: bool (rows,) by the variable's path.
        on_progress: called a few times a second.
        on_epoch: called after each epoch; the network's variables hold its weights then.

    Returns:
        The history; the network holds the weights that `settings.keep` names. Ctrl-C ends training early and
        keeps what was won.

    Raises:
        SettingsError: if the loss becomes infinite or no number before there are good weights to keep.
    """
    tokens = len(training.targets.ids) / len(training)
    update = make_update(network, make_optimizer(settings), tokens=tokens, smoothing=settings.label_smoothing)
    examine = _examiner(network)
    updates = settings.epochs * len(training)
    clock = _Clock(settings, len(training))
    best = _Best(network)
    random = np.random.default_rng((settings.seed, 2))
    epochs: list[Epoch] = []
    diverged = False
    with Interruption() as interruption:
        for number in range(1, settings.epochs + 1):
            if clock.over:
                break
            update.reset()
            if held and number in (1, settings.frozen_epochs + 1):
                update.hold(held if number <= settings.frozen_epochs else {})
            clock.start(number)
            whole = True
            for batch in training.epoch(number):
                if interruption.requested:
                    whole = False
                    break
                if clock.done and clock.over:
                    break
                right = right_tokens(settings, number - 1 + clock.share, batch.labels.shape, random)
                rate = learning_rate(settings, clock.share_of_all, clock.done_in_all, updates)
                update(batch, right, rate=rate)
                if clock.tick():
                    on_progress(clock.progress(_means(update.sums())[0]))
            loss, accuracy = _means(update.sums())
            seconds = clock.stop()
            if not whole:
                if number == 1:
                    update.sync()
                break
            diverged = not math.isfinite(loss)
            if diverged:
                break
            update.sync()
            examined = examine(validation) if validation else (None, None)
            epochs.append(Epoch(number, loss, accuracy, *examined, seconds))
            best.judge(epochs[-1])
            on_epoch(epochs[-1])
            if interruption.requested or (settings.patience and number - best.epoch >= settings.patience):
                break
    if diverged and not best.epoch:
        raise SettingsError(
            f"training diverged: the loss of epoch {len(epochs) + 1} is not a number. Lower the learning rate "
            f"(now {settings.learning_rate:g}) or set training.clip."
        )
    kept = best.restore() if best.epoch and (settings.keep == "best" or diverged) else len(epochs)
    return History(tuple(epochs), kept, interruption.requested, diverged)


def _means(sums: tuple[float, float, float]) -> tuple[float, float]:
    """Loss in nats per token, and accuracy."""
    loss, tokens, correct = sums
    return loss / max(tokens, 1.0), correct / max(tokens, 1.0)


class _Best:
    """The weights of the best epoch so far: by validation loss, or by the loss itself where nothing validates."""

    def __init__(self, network: Any):
        self._network = network
        self._loss = math.inf
        self._weights: Any = None
        self.epoch = 0

    def judge(self, epoch: Epoch) -> None:
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if loss < self._loss:
            self._loss, self._weights, self.epoch = loss, self._network.get_weights(), epoch.number

    def restore(self) -> int:
        """Gives the network these weights; returns the epoch's number."""
        self._network.set_weights(self._weights)
        return self.epoch


def _examiner(network: Any) -> Callable[[Batches], tuple[float, float]]:
    """Returns a function: batches -> (loss in nats per token, accuracy), teacher-forced."""

    def sums(inputs: Any, labels: Any) -> Any:
        return cross_entropy_sums(network(inputs), labels, first=network.first_target)

    program = compiled(sums, network.variables)

    def examine(batches: Batches) -> tuple[float, float]:
        rows = [program(batch.inputs, batch.labels) for batch in batches.epoch(0)]
        loss, tokens, correct = np.sum([[float(value) for value in row] for row in rows], axis=0).tolist()
        return _means((loss, tokens, correct))

    return examine


class _Clock:
    """Counts updates, says how much of the training is done, and guesses when the last will be made."""

    def __init__(self, settings: TrainingSettings, updates: int):
        self._epochs = settings.epochs
        self._updates = updates
        self._seconds = 60.0 * settings.minutes or math.inf
        self._number = 1
        self.done = 0
        self._begun = self._started = self._reported = time.perf_counter()
        self._last_seconds: float | None = None

    def start(self, number: int) -> None:
        self._number, self.done = number, 0
        self._started = self._reported = time.perf_counter()

    @property
    def done_in_all(self) -> int:
        """Updates made, those of earlier epochs too."""
        return (self._number - 1) * self._updates + self.done

    @property
    def share_of_all(self) -> float:
        """Part of the training that is done, by updates or by time, whichever is further."""
        updates = (self._number - 1 + self.share) / self._epochs
        return min(1.0, max(updates, (time.perf_counter() - self._begun) / self._seconds))

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() - self._begun >= self._seconds

    def tick(self) -> bool:
        """Counts one update; True where a report is due."""
        self.done += 1
        now = time.perf_counter()
        if now - self._reported < REPORT_SECONDS:
            return False
        self._reported = now
        return True

    def stop(self) -> float:
        self._last_seconds = time.perf_counter() - self._started
        return self._last_seconds

    @property
    def share(self) -> float:
        """Part of the epoch that is done."""
        return min(1.0, self.done / self._updates)

    def progress(self, loss: float) -> Progress:
        passed = time.perf_counter() - self._started
        share = self.share
        whole = self._last_seconds or (passed / share if share > 0.05 else None)
        left = None if whole is None else whole * (self._epochs - self._number + 1 - share)
        if self._seconds < math.inf:
            left = min(left or math.inf, self._seconds - (time.perf_counter() - self._begun))
        return Progress(self._number, self._epochs, self.done, self._updates, loss, left)
