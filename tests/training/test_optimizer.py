"""Optimizers and learning rates from settings."""

from typing import Any, get_args

import keras
import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.optimizer import WARMUP_SHARE, learning_rate, make_optimizer


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
