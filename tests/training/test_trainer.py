"""Epochs: what is reported, what is kept, when it ends."""

import dataclasses
import itertools
import math
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from passerelle.errors import SettingsError
from passerelle.settings import TrainingSettings
from passerelle.training import schedule, trainer
from passerelle.training.callbacks import callback, progress, validation
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.progress import Progress, ProgressReport
from passerelle.training.history import Epoch
from passerelle.training.trainer import fit

SLOW = 1e-12
"""A learning rate that moves nothing: what is measured while training is what can be computed after it."""


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is reported after each update."""
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0.0)


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 2, "optimizer": "sgd", "learning_rate": 0.1} | changes)


def copies(network: Any) -> list[np.ndarray]:
    return [array.copy() for array in network.get_weights()]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("pairs", [12, 14, 3])
def test_means_are_over_all_tokens_whatever_the_batches(
    pairs: int, make_small_network: Any, make_batches: Any, mean_loss: Any
) -> None:
    """12 pairs fill three batches of 4; 14 leave a half empty one; 3 make a smaller batch."""
    network = make_small_network()
    training, validation = make_batches(pairs, 4), make_batches(pairs, 4, seed=None, data=1)
    history = fit(network, training, validation, settings(epochs=1, learning_rate=SLOW))
    (epoch,) = history.epochs
    loss, accuracy = mean_loss(network, training)
    np.testing.assert_allclose((epoch.loss, epoch.accuracy), (loss, accuracy), rtol=1e-5)
    loss, accuracy = mean_loss(network, validation)
    np.testing.assert_allclose((epoch.validation_loss, epoch.validation_accuracy), (loss, accuracy), rtol=1e-5)


def test_unknown_tokens_without_a_column_count_for_nothing(
    make_small_network: Any, make_batches: Any, mean_loss: Any
) -> None:
    network = make_small_network(columns=5, first=2)
    validation = make_batches(6, 4, seed=None, data=1)
    validation.targets["target"].values[::5] = 1
    history = fit(network, make_batches(6, 4), validation, settings(epochs=1))
    np.testing.assert_allclose(history.epochs[0].validation_loss, mean_loss(network, validation)[0], rtol=1e-5)


def test_it_learns_and_reports(make_small_network: Any, make_batches: Any, often: None) -> None:
    network = make_small_network()
    progress: list[ProgressReport] = []
    epochs: list[Epoch] = []
    history = fit(
        network,
        make_batches(14, 4),
        None,
        settings(epochs=3),
        callbacks=[Progress(progress.append), AtEpochEnd(epochs.append)],
    )
    assert history.epochs == tuple(epochs)
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
    epoch = Epoch(1, 1.0, 0.5, None, None, 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        epoch.loss = 2.0  # pyright: ignore[reportAttributeAccessIssue]


class AtEpochEnd(Callback):
    """Calls a function with the results of each epoch."""

    def __init__(self, act: Callable[[Epoch], None]):
        self.act = act

    def on_epoch_end(self, run: Run) -> None:
        self.act(run.state.history[-1])


def recorder(network: Any, seen: list[list[np.ndarray]]) -> Callback:
    """Remembers the weights of each epoch."""

    def record(epoch: Epoch) -> None:
        assert len(seen) == epoch.number - 1
        seen.append(copies(network))

    return AtEpochEnd(record)


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes validation say what a test wants to hear, epoch after epoch."""

    def validate(*losses: float) -> None:
        answers = iter(losses)
        monkeypatch.setattr(validation, "make_validate", lambda network: lambda batches: (next(answers), 0.5))

    return validate


@pytest.mark.parametrize(("keep", "kept"), [("best", 2), ("last", 4)])
def test_which_weights_are_kept(
    keep: str, kept: int, make_small_network: Any, make_batches: Any, validated: Any
) -> None:
    validated(3.0, 1.0, 2.0, 1.0)  # the first of equals is the best
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None), settings(epochs=4, keep=keep),
        callbacks=[recorder(network, seen)],
    )  # fmt: skip
    assert history.kept_epoch == kept
    assert [same(copies(network), weights) for weights in seen] == [n == kept for n in (1, 2, 3, 4)]
    assert [epoch.validation_loss for epoch in history.epochs] == [3.0, 1.0, 2.0, 1.0]


def test_without_validation_the_training_loss_judges(make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(8, 4), None, settings(epochs=3, learning_rate=3.0),
        callbacks=[recorder(network, seen)],
    )  # fmt: skip
    assert history.kept_epoch == 1 + int(np.argmin([epoch.loss for epoch in history.epochs]))
    assert same(copies(network), seen[history.kept_epoch - 1])


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
    patience: int, losses: list[float], ended: int, make_small_network: Any, make_batches: Any, validated: Any
) -> None:
    validated(*losses)
    history = fit(
        make_small_network(), make_batches(4, 4), make_batches(4, 4, seed=None),
        settings(epochs=len(losses), patience=patience),
    )  # fmt: skip
    assert len(history.epochs) == ended
    early = f"no better validation loss for {patience} epoch{'s' if patience > 1 else ''}"
    assert history.stopped == (early if ended < len(losses) or patience == 2 else "")
    assert history.kept_epoch == 1 + int(np.nanargmin(losses[:ended]))
    assert not history.interrupted


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_after_an_epoch(keep: str, make_small_network: Any, make_batches: Any, validated: Any) -> None:
    validated(1.0, 2.0, 0.5)
    network = make_small_network()
    seen: list[list[np.ndarray]] = []

    def on_epoch(epoch: Epoch) -> None:
        seen.append(copies(network))
        if epoch.number == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None), settings(epochs=3, keep=keep),
        callbacks=[AtEpochEnd(on_epoch)],
    )  # fmt: skip
    assert history.interrupted
    assert len(history.epochs) == 2
    assert history.kept_epoch == (1 if keep == "best" else 2)
    assert same(copies(network), seen[history.kept_epoch - 1])
    assert signal.getsignal(signal.SIGINT) is before


