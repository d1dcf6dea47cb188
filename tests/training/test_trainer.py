"""Training epochs: reported results, the weights after training, and the end of training."""

import dataclasses
import itertools
import math
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from networks import POISON
from passerelle.errors import SettingsError
from passerelle.settings import TrainingSettings
from passerelle.training import schedule, trainer
from passerelle.training.callbacks import callback, progress, validation
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.progress import Progress, ProgressReport
from passerelle.training.history import Interval, Sample, Translations
from passerelle.training.trainer import fit

TINY_RATE = 1e-12
"""A learning rate that does not change the weights, so that training results can be recomputed afterwards."""


@pytest.fixture
def report_each_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report the progress after each update."""
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0.0)


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 2, "optimizer": "sgd", "learning_rate": 0.1} | changes)


def weights_of(network: Any) -> list[np.ndarray]:
    return [array.copy() for array in network.get_weights()]


def equal(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("pairs", [12, 14, 3])
def test_means_are_over_all_tokens_for_any_batches(
    pairs: int, make_small_network: Any, make_batches: Any, mean_loss: Any
) -> None:
    """Three full batches of 4 pairs, a last batch of 2 pairs, and a single batch of 3 pairs."""
    network = make_small_network()
    training, validation = make_batches(pairs, 4), make_batches(pairs, 4, seed=None, data=1)
    history = fit(network, training, validation, settings(epochs=1, learning_rate=TINY_RATE))
    (epoch,) = history.intervals
    loss, accuracy = mean_loss(network, training)
    np.testing.assert_allclose((epoch.loss, epoch.accuracy), (loss, accuracy), rtol=1e-5)
    loss, accuracy = mean_loss(network, validation)
    np.testing.assert_allclose((epoch.validation_loss, epoch.validation_accuracy), (loss, accuracy), rtol=1e-5)


def test_unknown_tokens_without_a_column_are_ignored(
    make_small_network: Any, make_batches: Any, mean_loss: Any
) -> None:
    network = make_small_network(columns=5, first=2)
    validation = make_batches(6, 4, seed=None, data=1)
    validation.targets["target"].values[::5] = 1
    history = fit(network, make_batches(6, 4), validation, settings(epochs=1))
    np.testing.assert_allclose(history.intervals[0].validation_loss, mean_loss(network, validation)[0], rtol=1e-5)


def test_loss_decreases_and_progress_is_reported(
    make_small_network: Any, make_batches: Any, report_each_update: None
) -> None:
    network = make_small_network()
    progress: list[ProgressReport] = []
    epochs: list[Interval] = []
    history = fit(
        network,
        make_batches(14, 4),
        None,
        settings(epochs=3),
        callbacks=[Progress(progress.append), AtEpochEnd(epochs.append)],
    )
    assert history.intervals == tuple(epochs)
    assert [epoch.number for epoch in epochs] == [1, 2, 3]
    assert epochs[0].loss > epochs[1].loss > epochs[2].loss
    assert all(epoch.validation_loss is None and epoch.validation_accuracy is None for epoch in epochs)
    assert all(epoch.seconds > 0 for epoch in epochs)
    assert not history.interrupted
    assert history.stopped == ""
    assert [(p.epoch, p.done) for p in progress] == [(e, d) for e in (1, 2, 3) for d in (1, 2, 3, 4)]
    assert all((p.epochs, p.updates) == (3, 4) for p in progress)
    assert all(p.seconds_left is None or p.seconds_left >= 0 for p in progress)
    assert progress[-1].seconds_left == 0
    np.testing.assert_allclose([p.loss for p in progress[3::4]], [e.loss for e in epochs], rtol=1e-6)


def test_results_are_frozen() -> None:
    epoch = Interval(1, 1.0, 0.5, None, None, 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        epoch.loss = 2.0  # pyright: ignore[reportAttributeAccessIssue]


class AtEpochEnd(Callback):
    """Call a function with the results of each epoch."""

    def __init__(self, act: Callable[[Interval], None]):
        self.act = act

    def on_epoch_end(self, run: Run) -> None:
        self.act(run.state.history[-1])


def recorder(network: Any, recorded: list[list[np.ndarray]]) -> Callback:
    """Record the weights of each epoch."""

    def record(epoch: Interval) -> None:
        assert len(recorded) == epoch.number - 1
        recorded.append(weights_of(network))

    return AtEpochEnd(record)


@pytest.fixture
def fake_validation(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the validation losses of all epochs."""

    def set_losses(*losses: float) -> None:
        remaining = iter(losses)
        monkeypatch.setattr(validation, "make_validate", lambda *_: lambda batches: (next(remaining), 0.5))

    return set_losses


