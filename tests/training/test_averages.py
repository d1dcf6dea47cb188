"""Averages of the weights: their values, the choice by validation, and no effect on training itself."""

from typing import Any

import keras
import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training import trainer
from passerelle.training.callbacks import validation
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.trainer import fit
from passerelle.training.update import CompiledUpdate, PortableUpdate


class Recorder(Callback):
    """Record the weights after each update and, after each epoch, the candidates and the network's weights."""

    def __init__(self, network: Any):
        self.network = network
        self.updates: list[list[np.ndarray]] = []
        self.epochs: list[list[np.ndarray]] = []
        self.candidates: list[dict[str, list[np.ndarray]]] = []
        self.kept: list[list[np.ndarray]] = []

    def on_update_end(self, run: Run) -> None:
        self.updates.append([np.array(array) for array in run.state.trainable])

    def on_validate(self, run: Run) -> None:
        self.epochs.append([np.array(array) for array in run.state.trainable])
        self.candidates.append({kind: [np.array(array) for array in w] for kind, w in run.candidates.items()})

    def on_epoch_end(self, run: Run) -> None:
        self.kept.append(self.network.get_weights())


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 4, "optimizer": "adam", "learning_rate": 0.3} | changes)


def assert_close(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.fixture(params=[CompiledUpdate, PortableUpdate])
def kind(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param is CompiledUpdate and keras.backend.backend() != "jax":
        pytest.skip("needs JAX")
    monkeypatch.setattr(
        trainer,
        "make_update",
        lambda network, optimizer, **options: request.param(network, optimizer, **options),
    )
    return request.param


def test_values_of_the_averages(kind: Any, make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    recorder = Recorder(network)
    batches = make_batches(14, 4), make_batches(6, 4, seed=None, data=1)
    fit(network, *batches, settings(ema=0.7, average=3), callbacks=[recorder])
    moving = recorder.updates[0]
    for done, weights in enumerate(recorder.updates, start=1):
        moving = [0.7 * a + 0.3 * w for a, w in zip(moving, weights, strict=True)]
        if done % 4 == 0:
            assert_close(recorder.candidates[done // 4 - 1]["ema"], moving)
    for number, candidates in enumerate(recorder.candidates, start=1):
        last = recorder.epochs[max(0, number - 3) : number]
        assert_close(candidates["average"], [np.mean(arrays, axis=0) for arrays in zip(*last, strict=True)])


def test_averages_do_not_change_training(kind: Any, make_small_network: Any, make_batches: Any) -> None:
    histories = []
    for changes in ({}, {"ema": 0.5, "average": 2}):
        batches = make_batches(14, 4), make_batches(6, 4, seed=None, data=1)
        histories.append(fit(make_small_network(), *batches, settings(**changes)))
    left, right = histories
    assert [epoch.loss for epoch in left.intervals] == [epoch.loss for epoch in right.intervals]
    for a, b in zip(left.intervals, right.intervals, strict=True):
        assert b.validation_loss <= a.validation_loss


def test_the_best_weights_by_validation_are_used(
    kind: Any, make_small_network: Any, make_batches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses of raw, moving average and average of three epochs; of equal ones, the first is used."""
    losses = iter([1.0, 2.0, 3.0, 3.0, 1.0, 2.0, 3.0, 2.0, 0.5, 9.0, 9.0, 9.0])
    monkeypatch.setattr(validation, "make_validate", lambda *_: lambda batches: (next(losses), 0.5))
    network = make_small_network()
    recorder = Recorder(network)
    batches = make_batches(14, 4), make_batches(6, 4, seed=None, data=1)
    history = fit(network, *batches, settings(ema=0.7, average=3), callbacks=[recorder])
    assert [epoch.weights for epoch in history.intervals] == ["raw", "ema", "average", "raw"]
    assert [epoch.validation_loss for epoch in history.intervals] == [1.0, 1.0, 0.5, 9.0]
    assert history.kept_epoch == 3
    assert_close(recorder.kept[0], recorder.epochs[0])
    assert_close(recorder.kept[1], recorder.candidates[1]["ema"])
    assert_close(recorder.kept[2], recorder.candidates[2]["average"])
    assert_close(network.get_weights(), recorder.candidates[2]["average"])


@pytest.mark.parametrize(("changes", "weights"), [({"ema": 0.7}, "ema"), ({"ema": 0.7, "average": 2}, "average")])
def test_without_validation_an_average_is_used(
    changes: dict[str, Any], weights: str, make_small_network: Any, make_batches: Any
) -> None:
    network = make_small_network()
    recorder = Recorder(network)
    history = fit(network, make_batches(14, 4), None, settings(keep="last", **changes), callbacks=[recorder])
    assert {epoch.weights for epoch in history.intervals} == {weights}
    assert_close(network.get_weights(), recorder.candidates[-1][weights])


def test_frozen_rows_are_frozen_in_the_averages(kind: Any, make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    index = next(
        i
        for i, variable in enumerate(network.trainable_variables)
        if len(variable.shape) == 2 and variable.shape[0] > 1
    )
    variable = network.trainable_variables[index]
    before, rows = np.array(variable), np.arange(variable.shape[0]) % 2 == 0
    chosen = settings(optimizer="adamw", weight_decay=0.5, ema=0.9, average=2, keep="last", frozen_epochs=9)
    recorder = Recorder(network)
    fit(network, make_batches(14, 4), None, chosen, callbacks=[recorder], frozen={variable.path: rows})
    for weights in recorder.candidates[-1].values():
        np.testing.assert_allclose(weights[index][rows], before[rows], rtol=1e-6)
        assert (weights[index][~rows] != before[~rows]).any()
