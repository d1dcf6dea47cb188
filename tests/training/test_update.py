"""The compiled and the portable update give the same results."""

from collections.abc import Callable
from typing import Any, get_args

import keras
import numpy as np
import pytest

from networks import POISON
from passerelle.data.batches import Batch
from passerelle.errors import BackendError
from passerelle.settings import TrainingSettings
from passerelle.training.optimizer import make_optimizer
from passerelle.training.state import TrainingState
from passerelle.training.update import MAX_SKIPPED, CompiledUpdate, PortableUpdate, make_update

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="compares with the update on JAX")


def after_three_updates(kind: Any, network: Any, batches: Any, settings: TrainingSettings) -> tuple[Any, Any]:
    update = kind(network, make_optimizer(settings), 7.0, settings.label_smoothing)
    state = new_state(update)
    for batch in [*batches.epoch(1), *batches.epoch(2)][:3]:
        update(state, batch)
    update.assign(state)
    return network.get_weights(), sums(state)


def new_state(update: Any) -> TrainingState:
    """Return an initial state, prepared for this update."""
    state = TrainingState()
    update.begin(state)
    return state


def sums(state: TrainingState) -> list[float]:
    return np.asarray(state.sums).tolist()


@pytest.mark.parametrize(
    "settings",
    [
        TrainingSettings(optimizer="sgd", learning_rate=0.1),
        TrainingSettings(optimizer="adam", learning_rate=0.01, clip=0.5, schedule="cosine"),
        TrainingSettings(optimizer="adam", learning_rate=0.01, label_smoothing=0.1),
        TrainingSettings(optimizer="muon", learning_rate=0.01, clip=0.5),
        TrainingSettings(optimizer="adamw", learning_rate=0.01, weight_decay=0.3, ema=0.9),
    ],
    ids=["sgd", "adam", "smoothed", "muon", "decayed"],
)
def test_compiled_and_portable_agree(
    settings: TrainingSettings, make_small_network: Callable[..., Any], make_batches: Callable[..., Any]
) -> None:
    results = []
    for kind in (CompiledUpdate, PortableUpdate):
        network = make_small_network(columns=5, first=2)
        before = network.get_weights()
        results.append(after_three_updates(kind, network, make_batches(14, 5), settings))
        assert all((a != b).any() for a, b in zip(before, network.get_weights(), strict=True))
    (left, left_sums), (right, right_sums) = results
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(left_sums, right_sums, rtol=1e-5)


def test_compiled_and_portable_agree_on_a_real_network(make_harness: Any, example: Any) -> None:
    settings = {
        "attention": "general",
        "encoder": {"embedding": 3, "units": 4, "direction": "both"},
        "decoder": {"embedding": 0, "units": 4},
    }
    batch = Batch({"source": example.source}, {"target": example.target})
    results = []
    for kind in (CompiledUpdate, PortableUpdate):
        network = make_harness(settings).network
        update = kind(network, keras.optimizers.Adam(0.01), 7.0)
        state = new_state(update)
        for _ in range(3):
            update(state, batch)
        update.assign(state)
        results.append((network.get_weights(), sums(state)))
    (left, left_sums), (right, right_sums) = results
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(left_sums, right_sums, rtol=1e-5)


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
def test_one_update_of_sgd_equals_finite_differences(
    kind: Any, make_small_network: Callable[..., Any], make_batches: Callable[..., Any], mean_loss: Any
) -> None:
    """The step is the gradient of the summed loss divided by the mean number of tokens; empty rows have no effect."""
    network = make_small_network()
    batches = make_batches(5, 5)
    (full,) = batches.epoch(1)
    padded = Batch(
        *(
            {name: np.pad(array, ((0, 3), (0, 0))) for name, array in group.items()}
            for group in (full.sources, full.targets)
        )
    )
    before = network.get_weights()
    loss, _ = mean_loss(network, batches)
    mean_tokens = 2.0 * len(batches.targets["target"].values)
    update = kind(network, keras.optimizers.SGD(2.0), mean_tokens)
    state = new_state(update)
    update(state, padded)
    update.assign(state)
    total, tokens, _ = sums(state)
    assert tokens == len(batches.targets["target"].values)
    np.testing.assert_allclose(total / tokens, loss, rtol=1e-5)
    moved = [after - start for after, start in zip(network.get_weights(), before, strict=True)]
    # Finite differences for the bias of the second layer.
    index = next(i for i, w in enumerate(network.weights) if "dense" in w.path and len(w.shape) == 1)
    for column in range(3):
        values = []
        for step in (-1e-2, 1e-2):
            shifted = [array.copy() for array in before]
            shifted[index][column] += step
            network.set_weights(shifted)
            values.append(mean_loss(network, batches)[0])
        np.testing.assert_allclose(-moved[index][column], (values[1] - values[0]) / 2e-2, rtol=2e-2, atol=1e-4)


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lion"])
def test_frozen_rows_are_unchanged_until_released(
    kind: Any, optimizer: str, make_small_network: Callable[..., Any], make_batches: Callable[..., Any]
) -> None:
    network = make_small_network()
    index = next(i for i, weight in enumerate(network.weights) if weight.shape[0] > 1 and len(weight.shape) == 2)
    path, rows = network.weights[index].path, np.arange(network.weights[index].shape[0]) % 2 == 0
    before = network.get_weights()
    update = kind(network, make_optimizer(TrainingSettings(optimizer=optimizer)), 7.0)
    state = new_state(update)
    update.freeze({path: rows})
    for batch in make_batches(14, 5).epoch(1):
        update(state, batch)
    update.assign(state)
    after = network.get_weights()
    np.testing.assert_array_equal(after[index][rows], before[index][rows])
    assert (after[index][~rows] != before[index][~rows]).any()
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    update.freeze({})
    for batch in make_batches(14, 5).epoch(2):
        update(state, batch)
    update.assign(state)
    assert (network.get_weights()[index][rows] != before[index][rows]).any()