@pytest.mark.parametrize(("keep", "kept_epoch"), [("best", 2), ("last", 4)])
def test_keep_chooses_the_weights(
    keep: str, kept_epoch: int, make_small_network: Any, make_batches: Any, fake_validation: Any
) -> None:
    fake_validation(3.0, 1.0, 2.0, 1.0)  # of equal losses the first is the best
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None), settings(epochs=4, keep=keep),
        callbacks=[recorder(network, seen)],
    )  # fmt: skip
    assert history.kept_epoch == kept_epoch
    assert [equal(weights_of(network), weights) for weights in seen] == [n == kept_epoch for n in (1, 2, 3, 4)]
    assert [epoch.validation_loss for epoch in history.intervals] == [3.0, 1.0, 2.0, 1.0]


def test_without_validation_the_training_loss_chooses_the_best_epoch(
    make_small_network: Any, make_batches: Any
) -> None:
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(8, 4), None, settings(epochs=3, learning_rate=3.0),
        callbacks=[recorder(network, seen)],
    )  # fmt: skip
    assert history.kept_epoch == 1 + int(np.argmin([epoch.loss for epoch in history.intervals]))
    assert equal(weights_of(network), seen[history.kept_epoch - 1])


@pytest.mark.parametrize(
    ("patience", "losses", "ended"),
    [
        (0, [1.0, 2.0, 3.0, 4.0, 5.0], 5),
        (1, [2.0, 1.0, 1.0, 0.5, 0.4], 3),
        (2, [2.0, 1.0, 3.0, 0.9, 1.0, 1.0], 6),
        (2, [1.0, float("nan"), float("nan"), 0.5, 0.5], 3),
    ],
)
def test_patience(
    patience: int, losses: list[float], ended: int, make_small_network: Any, make_batches: Any, fake_validation: Any
) -> None:
    fake_validation(*losses)
    history = fit(
        make_small_network(), make_batches(4, 4), make_batches(4, 4, seed=None),
        settings(epochs=len(losses), patience=patience),
    )  # fmt: skip
    assert len(history.intervals) == ended
    early = f"no better validation loss for {patience} epoch{'s' if patience > 1 else ''}"
    assert history.stopped == (early if ended < len(losses) or patience == 2 else "")
    assert history.kept_epoch == 1 + int(np.nanargmin(losses[:ended]))
    assert not history.interrupted


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_after_an_epoch(
    keep: str, make_small_network: Any, make_batches: Any, fake_validation: Any
) -> None:
    fake_validation(1.0, 2.0, 0.5)
    network = make_small_network()
    seen: list[list[np.ndarray]] = []

    def on_epoch(epoch: Interval) -> None:
        seen.append(weights_of(network))
        if epoch.number == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None), settings(epochs=3, keep=keep),
        callbacks=[AtEpochEnd(on_epoch)],
    )  # fmt: skip
    assert history.interrupted
    assert len(history.intervals) == 2
    assert history.kept_epoch == (1 if keep == "best" else 2)
    assert equal(weights_of(network), seen[history.kept_epoch - 1])
    assert signal.getsignal(signal.SIGINT) is before


class Interrupting(Callback):
    """Raise Ctrl-C after one update of one epoch."""

    def __init__(self, epoch: int, done: int):
        self.interrupt_at = epoch, done

    def on_update_end(self, run: Run) -> None:
        if (run.state.epoch, run.state.position) == self.interrupt_at:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_within_a_later_epoch(
    keep: str, make_small_network: Any, make_batches: Any, report_each_update: None
) -> None:
    """`kept_epoch` is the epoch whose weights the network has."""
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(12, 4), make_batches(4, 4, seed=None), settings(epochs=5, keep=keep),
        callbacks=[Interrupting(epoch=3, done=1), recorder(network, seen)],
    )  # fmt: skip
    assert history.interrupted
    assert len(history.intervals) == len(seen) == 2
    assert history.kept_epoch in (1, 2)
    assert equal(weights_of(network), seen[history.kept_epoch - 1])


