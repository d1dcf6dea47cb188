"""Callbacks: the order of events, the results that they see, and how they end a run."""

from typing import Any

import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Sample, Translations
from passerelle.training.trainer import fit

EVENTS = [name for name in vars(Callback) if name.startswith("on_")]


class Spy(Callback):
    """Record each event with epoch and position, and run the action for it."""

    def __init__(self, **actions: Any):
        self.events: list[Any] = []
        self.actions = actions

    def _act(self, event: str, run: Run) -> None:
        self.events.append((event, run.state.epoch, run.state.position))
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

    def on_validation_end(self, run: Run) -> None:
        self._act("on_validation_end", run)

    def on_epoch_end(self, run: Run) -> None:
        self._act("on_epoch_end", run)

    def on_train_end(self, run: Run) -> None:
        self._act("on_train_end", run)


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 2, "optimizer": "sgd", "learning_rate": 0.1} | changes)


def test_spy_overrides_all_events() -> None:
    assert set(EVENTS) <= set(vars(Spy))


def test_order_of_events(make_small_network: Any, make_batches: Any) -> None:
    spy = Spy()
    fit(make_small_network(), make_batches(8, 4), None, settings(), callbacks=[spy])
    assert spy.events == [
        ("on_train_begin", 1, 0),
        ("on_epoch_begin", 1, 0), ("on_update_end", 1, 1), ("on_update_end", 1, 2),
        ("on_validate", 1, 2), ("on_validation_end", 2, 0), ("on_epoch_end", 2, 0),
        ("on_epoch_begin", 2, 0), ("on_update_end", 2, 1), ("on_update_end", 2, 2),
        ("on_validate", 2, 2), ("on_validation_end", 3, 0), ("on_epoch_end", 3, 0),
        ("on_train_end", 3, 0),
    ]  # fmt: skip


def test_order_of_events_with_validations_within_epochs(make_small_network: Any, make_batches: Any) -> None:
    spy = Spy()
    history = fit(
        make_small_network(), make_batches(12, 4), None, settings(validate_every=2, epochs=3), callbacks=[spy]
    )
    events = [each for each in spy.events if each[0] != "on_update_end"]
    assert events == [
        ("on_train_begin", 1, 0),
        ("on_epoch_begin", 1, 0), ("on_validate", 1, 2), ("on_validation_end", 1, 2), ("on_epoch_end", 2, 0),
        ("on_epoch_begin", 2, 0), ("on_validate", 2, 1), ("on_validation_end", 2, 1),
        ("on_validate", 2, 3), ("on_validation_end", 3, 0), ("on_epoch_end", 3, 0),
        ("on_epoch_begin", 3, 0), ("on_validate", 3, 2), ("on_validation_end", 3, 2),
        ("on_validate", 3, 3), ("on_validation_end", 4, 0), ("on_epoch_end", 4, 0),
        ("on_train_end", 4, 0),
    ]  # fmt: skip
    places = [(each.number, each.epoch, each.updates) for each in history.intervals]
    assert places == [(1, 1, 2), (2, 2, 4), (3, 2, 6), (4, 3, 8), (5, 3, 9)]


@pytest.mark.parametrize(
    ("event", "drop", "intervals", "updates"),
    [
        ("on_epoch_begin", False, 0, 0),
        ("on_update_end", False, 1, 1),
        ("on_update_end", True, 0, 1),
        ("on_validate", False, 1, 4),
        ("on_validate", True, 0, 4),
        ("on_validation_end", True, 1, 4),
        ("on_epoch_end", False, 1, 3),
        ("on_epoch_end", True, 0, 3),
    ],
)
def test_callback_stops_the_run_within_an_interval(
    event: str, drop: bool, intervals: int, updates: int, make_small_network: Any, make_batches: Any
) -> None:
    """Epochs have 3 updates, intervals 4. All updates that are not dropped are validated, once."""
    spy = Spy(**{event: lambda run: run.stop("enough", drop=drop)})
    history = fit(
        make_small_network(), make_batches(12, 4), None, settings(epochs=5, validate_every=4), callbacks=[spy]
    )
    events = [name for name, *_ in spy.events]
    assert (len(history.intervals), events.count("on_update_end"), history.stopped) == (intervals, updates, "enough")
    assert [each.updates for each in history.intervals] == [updates] * intervals
    assert history.kept_interval == intervals


