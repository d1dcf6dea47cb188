"""Optimizers and learning rates from settings."""

from types import SimpleNamespace
from typing import Any, get_args

import keras
import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.callbacks.plateau import Plateau
from passerelle.training.history import Interval
from passerelle.training.optimizer import WARMUP_SHARE, learning_rate, make_optimizer
from passerelle.training.state import Best, TrainingState


@pytest.mark.parametrize("name", get_args(TrainingSettings.model_fields["optimizer"].annotation))
def test_every_setting_names_a_keras_optimizer(name: Any) -> None:
    optimizer = make_optimizer(TrainingSettings(optimizer=name, learning_rate=0.25, clip=2.0))
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 2.0


def test_clip_zero_disables_clipping() -> None:
    assert make_optimizer(TrainingSettings()).global_clipnorm is None


def test_muon_updates_matrices_and_adam_the_rest(make_harness: Any) -> None:
    side = {"embedding": 3, "units": 4}
    settings = {"attention": "general", "bridge": "dense", "layer_norm": True, "encoder": side, "decoder": side}
    weights = make_harness(settings).network.trainable_variables
    optimizer: Any = make_optimizer(TrainingSettings(optimizer="muon"))
    optimizer.build(weights)
    by_adam = {w.path: v is not None for w, v in zip(weights, optimizer.adam_velocities, strict=True)}
    assert by_adam == {w.path: not w.path.endswith("kernel") or w.path == "output/kernel" for w in weights}
    assert list(by_adam.values()).count(False) == 8, "two in each recurrent layer, in the bridge and in attention"


@pytest.mark.parametrize("updates", [1, 2, 9, 40, 1000, 100_000])
def test_cosine_equals_keras_schedule(updates: int) -> None:
    """Without a time limit the learning rate equals that of Keras's schedule after each update."""
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5)
    warmup = min(round(WARMUP_SHARE * updates), 500)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else 0.5,
        max(1, updates - warmup),
        alpha=0.01,
        warmup_target=0.5 if warmup else None,
        warmup_steps=warmup,
    )
    for done in np.linspace(0, updates, 9).astype(int).tolist():
        expected = float(schedule(done))
        rate = learning_rate(settings, done / updates, done, updates)
        np.testing.assert_allclose(rate, expected, rtol=1e-4, atol=1e-7)


def test_cosine_with_time_limit_warms_up_by_updates_and_decays_by_time() -> None:
    """Compilation takes the first tenth of the time; the time limit ends training after an eighth of all updates."""
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5, minutes=5)
    rates = [learning_rate(settings, 0.1 + 0.9 * done / 5_000, done, 40_000) for done in range(0, 5_001, 50)]
    assert rates[:10] == [0.5 * done / 500 for done in range(0, 500, 50)]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.45 < rates[10] < 0.5
    np.testing.assert_allclose(rates[-1], 0.005)


def test_cosine_decays_if_time_ends_before_the_warmup() -> None:
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5, minutes=5)
    rates = [learning_rate(settings, done / 100, done, 40_000) for done in range(101)]
    assert max(rates) < 0.1
    np.testing.assert_allclose(rates[-1], 0.005)


def test_constant_schedule() -> None:
    assert {
        learning_rate(TrainingSettings(learning_rate=0.2), share, round(7 * share), 7) for share in (0.0, 0.5, 1.0)
    } == {0.2}


def test_inverse_sqrt_equals_the_formula_of_the_paper() -> None:
    """Vaswani et al. 2017, equation 3, for the size of the network whose peak is the learning rate."""
    warmup = 40
    settings = TrainingSettings(schedule="inverse_sqrt", learning_rate=0.5, warmup=warmup)
    size = (0.5 * warmup**0.5) ** -2.0
    for step in (1, 7, 39, 40, 41, 160, 10_000):
        expected = size**-0.5 * min(step**-0.5, step * warmup**-1.5)
        np.testing.assert_allclose(learning_rate(settings, 0.0, step, 10_000), expected)
    assert learning_rate(settings, 0.0, 0, 10_000) == 0.0
    without = TrainingSettings(schedule="inverse_sqrt", learning_rate=0.5, warmup=0)
    assert [learning_rate(without, 0.0, done, 9) for done in (0, 1, 4)] == [0.5, 0.5, 0.25]


@pytest.mark.parametrize("schedule", ["constant", "plateau", "cosine", "inverse_sqrt"])
def test_warmup_of_every_schedule(schedule: Any) -> None:
    settings = TrainingSettings(schedule=schedule, learning_rate=0.5, warmup=10)
    rates = [learning_rate(settings, done / 1000, done, 1000) for done in range(1000)]
    np.testing.assert_allclose(rates[:11], [0.05 * done for done in range(11)])
    assert max(rates) == 0.5
    assert (rates[-1] < 0.5) == (schedule in ("cosine", "inverse_sqrt"))
    longer = TrainingSettings(schedule=schedule, learning_rate=0.5, warmup=4000)
    np.testing.assert_allclose(learning_rate(longer, 0.5, 500, 1000), 0.5 / 8)


def test_warmup_by_default() -> None:
    def first(schedule: Any) -> float:
        return learning_rate(TrainingSettings(schedule=schedule, learning_rate=0.5), 0.0, 0, 1000)

    assert {schedule: first(schedule) for schedule in ("constant", "plateau", "cosine", "inverse_sqrt")} == {
        "constant": 0.5, "plateau": 0.5, "cosine": 0.0, "inverse_sqrt": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "decay", "expected"),
    [("adamw", None, 0.004), ("adamw", 0.0, 0.0), ("adam", None, None), ("adam", 0.1, 0.1), ("muon", 0.1, 0.1)],
)
def test_weight_decay(name: Any, decay: float | None, expected: float | None) -> None:
    optimizer: Any = make_optimizer(TrainingSettings(optimizer=name, weight_decay=decay))
    assert optimizer.weight_decay == expected
    assert getattr(optimizer, "adam_weight_decay", expected) == expected


def test_weight_decay_subtracts_a_share_times_the_learning_rate() -> None:
    weight = keras.Variable(np.full((2, 2), 4.0))
    optimizer: Any = make_optimizer(TrainingSettings(optimizer="sgd", weight_decay=0.1, learning_rate=0.5))
    optimizer.build([weight])
    optimizer.apply([keras.ops.zeros((2, 2))], [weight])
    np.testing.assert_allclose(np.asarray(weight), 4.0 * (1 - 0.05))


def test_plateau_reduces_as_in_keras() -> None:
    """The same reductions as Keras's callback, for random losses."""
    losses = np.random.default_rng(5).random(60).round(1) + np.linspace(1, 0, 60).round(1)
    model: Any = SimpleNamespace(optimizer=keras.optimizers.SGD(1.0))
    expected = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=3, min_delta=0.0, mode="min")
    expected.set_model(model)
    expected.on_train_begin()
    state = TrainingState()
    run: Any = SimpleNamespace(state=state)
    plateau, factors = Plateau(3, 0.5), []
    for number, loss in enumerate(losses.tolist(), start=1):
        state.history.append(Interval(number, loss, 0.0, None, None, 0.0))
        if loss < state.best.value:
            state.best = Best(number, loss)
        plateau.on_validation_end(run)
        expected.on_epoch_end(number, {"loss": loss})
        factors.append((state.rate_factor, float(model.optimizer.learning_rate)))
    assert [ours for ours, _ in factors] == [theirs for _, theirs in factors]
    assert len(set(factors)) > 5