def test_interrupted_with_the_last_update_of_an_epoch(
    make_small_network: Any, make_batches: Any, report_each_update: None
) -> None:
    """The epoch is complete, so it is validated and counts."""
    history = fit(
        make_small_network(), make_batches(12, 4), make_batches(4, 4, seed=None), settings(epochs=5),
        callbacks=[Interrupting(epoch=2, done=3)],
    )  # fmt: skip
    assert history.interrupted
    assert [epoch.number for epoch in history.intervals] == [1, 2]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_within_the_first_epoch(
    keep: str, make_small_network: Any, make_batches: Any, report_each_update: None
) -> None:
    network = make_small_network()
    before = weights_of(network)
    history = fit(
        network, make_batches(12, 4), None, settings(epochs=5, keep=keep),
        callbacks=[Interrupting(epoch=1, done=2)],
    )  # fmt: skip
    assert (history.interrupted, history.diverged, history.intervals, history.kept_epoch) == (True, False, (), 0)
    assert not equal(weights_of(network), before), "the result of two updates is not discarded"


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the loss infinite from an epoch on."""

    def diverge(epoch: int) -> None:
        original = trainer.make_update

        def make_update(*arguments: Any, **options: Any) -> Any:
            update = original(*arguments, **options)

            class Diverging:
                begin, assign, end, share = update.begin, update.assign, update.end, update.share

                def __call__(self, state: Any, batch: Any, teacher_forced: Any = None, **options: Any) -> None:
                    update(state, batch)
                    if state.epoch >= epoch:
                        state.sums = np.array([math.inf, 1, 1])

            return Diverging()

        monkeypatch.setattr(trainer, "make_update", make_update)

    return diverge


def test_divergence_in_the_first_epoch_is_an_error(make_small_network: Any, make_batches: Any, diverging: Any) -> None:
    diverging(1)
    message = r"training diverged: the loss of epoch 1 is inf\. Lower training\.learning_rate \(now 0\.1\)"
    with pytest.raises(SettingsError, match=message):
        fit(make_small_network(), make_batches(8, 4), None, settings())


@pytest.mark.parametrize("keep", ["best", "last"])
def test_later_divergence_keeps_the_best_weights(
    keep: str, make_small_network: Any, make_batches: Any, diverging: Any
) -> None:
    diverging(3)
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(network, make_batches(8, 4), None, settings(epochs=5, keep=keep), callbacks=[recorder(network, seen)])
    assert (len(history.intervals), history.kept_epoch, history.interrupted, history.diverged) == (2, 2, False, True)
    assert equal(weights_of(network), seen[1])


def test_error_in_a_callback_restores_the_ctrl_c_handler(make_small_network: Any, make_batches: Any) -> None:
    before = signal.getsignal(signal.SIGINT)

    def fail(epoch: Interval) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(make_small_network(), make_batches(4, 4), None, settings(), callbacks=[AtEpochEnd(fail)])
    assert signal.getsignal(signal.SIGINT) is before


def test_time_limit_ends_training_within_an_epoch(
    make_small_network: Any, make_batches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock advances by a second per reading. The last epoch is validated, and the learning rate has decayed."""
    now = itertools.count()
    rates = []
    original = schedule.learning_rate
    monkeypatch.setattr(callback, "time", SimpleNamespace(perf_counter=lambda: float(next(now))))
    monkeypatch.setattr(schedule, "learning_rate", lambda *args: rates.append(original(*args)) or rates[-1])
    timed = settings(epochs=100, minutes=10, schedule="cosine")
    history = fit(make_small_network(), make_batches(22, 2), make_batches(8, 4, data=1), timed)
    assert 1 < len(history.intervals) < 100
    assert history.stopped == "time limit of 10 minutes"
    assert not history.interrupted
    assert all(epoch.validation_loss is not None for epoch in history.intervals)
    assert rates[0] < max(rates) == pytest.approx(0.1, rel=0.3)
    assert rates[-1] < 0.01
    assert len(rates) % 11, "training ends within an epoch"