def test_results_are_complete_in_on_epoch_end_in_any_order(make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    results: list[Any] = []

    def read(run: Run) -> None:
        epoch = run.state.history[-1]
        results.append((epoch.validation_loss, run.samples, run.state.best.interval, epoch.number))
        if epoch.number == run.state.best.interval:
            for left, right in zip(run.state.best.weights, network.get_weights(), strict=True):
                np.testing.assert_array_equal(left, right)

    samples = tuple(Sample("s", f"t{row}", "r") for row in range(3))
    history = fit(
        network, make_batches(8, 4), make_batches(4, 4, seed=None, data=1), settings(epochs=3),
        callbacks=[Spy(on_epoch_end=read)], translate=lambda: Translations(50.0, 25.0, samples),
    )  # fmt: skip
    assert [loss for loss, *_ in results] == [epoch.validation_loss for epoch in history.intervals]
    assert all(loss is not None for loss, *_ in results)
    assert [[sample.translation for sample in samples] for _, samples, *_ in results] == [
        ["t0", "t1"], ["t2", "t0"], ["t1", "t2"],
    ]  # fmt: skip
    assert {(epoch.chrf, epoch.exact_match) for epoch in history.intervals} == {(50.0, 25.0)}
    assert results[-1][2] == history.kept_epoch


def test_without_translations_there_are_no_samples(make_small_network: Any, make_batches: Any) -> None:
    samples: list[Any] = []
    spy = Spy(on_epoch_end=lambda run: samples.append(run.samples))
    history = fit(make_small_network(), make_batches(8, 4), make_batches(4, 4), settings(), callbacks=[spy])
    assert samples == [(), ()]
    assert history.intervals[-1].chrf is history.intervals[-1].exact_match is None


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
def test_callback_stops_the_run(
    event: str, drop: bool, epochs: int, updates: int, make_small_network: Any, make_batches: Any
) -> None:
    spy = Spy(**{event: lambda run: run.stop("enough", drop=drop)})
    history = fit(make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[spy])
    events = [name for name, *_ in spy.events]
    assert (len(history.intervals), events.count("on_update_end"), history.kept_epoch) == (epochs, updates, epochs)
    assert (history.stopped, history.interrupted, history.diverged) == ("enough", False, False)
    assert events[-1] == "on_train_end"
    assert events.count("on_epoch_end") == epochs


def test_setting_state_stopped_stops_the_run(make_small_network: Any, make_batches: Any) -> None:
    spy = Spy(on_epoch_end=lambda run: setattr(run.state, "stopped", "for a reason"))
    history = fit(make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[spy])
    assert (len(history.intervals), history.stopped) == (1, "for a reason")


def test_epoch_counts_if_dropped_after_its_last_update(make_small_network: Any, make_batches: Any) -> None:
    def drop(run: Run) -> None:
        if run.state.position == 2:
            run.stop("enough", drop=True)

    history = fit(
        make_small_network(), make_batches(8, 4), None, settings(epochs=5), callbacks=[Spy(on_update_end=drop)]
    )
    assert [epoch.number for epoch in history.intervals] == [1]


def test_network_has_its_final_weights_in_on_train_end(make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    results: list[Any] = []
    spy = Spy(on_train_end=lambda run: results.append((run.kept_interval, network.get_weights())))
    history = fit(network, make_batches(8, 4), None, settings(epochs=4, learning_rate=3.0), callbacks=[spy])
    ((kept_epoch, weights),) = results
    assert kept_epoch == history.kept_epoch
    for left, right in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