class Interrupting(Callback):
    """Ctrl-C after one update of one epoch."""

    def __init__(self, epoch: int, done: int):
        self.place = epoch, done

    def on_update_end(self, run: Run) -> None:
        if (run.state.epoch, run.state.position) == self.place:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_within_a_later_epoch(keep: str, make_small_network: Any, make_batches: Any, often: None) -> None:
    """`kept` names the epoch whose weights the network holds, and tells the truth."""
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(
        network, make_batches(12, 4), make_batches(4, 4, seed=None), settings(epochs=5, keep=keep),
        callbacks=[Interrupting(epoch=3, done=1), recorder(network, seen)],
    )  # fmt: skip
    assert history.interrupted
    assert len(history.epochs) == len(seen) == 2
    assert history.kept_epoch in (1, 2)
    assert same(copies(network), seen[history.kept_epoch - 1])


def test_interrupted_with_the_last_update_of_an_epoch(make_small_network: Any, make_batches: Any, often: None) -> None:
    """The epoch is whole, so it is examined and counts."""
    history = fit(
        make_small_network(), make_batches(12, 4), make_batches(4, 4, seed=None), settings(epochs=5),
        callbacks=[Interrupting(epoch=2, done=3)],
    )  # fmt: skip
    assert history.interrupted
    assert [epoch.number for epoch in history.epochs] == [1, 2]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_interrupted_within_the_first_epoch(keep: str, make_small_network: Any, make_batches: Any, often: None) -> None:
    network = make_small_network()
    before = copies(network)
    history = fit(
        network, make_batches(12, 4), None, settings(epochs=5, keep=keep),
        callbacks=[Interrupting(epoch=1, done=2)],
    )  # fmt: skip
    assert (history.interrupted, history.diverged, history.epochs, history.kept_epoch) == (True, False, (), 0)
    assert not same(copies(network), before), "what two updates won is not thrown away"


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the loss infinite from some epoch on."""

    def diverge(epoch: int) -> None:
        original = trainer.make_update

        def make_update(*arguments: Any, **options: Any) -> Any:
            update = original(*arguments, **options)

            class Diverging:
                begin, assign, end = update.begin, update.assign, update.end

                def __call__(self, state: Any, batch: Any, right: Any = None, **options: Any) -> None:
                    update(state, batch)
                    if state.epoch >= epoch:
                        state.sums = np.array([math.inf, 1, 1])

            return Diverging()

        monkeypatch.setattr(trainer, "make_update", make_update)

    return diverge


def test_divergence_at_once_is_an_error(make_small_network: Any, make_batches: Any, diverging: Any) -> None:
    diverging(1)
    message = r"training diverged: the loss of epoch 1 is inf\. Lower training\.learning_rate \(now 0\.1\)"
    with pytest.raises(SettingsError, match=message):
        fit(make_small_network(), make_batches(8, 4), None, settings())


@pytest.mark.parametrize("keep", ["best", "last"])
def test_divergence_later_keeps_the_best(keep: str, make_small_network: Any, make_batches: Any, diverging: Any) -> None:
    diverging(3)
    network = make_small_network()
    seen: list[list[np.ndarray]] = []
    history = fit(network, make_batches(8, 4), None, settings(epochs=5, keep=keep), callbacks=[recorder(network, seen)])
    assert (len(history.epochs), history.kept_epoch, history.interrupted, history.diverged) == (2, 2, False, True)
    assert same(copies(network), seen[1])


def test_an_error_in_a_callback_gives_ctrl_c_back(make_small_network: Any, make_batches: Any) -> None:
    before = signal.getsignal(signal.SIGINT)

    def fail(epoch: Epoch) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(make_small_network(), make_batches(4, 4), None, settings(), callbacks=[AtEpochEnd(fail)])
    assert signal.getsignal(signal.SIGINT) is before


def test_when_the_time_is_up_training_ends_amid_an_epoch(
    make_small_network: Any, make_batches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second a look at the clock; the last epoch counts as any other, and the learning rate fell to its end."""
    now = itertools.count()
    rates = []
    original = schedule.learning_rate
    monkeypatch.setattr(callback, "time", SimpleNamespace(perf_counter=lambda: float(next(now))))
    monkeypatch.setattr(schedule, "learning_rate", lambda *words: rates.append(original(*words)) or rates[-1])
    own = settings(epochs=100, minutes=10, schedule="cosine")
    history = fit(make_small_network(), make_batches(20, 2), make_batches(8, 4, data=1), own)
    assert 1 < len(history.epochs) < 100
    assert history.stopped == "time limit of 10 minutes"
    assert not history.interrupted
    assert all(epoch.validation_loss is not None for epoch in history.epochs)
    assert rates[0] < max(rates) == pytest.approx(0.1, rel=0.3)
    assert rates[-1] < 0.01
    assert len(rates) % 10, "amid an epoch"


def test_one_seed_one_course(make_small_network: Any, make_batches: Any) -> None:
    """The batches' seed is all that is random here."""
    runs = []
    for seed in (1, 1, 2):
        network = make_small_network()
        history = fit(network, make_batches(12, 4, seed=seed), None, settings())
        runs.append(([epoch.loss for epoch in history.epochs], copies(network)))
    assert runs[0][0] == runs[1][0]
    assert same(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]
    assert not same(runs[0][1], runs[2][1])