class Clock:
    """A clock that advances by a second per reading, so by a second per update; `now` is its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.now = 0.0
        monkeypatch.setattr(callback, "time", SimpleNamespace(perf_counter=self.read))

    def read(self) -> float:
        self.now += 1.0
        return self.now


class SlowValidation(Callback):
    """Advances the clock in each validation."""

    def __init__(self, clock: Clock, seconds: float):
        self.clock, self.seconds = clock, seconds

    def on_validate(self, run: Run) -> None:
        self.clock.now += self.seconds


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.0), (30.0, 60.0)])
@pytest.mark.parametrize("slow", [0.0, 20.0])
def test_training_without_epochs_takes_all_the_minutes(
    before: float, after: float, slow: float, make_small_network: Any, make_batches: Any, monkeypatch: Any
) -> None:
    """Validation, the time before the run and the time reserved for the work after it are counted."""
    clock = Clock(monkeypatch)
    rates: list[float] = []
    original = schedule.learning_rate
    monkeypatch.setattr(schedule, "learning_rate", lambda *args: rates.append(original(*args)) or rates[-1])
    history = fit(
        make_small_network(),
        make_batches(20, 2),
        make_batches(8, 4, data=1),
        settings(epochs=None, minutes=10, schedule="cosine"),
        callbacks=[SlowValidation(clock, slow)],
        before=before,
        after=after,
    )
    assert history.stopped == "time limit of 10 minutes"
    assert len(history.intervals) > 10
    assert 0.97 * 600 < before + clock.now + after < 1.01 * 600
    assert max(rates) == pytest.approx(0.1, rel=0.2)
    assert rates[-1] < 0.003, "the learning rate decays over the time"
    assert rates[:10] == [pytest.approx(0.1 * done / 10) for done in range(10)], "the warmup takes an epoch"


def test_the_remaining_time_follows_the_minutes(
    make_small_network: Any, make_batches: Any, monkeypatch: Any, report_each_update: None
) -> None:
    clock = Clock(monkeypatch)
    reports: list[tuple[float, ProgressReport]] = []
    shown = Progress(lambda report: reports.append((clock.now, report)))
    timed = settings(epochs=None, minutes=5)
    fit(make_small_network(), make_batches(20, 2), None, timed, callbacks=[shown], before=10.0, after=30.0)
    assert all(report.epochs is None for _, report in reports)
    assert all(report.seconds_left == pytest.approx(290 - now, abs=3) for now, report in reports)


def test_explicit_epochs_end_training_before_the_minutes(
    make_small_network: Any, make_batches: Any, monkeypatch: Any
) -> None:
    Clock(monkeypatch)
    history = fit(make_small_network(), make_batches(20, 2), None, settings(epochs=3, minutes=10))
    assert (len(history.intervals), history.stopped) == (3, "")


def test_the_first_validation_is_expected_before_it_is_measured(
    make_small_network: Any, make_batches: Any, monkeypatch: Any
) -> None:
    """An epoch takes longer than the time limit."""
    clock = Clock(monkeypatch)
    timed = settings(epochs=None, minutes=5)
    training, validation = make_batches(1000, 2), make_batches(8, 4, data=1)
    history = fit(make_small_network(), training, validation, timed, callbacks=[SlowValidation(clock, 8.0)])
    assert len(history.intervals) == 1
    assert 290 < clock.now < 305


def test_training_depends_only_on_the_seed(make_small_network: Any, make_batches: Any) -> None:
    """In this network only the batch order is random."""
    runs = []
    for seed in (1, 1, 2):
        network = make_small_network()
        history = fit(network, make_batches(12, 4, seed=seed), None, settings())
        runs.append(([epoch.loss for epoch in history.intervals], weights_of(network)))
    assert runs[0][0] == runs[1][0]
    assert equal(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]
    assert not equal(runs[0][1], runs[2][1])


class Poisoning(Callback):
    """Make all gradients of an epoch infinite or NaN, from one of its updates on."""

    def __init__(self, epoch: int, position: int = 0):
        self.place = epoch, position

    def on_epoch_begin(self, run: Run) -> None:
        self.on_update_end(run)

    def on_update_end(self, run: Run) -> None:
        if (run.state.epoch, run.state.position) == self.place:
            run.state.trainable = [np.full(array.shape, np.nan, np.float32) for array in run.state.trainable]


@pytest.mark.parametrize(
    ("pairs", "position", "reason"),
    [
        (8, 0, "the gradients of 2 of 2 updates of epoch 3 are not finite"),
        (400, 5, "the gradients of 20 updates in a row are not finite (epoch 3)"),
        (100, 3, "the gradients of 20 updates in a row are not finite (epoch 3)"),
    ],
)
def test_skipped_updates_end_training_with_the_best_weights(
    pairs: int, position: int, reason: str, make_small_network: Any, make_batches: Any
) -> None:
    """In epochs of 2, 100 and 25 updates."""
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    callbacks = [Poisoning(3, position), recorder(network, seen)]
    history = fit(network, make_batches(pairs, 4), None, settings(epochs=5), callbacks=callbacks)
    assert (history.stopped, history.diverged, history.interrupted) == (reason, True, False)
    assert len(history.intervals) == 2
    assert equal(weights_of(network), seen[history.kept_epoch - 1])


def test_skipped_updates_in_the_first_epoch_are_an_error(make_small_network: Any, make_batches: Any) -> None:
    message = r"training diverged: the gradients of 2 of 2 updates of epoch 1 are not finite\. Lower training\.learning"
    with pytest.raises(SettingsError, match=message):
        fit(make_small_network(), make_batches(8, 4), None, settings(), callbacks=[Poisoning(1)])


def test_a_few_skipped_updates_are_counted(make_small_network: Any, make_batches: Any) -> None:
    batches = make_batches(20, 4)
    batches.source.values[batches.source.offsets[3]] = POISON
    history = fit(make_small_network(), batches, make_batches(8, 4), settings(epochs=3))
    assert [epoch.skipped for epoch in history.intervals] == [1, 1, 1]
    assert all(math.isfinite(epoch.loss) for epoch in history.intervals)
    assert not history.diverged


def test_accumulation_equals_larger_batches(make_small_network: Any, make_batches: Any) -> None:
    """Also if the last update of an epoch has fewer batches."""
    results = []
    for size, accumulation in ((12, 1), (4, 3)):
        network = make_small_network()
        batches = make_batches(28, size, seed=None)  # one bucket, so the rows have the same order
        chosen = settings(epochs=3, accumulation=accumulation, optimizer="adam", clip=0.5)
        history = fit(network, batches, make_batches(8, 4, data=1), chosen)
        results.append((weights_of(network), [epoch.validation_loss for epoch in history.intervals]))
    for left, right in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5)


@pytest.mark.parametrize(("metric", "kept", "name"), [("chrf", 2, "chrF"), ("exact", 1, "exact match")])
def test_the_metric_decides(
    metric: str, kept: int, name: str, make_small_network: Any, make_batches: Any, fake_validation: Any
) -> None:
    """The loss becomes better in each epoch, chrF until the second and exact match only in the first."""
    fake_validation(4.0, 3.0, 2.0, 1.0)
    scores = iter([(20.0, 9.0), (30.0, 8.0), (29.0, 9.0), (30.0, 9.0)])
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None), settings(epochs=4, metric=metric, patience=2),
        callbacks=[recorder(network, seen)],
        translate=lambda: Translations(*next(scores), (Sample("s", "t", "r"),)),
    )  # fmt: skip
    assert history.kept_epoch == kept
    assert len(history.intervals) == kept + 2
    assert history.stopped == f"no better validation {name} for 2 epochs"
    assert equal(weights_of(network), seen[kept - 1])


@pytest.mark.parametrize("validated", [False, True])
def test_a_metric_without_translations_is_an_error(validated: bool, make_small_network: Any, make_batches: Any) -> None:
    validation = make_batches(4, 4) if validated else None
    with pytest.raises(SettingsError, match=r"training\.metric 'chrf' requires validation pairs .* to 'loss'"):
        fit(make_small_network(), make_batches(8, 4), validation, settings(metric="chrf"))


def test_plateau_reduces_the_learning_rate(make_small_network: Any, make_batches: Any, fake_validation: Any) -> None:
    fake_validation(3.0, 2.0, 2.0, 2.5, 1.0, 1.0)
    rates: list[float] = []

    class Rates(Callback):
        def on_epoch_begin(self, run: Run) -> None:
            rates.append(run.schedule.rate(run.state))

    chosen = settings(epochs=6, schedule="plateau", plateau_patience=1, plateau_factor=0.5)
    fit(make_small_network(), make_batches(8, 4), make_batches(4, 4), chosen, callbacks=[Rates()])
    assert rates == [0.1, 0.1, 0.1, 0.05, 0.025, 0.025]
