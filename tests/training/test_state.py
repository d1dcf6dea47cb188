"""The training state: a run that is saved after any update and restored continues exactly."""

import io
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import TrainingSettings, choose_settings
from passerelle.training import trainer
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import History, Interval, Sample, Translations
from passerelle.training.state import Best, TrainingState
from passerelle.training.trainer import fit
from passerelle.training.update import CompiledUpdate, PortableUpdate


class StopAfter(Callback):
    """End the run within an epoch and leave the epoch unfinished."""

    def __init__(self, epoch: int, position: int):
        self.stop_at = epoch, position

    def on_update_end(self, run: Run) -> None:
        if (run.state.epoch, run.state.position) == self.stop_at:
            run.stop("enough", drop=True)


class Snapshot(Callback):
    """Save the state in one event of one epoch."""

    def __init__(self, event: str, epoch: int):
        self.epoch = epoch
        self.saved: Any = None
        setattr(self, event, self.save)

    def save(self, run: Run) -> None:
        if len(run.state.history) == self.epoch and self.saved is None:
            self.saved = saved(run.state)


def saved(state: TrainingState) -> tuple[bytes, str]:
    """Return the state as an .npz file and JSON."""
    stream = io.BytesIO()
    np.savez(stream, **state.arrays())
    return stream.getvalue(), json.dumps(state.metadata(), allow_nan=False)


def restored(files: tuple[bytes, str]) -> TrainingState:
    return TrainingState.restore(np.load(io.BytesIO(files[0]), allow_pickle=False), json.loads(files[1]))


def without_times(history: History) -> History:
    return replace(history, intervals=tuple(replace(epoch, seconds=0.0) for epoch in history.intervals))