def test_frozen_rows_have_no_part_in_the_gradient_norm(
    make_small_network: Callable[..., Any], make_batches: Callable[..., Any]
) -> None:
    """The norm of a clipped step equals the limit although rows are frozen."""
    network = make_small_network()
    path = network.trainable_variables[0].path
    rows = np.ones(network.weights[0].shape[0], bool)
    before = network.get_weights()
    update = CompiledUpdate(network, keras.optimizers.SGD(1.0, global_clipnorm=1e-3), 7.0)
    state = new_state(update)
    update.freeze({path: rows})
    for batch in make_batches(5, 5).epoch(1):
        update(state, batch)
    update.assign(state)
    moved = [(after - start).ravel() for after, start in zip(network.get_weights(), before, strict=True)]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(moved)), 1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
def test_sums_are_reset_for_each_epoch(
    kind: Any, make_small_network: Callable[..., Any], make_batches: Callable[..., Any]
) -> None:
    update = kind(make_small_network(), keras.optimizers.SGD(0.1), 7.0)
    state = new_state(update)
    batches = make_batches(10, 5)
    for batch in batches.epoch(1):
        update(state, batch)
    assert sums(state)[1] == len(batches.targets["target"].values)
    state.start_interval()
    assert sums(state) == [0.0, 0.0, 0.0]


def test_network_weights_are_valid_between_updates(
    make_small_network: Callable[..., Any], make_batches: Callable[..., Any]
) -> None:
    """The program donates its arrays; the variables of the network are unchanged until `assign`."""
    network = make_small_network()
    before = network.get_weights()
    update = make_update(network, keras.optimizers.SGD(0.1), tokens=7.0)
    assert type(update) is CompiledUpdate
    state = new_state(update)
    for batch in make_batches(10, 5).epoch(1):
        update(state, batch)
        for left, right in zip(before, network.get_weights(), strict=True):
            np.testing.assert_array_equal(left, right)
    update.assign(state)
    assert any((a != b).any() for a, b in zip(before, network.get_weights(), strict=True))
    for batch in make_batches(10, 5).epoch(2):
        update(state, batch)


