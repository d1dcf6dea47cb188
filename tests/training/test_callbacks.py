"""Callbacks: which events come when, what they see, and how they end a run."""

from typing import Any

import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.callbacks.samples import Samples
from passerelle.training.history import Sample
from passerelle.training.trainer import fit

EVENTS = [name for name in vars(Callback) if name.startswith("on_")]


class Spy(Callback):
    """Remembers each event, with the epoch and the position."""

    def __init__(self, **actions: Any):
        self.seen: list[Any] = []
        self.actions = actions

    def _act(self, event: str, run: Run) -> None:
        self.seen.append((event, run.state.epoch, run.state.position))
        if event in self.actions:
            self.actions[event](run)

    def on_train_begin(self, run: Run) -> None:
        self._act("on_train_begin", run)

    def on_epoch_begin(self, run: Run) -> None:
        self._act("on_epoch_begin", run)

    def on_update_end(self, run: Run) -> None:
        self._act("on_update_end", run)

    def on_validate(self, run: Run) -> None:
        self._act("on_validate", run)

    def on_epoch_end(self, run: Run) -> None:
        self._act("on_epoch_end", run)

    def on_train_end(self, run: Run) -> None:
        self._act("on_train_end", run)


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 2, "optimizer": "sgd", "learning_rate": 0.1} | changes)


def test_a_spy_overrides_every_event() -> None:
    assert set(EVENTS) <= set(vars(Spy))


def test_each_event_in_order(make_small_network: Any, make_batches: Any) -> None:
    spy = Spy()
    fit(make_small_network(), make_batches(8, 4), None, settings(), callbacks=[spy])
    assert spy.seen == [
        ("on_train_begin", 1, 0),
        ("on_epoch_begin", 1, 0), ("on_update_end", 1, 1), ("on_update_end", 1, 2),
        ("on_validate", 1, 2), ("on_epoch_end", 2, 0),
        ("on_epoch_begin", 2, 0), ("on_update_end", 2, 1), ("on_update_end", 2, 2),
        ("on_validate", 2, 2), ("on_epoch_end", 3, 0),
        ("on_train_end", 3, 0),
    ]  # fmt: skip


def test_results_are_complete_at_the_end_of_an_epoch_whatever_the_order(
    make_small_network: Any, make_batches: Any
) -> None:
    network = make_small_network()
    found: list[Any] = []

    def read(run: Run) -> None:
        epoch = run.state.history[-1]
        found.append((epoch.validation_loss, run.sample, run.state.best.epoch, epoch.number))
        if epoch.number == run.state.best.epoch:
            for left, right in zip(run.state.best.weights, network.get_weights(), strict=True):
                np.testing.assert_array_equal(left, right)

    samples = Samples([7, 5], lambda row: Sample("s", f"t{row}", "r"))
    callbacks = [Spy(on_epoch_end=read), samples]
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None, data=1), settings(epochs=3), callbacks=callbacks
    )
    assert [loss for loss, *_ in found] == [epoch.validation_loss for epoch in history.epochs]
    assert all(loss is not None for loss, *_ in found)
    assert [sample.translation for _, sample, *_ in found] == ["t7", "t5", "t7"]
    assert found[-1][2] == history.kept_epoch


def test_no_rows_no_sample(make_small_network: Any, make_batches: Any) -> None:
    found: list[Any] = []
    callbacks = [Samples([], lambda row: Sample("", "", "")), Spy(on_epoch_end=lambda run: found.append(run.sample))]
    fit(make_small_network(), make_batches(8, 4), None, settings(), callbacks=callbacks)
    assert found == [None, None]


@pytest.mark.parametrize(
    ("event", "drop", "epochs", "updates"),
    [
        ("on_train_begin", False, 0, 0),
        ("on_epoch_begin", False, 0, 0),
        ("on_update_end", False, 1, 1),
        ("on_update_end", True, 0, 1),
        ("on_validate", False, 1, 2),
        ("on_validate", True, 0, 2),
        ("on_epoch_end", False, 1, 2),
        ("on_epoch_end", True, 1, 2),
    ],
)
def test_a_callback_ends_the_run(
    event: str, drop: bool, epochs: int, updates: int, make_small_network: Any, make_batches: Any
) -> None:
    spy = Spy(**{event: lambda run: run.stop("enough", drop_epoch=drop)})
    history = fit(make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[spy])
    seen = [name for name, *_ in spy.seen]
    assert (len(history.epochs), seen.count("on_update_end"), history.kept_epoch) == (epochs, updates, epochs)
    assert (history.stopped, history.interrupted, history.diverged) == ("enough", False, False)
    assert seen[-1] == "on_train_end"
    assert seen.count("on_epoch_end") == epochs


def test_setting_the_reason_ends_the_run_too(make_small_network: Any, make_batches: Any) -> None:
    spy = Spy(on_epoch_end=lambda run: setattr(run.state, "stopped", "for a reason"))
    history = fit(make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[spy])
    assert (len(history.epochs), history.stopped) == (1, "for a reason")


def test_after_the_last_update_an_epoch_counts_in_any_case(make_small_network: Any, make_batches: Any) -> None:
    def drop(run: Run) -> None:
        if run.state.position == 2:
            run.stop("enough", drop_epoch=True)

    history = fit(
        make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[Spy(on_update_end=drop)]
    )
    assert [epoch.number for epoch in history.epochs] == [1]


def test_the_network_holds_the_kept_weights_when_training_ends(make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    found: list[Any] = []
    spy = Spy(on_train_end=lambda run: found.append((run.kept_epoch, network.get_weights())))
    history = fit(network, make_batches(8, 4), None, settings(epochs=4, learning_rate=3.0), callbacks=[spy])
    ((kept, weights),) = found
    assert kept == history.kept_epoch
    for left, right in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