def assert_equal_arrays(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_equal_states(left: TrainingState, right: TrainingState) -> None:
    arrays, others = left.arrays(), right.arrays()
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert array.dtype == others[name].dtype
        np.testing.assert_array_equal(array, others[name], err_msg=name)
    timed = {"seconds", "interval_began", "history"}
    metadata = [{name: value for name, value in s.metadata().items() if name not in timed} for s in (left, right)]
    assert metadata[0] == metadata[1]


EVERYTHING: dict[str, Any] = {
    "ema": 0.8, "average": 2, "weight_decay": 0.01, "schedule": "plateau", "plateau_patience": 1, "warmup": 3,
    "metric": "chrf",
}  # fmt: skip


@pytest.mark.parametrize(
    ("epoch", "position", "more"),
    [
        (1, 1, {}), (2, 4, {}), (2, 1, EVERYTHING), (3, 2, EVERYTHING | {"schedule": "inverse_sqrt"}),
        (2, 2, EVERYTHING | {"accumulation": 2}), (3, 2, {"average": 3, "optimizer": "adamw", "keep": "last"}),
        (1, 5, EVERYTHING | {"validate_every": 2}), (2, 4, {"validate_every": 3, "average": 2, "keep": "last"}),
        (2, 1, EVERYTHING | {"validate_every": 6}), (1, 4, {"validate_every": 4}), (3, 4, {"validate_every": 7}),
        (1, 5, {"validate_every": 4}),
    ],
)  # fmt: skip
def test_resumed_run_equals_uninterrupted_run(epoch: int, position: int, more: dict[str, Any]) -> None:
    """All sources of randomness at once (batch order, dropout, scheduled sampling, copy masking), and a schedule."""
    pairs = [(f"{a}{b}", f"{b} {a}!") for a, b in itertools.product("abcdef", repeat=2)]
    side = {"embedding": 3, "units": 4}
    training = {
        "epochs": 3, "batch_size": 6, "decoder_inputs": "scheduled_sampling", "copy_masking": 0.5,
        "schedule": "cosine", "learning_rate": 0.05, "clip": 1.0,
    } | more  # fmt: skip
    network = {"attention": "general", "copying": True, "dropout": 0.3, "encoder": side, "decoder": side}
    prepared = prepare(pairs, choose_settings(settings={"network": network, "training": training}), validation=0.2)

    def run(state: TrainingState, *callbacks: Callback, other_weights: bool = False) -> tuple[History, Any]:
        new_network = build(prepared).network
        if other_weights:
            new_network.set_weights([array + 1 for array in new_network.get_weights()])
        batches = prepared.training_batches, prepared.validation_batches

        def translate() -> Translations:
            """Scores that depend only on the weights."""
            total = sum(float(np.abs(weight).sum()) for weight in new_network.get_weights() if weight.dtype == "f4")
            return Translations(total % 100.0, total % 10.0, (Sample("a", "b", "c"),))

        history = fit(
            new_network, *batches, prepared.settings.training, callbacks=callbacks, translate=translate, state=state
        )
        return history, new_network

    expected_state = TrainingState.from_seed(1)
    expected, expected_network = run(expected_state)
    state = TrainingState.from_seed(1)
    interrupted, _ = run(state, StopAfter(epoch, position))
    every = training.get("validate_every")
    finished = (state.updates - 1) // every if every else epoch - 1
    assert (interrupted.stopped, len(interrupted.intervals)) == ("enough", finished)
    assert (state.epoch, state.position) == (epoch, position)
    state = restored(saved(state))
    resumed, resumed_network = run(state, other_weights=True)
    assert without_times(resumed) == without_times(expected)
    assert_equal_arrays(resumed_network.get_weights(), expected_network.get_weights())
    assert_equal_states(state, expected_state)
    assert state.updates == expected_state.updates


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("event", ["on_update_end", "on_epoch_end", "on_train_end"])
def test_state_saved_in_any_event_continues_exactly(
    kind: Any, keep: str, event: str, make_small_network: Any, make_batches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind is CompiledUpdate and keras.backend.backend() != "jax":
        pytest.skip("needs JAX")
    monkeypatch.setattr(
        trainer,
        "make_update",
        lambda network, optimizer, **options: kind(network, optimizer, **options),
    )
    settings = TrainingSettings(epochs=4, optimizer="adam", learning_rate=0.5, keep=keep)
    batches, validation = make_batches(14, 4), make_batches(6, 4, seed=None, data=1)
    network = make_small_network()
    snapshot = Snapshot(event, 4 if event == "on_train_end" else 2)
    state = TrainingState.from_seed(1)
    history = fit(network, batches, validation, settings, callbacks=[snapshot], state=state)
    other_network = make_small_network(seed=8)
    restored_state = restored(snapshot.saved)
    resumed = fit(other_network, batches, validation, settings, state=restored_state)
    assert without_times(resumed) == without_times(history)
    assert_equal_arrays(other_network.get_weights(), network.get_weights())
    assert_equal_states(restored_state, state)


@pytest.mark.parametrize("more", [{}, {"ema": 0.5, "average": 2}, {"accumulation": 2, "schedule": "cosine"}])
def test_updates_do_not_depend_on_validation(more: Any, make_small_network: Any, make_batches: Any) -> None:
    """However often the weights are validated, training goes the same way, and its end is validated."""
    states = []
    for every in (0, 1, 2, 3, 5, 7, 1000):
        settings = TrainingSettings(epochs=3, learning_rate=0.1, validate_every=every, **more)
        states.append(TrainingState.from_seed(1))
        history = fit(
            make_small_network(), make_batches(14, 4), make_batches(6, 4, seed=None, data=1), settings, state=states[-1]
        )
        expected = range(every, states[-1].updates, every) if every else [4 // more.get("accumulation", 1)] * 2
        assert len(history.intervals) == len(expected) + 1
        assert history.intervals[-1].updates == states[-1].updates
        assert sum(each.tokens for each in history.intervals) == 3 * make_batches(14, 4).target_tokens
    for state in states[1:]:
        assert_equal_arrays(state.trainable, states[0].trainable)
        assert_equal_arrays(state.optimizer, states[0].optimizer)
        assert state.history[-1].validation_loss == states[0].history[-1].validation_loss or more.get("average")


def test_second_interruption_in_the_same_epoch(make_small_network: Any, make_batches: Any) -> None:
    """The network has the weights of `kept_epoch`, even if this process has not finished an epoch."""
    settings = TrainingSettings(epochs=4, learning_rate=0.5, keep="last")
    first = make_small_network()
    state = TrainingState.from_seed(1)
    history = fit(first, make_batches(14, 4), None, settings, callbacks=[StopAfter(3, 1)], state=state)
    second = make_small_network(seed=8)
    again = fit(second, make_batches(14, 4), None, settings, callbacks=[StopAfter(3, 2)], state=restored(saved(state)))
    assert history.kept_epoch == again.kept_epoch == 2
    assert_equal_arrays(first.get_weights(), second.get_weights())


def test_exhausted_patience_ends_a_restored_run(make_small_network: Any, make_batches: Any) -> None:
    settings = TrainingSettings(epochs=9, optimizer="sgd", learning_rate=10.0, patience=1)
    snapshot = Snapshot("on_train_end", 0)
    state = TrainingState.from_seed(1)
    network = make_small_network()
    history = fit(network, make_batches(14, 4), None, settings, callbacks=[snapshot], state=state)
    assert history.stopped == "no better loss for 1 epoch"
    again = fit(network, make_batches(14, 4), None, settings, state=restored(saved(state)))
    assert again == history


def test_metadata_round_trips_exactly_as_json() -> None:
    epochs = [Interval(1, 0.1 + 0.2, 1 / 3, float("nan"), float("inf"), 1e-300), Interval(2, 1.0, 0.5, None, None, 2.0)]
    state = TrainingState(epoch=3, position=5, updates=9, history=epochs, seconds=0.1, interval_began=0.3, stopped="so")
    state.best = Best(2, 1.0, [np.ones((2, 3), "f4")])
    state.trainable = [np.arange(3.0, dtype="f4"), np.zeros((2, 2), "f4")]
    state.random.random(5)
    again = restored(saved(state))
    assert str(again.history) == str(state.history)
    assert again.metadata() == state.metadata()
    assert again.arrays().keys() == state.arrays().keys()
    assert again.random.random() == state.random.random()
    empty = restored(saved(TrainingState()))
    assert (empty.best.value, empty.best.interval, empty.trainable) == (np.inf, 0, [])


def test_arrays_are_copies(make_small_network: Any, make_batches: Any) -> None:
    state = TrainingState()
    update = trainer.make_update(make_small_network(), keras.optimizers.Adam(0.1), tokens=7.0)
    update.begin(state)
    before = state.arrays()
    copies = {name: array.copy() for name, array in before.items()}
    for batch in make_batches(14, 4).epoch(1):
        update(state, batch)
    for name, array in before.items():
        np.testing.assert_array_equal(array, copies[name])
    assert (state.arrays()["trainable/0"] != before["trainable/0"]).any()


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
def test_state_of_another_network_is_an_error(kind: Any, make_small_network: Callable[..., Any]) -> None:
    state = TrainingState()
    kind(make_small_network(), keras.optimizers.Adam(0.1), 7.0).begin(state)
    state = restored(saved(state))
    other = kind(make_small_network(columns=7), keras.optimizers.Adam(0.1), 7.0)
    with pytest.raises(ValueError, match=r"`trainable` arrays must have the shapes .*7.*, received: .*Continue with"):
        other.begin(state)
    other = kind(make_small_network(), keras.optimizers.SGD(0.1), 7.0)
    with pytest.raises(ValueError, match="`optimizer` arrays must have"):
        other.begin(state)


def test_unknown_format_is_an_error() -> None:
    state = TrainingState()
    with pytest.raises(ValueError, match="must have format 3, received: 1"):
        TrainingState.restore(state.arrays(), state.metadata() | {"format": 1})
