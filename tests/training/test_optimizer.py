"""Optimizers and learning rates from settings."""

from typing import Any, get_args

import keras
import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.optimizer import WARMUP_SHARE, learning_rate, make_optimizer


@pytest.mark.parametrize("name", get_args(TrainingSettings.model_fields["optimizer"].annotation))
def test_every_name_is_an_optimizer(name: Any) -> None:
    optimizer = make_optimizer(TrainingSettings(optimizer=name, learning_rate=0.25, clip=2.0))
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 2.0


def test_no_clipping_where_zero() -> None:
    assert make_optimizer(TrainingSettings()).global_clipnorm is None


def test_muon_moves_matrices_and_adam_the_rest(make_harness: Any) -> None:
    side = {"embedding": 3, "units": 4}
    settings = {"attention": "general", "bridge": "dense", "layer_norm": True, "encoder": side, "decoder": side}
    weights = make_harness(settings).network.trainable_variables
    optimizer: Any = make_optimizer(TrainingSettings(optimizer="muon"))
    optimizer.build(weights)
    has_adams = {w.path: v is not None for w, v in zip(weights, optimizer.adam_velocities, strict=True)}
    assert has_adams == {w.path: not w.path.endswith("kernel") or w.path == "output/kernel" for w in weights}
    assert list(has_adams.values()).count(False) == 8, "two each of the layers, the bridges and attention"


@pytest.mark.parametrize("updates", [1, 2, 9, 40, 1000, 100_000])
def test_cosine_is_the_one_of_keras(updates: int) -> None:
    """Where updates end the training: after each one the same as Keras's own schedule."""
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5)
    warm_up = min(round(WARMUP_SHARE * updates), 500)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else 0.5,
        max(1, updates - warm_up),
        alpha=0.01,
        warmup_target=0.5 if warm_up else None,
        warmup_steps=warm_up,
    )
    for made in np.linspace(0, updates, 9).astype(int).tolist():
        expected = float(schedule(made))
        rate = learning_rate(settings, made / updates, made, updates)
        np.testing.assert_allclose(rate, expected, rtol=1e-4, atol=1e-7)


def test_cosine_over_a_time_rises_by_updates_and_falls_by_time() -> None:
    """Compiling takes the first tenth of the time here, and the time ends an eighth of all updates."""
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5, minutes=5)
    rates = [learning_rate(settings, 0.1 + 0.9 * made / 5_000, made, 40_000) for made in range(0, 5_001, 50)]
    assert rates[:10] == [0.5 * made / 500 for made in range(0, 500, 50)]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.45 < rates[10] < 0.5
    np.testing.assert_allclose(rates[-1], 0.005)


def test_a_time_too_short_to_warm_up_ends_low_all_the_same() -> None:
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5, minutes=5)
    rates = [learning_rate(settings, made / 100, made, 40_000) for made in range(101)]
    assert max(rates) < 0.1
    np.testing.assert_allclose(rates[-1], 0.005)


def test_constant_is_constant() -> None:
    assert {
        learning_rate(TrainingSettings(learning_rate=0.2), share, round(7 * share), 7) for share in (0.0, 0.5, 1.0)
    } == {0.2}