def test_compiled_update_keeps_freed_memory(make_small_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it an update takes a sixth longer. In training without validation, only the update calls it."""
    calls: list[bool] = []
    monkeypatch.setattr("passerelle.training.update.keep_freed_memory", lambda: calls.append(True))
    CompiledUpdate(make_small_network(), keras.optimizers.SGD(0.1), 1.0)
    assert calls == [True]


@pytest.mark.parametrize("optimizer", get_args(TrainingSettings.model_fields["optimizer"].annotation))
def test_every_optimizer_trains(optimizer: Any, make_small_network: Any, make_batches: Any) -> None:
    settings = TrainingSettings(optimizer=optimizer, learning_rate=0.05, clip=1.0)
    update = CompiledUpdate(make_small_network(), make_optimizer(settings), 20.0)
    state, losses = new_state(update), []
    for number in range(30):
        for batch in make_batches(14, 14).epoch(number):
            update(state, batch)
        losses.append(state.means()[0])
        state.start_epoch(number + 2)
    assert losses[-1] < losses[0]


def poisoned(batch: Batch) -> Batch:
    """Return a batch whose gradients are not finite."""
    return Batch({"source": np.full_like(batch.sources["source"], POISON)}, batch.targets)


def values(state: TrainingState) -> dict[str, np.ndarray]:
    """Return everything that a skipped update must not change."""
    return {name: array for name, array in state.arrays().items() if name.split("/")[0] not in ("skipped", "seed")}


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_an_update_that_is_not_finite_is_skipped(
    kind: Any, optimizer: str, make_small_network: Any, make_batches: Any
) -> None:
    """The result is that of a run without this batch, bit for bit."""
    settings = TrainingSettings(optimizer=optimizer, learning_rate=0.1, clip=1.0, weight_decay=0.1, ema=0.5)
    good = list(make_batches(14, 5).epoch(1))
    results = []
    for batches in (good, [poisoned(good[0]), good[0], poisoned(good[1]), poisoned(good[1]), *good[1:]]):
        update = kind(make_small_network(), make_optimizer(settings), 7.0)
        state = new_state(update)
        for batch in batches:
            update(state, batch)
        results.append(values(state))
    assert np.asarray(state.skipped).tolist() == [3, 0, 2]
    assert results[0].keys() == results[1].keys()
    for name, array in results[0].items():
        np.testing.assert_array_equal(array, results[1][name], err_msg=name)
    state.start_interval()
    assert np.asarray(state.skipped).tolist() == [0, 0, 2]


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
def test_after_many_skipped_updates_in_a_row_the_weights_do_not_change(
    kind: Any, make_small_network: Any, make_batches: Any
) -> None:
    """So they do not depend on the moment at which the run ends."""
    update = kind(make_small_network(), keras.optimizers.Adam(0.1), 7.0)
    state = new_state(update)
    (good,) = make_batches(5, 5).epoch(1)
    for _ in range(MAX_SKIPPED - 1):
        update(state, poisoned(good))
    before = values(state)
    update(state, good)
    changed = values(state)
    assert any((before[name] != changed[name]).any() for name in before)
    for _ in range(MAX_SKIPPED):
        update(state, poisoned(good))
    update(state, good)
    for name, array in values(state).items():
        np.testing.assert_array_equal(array, changed[name], err_msg=name)
    assert np.asarray(state.skipped).tolist() == [2 * MAX_SKIPPED, MAX_SKIPPED + 1, MAX_SKIPPED + 1]


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_accumulated_batches_equal_one_large_batch(parts: int, make_small_network: Any, make_batches: Any) -> None:
    settings = TrainingSettings(optimizer="adam", learning_rate=0.1, clip=0.1, weight_decay=0.1)
    results = []
    for size in (12, 12 // parts):
        update = CompiledUpdate(make_small_network(), make_optimizer(settings), 30.0)
        state = new_state(update)
        for number in (1, 2, 3):
            batches = list(make_batches(12, size, seed=None, data=number).epoch(number))
            for index, batch in enumerate(batches, start=1):
                update(state, batch, complete=index == len(batches))
        results.append(state.arrays())
    for name, array in results[0].items():
        np.testing.assert_allclose(array, results[1][name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_portable_update_refuses_to_accumulate(make_small_network: Any, make_batches: Any) -> None:
    update = PortableUpdate(make_small_network(), keras.optimizers.SGD(0.1), 7.0)
    (batch,) = make_batches(5, 5).epoch(1)
    with pytest.raises(BackendError, match=r"cannot accumulate gradients .* Set training\.accumulation to 1"):
        update(new_state(update), batch, complete=False)


@pytest.mark.parametrize("kind", [CompiledUpdate, PortableUpdate])
def test_the_network_may_have_other_weights_between_epochs(
    kind: Any, make_small_network: Any, make_batches: Any
) -> None:
    results = []
    for disturbed in (False, True):
        network = make_small_network()
        update = kind(network, keras.optimizers.Adam(0.1), 7.0)
        state = new_state(update)
        for number in (1, 2):
            for batch in make_batches(14, 5).epoch(number):
                update(state, batch)
            update.assign(state)
            if disturbed:
                network.set_weights([array + 1 for array in network.get_weights()])
        update.assign(state)
        update.end(state)
        results.append([*state.arrays().values(), *network.get_weights()])
    for left, right in zip(*results, strict=True):
        np.testing.assert_array_equal(left, right)
