"""Optimizers and learning rates from settings."""

from typing import Any, get_args

import numpy as np
import pytest

from passerelle.config import TrainingSettings
from passerelle.training.optimizer import WARM_UP, make_optimizer


def rate_after(optimizer: Any, updates: int) -> float:
    optimizer.iterations.assign(updates)
    return float(optimizer.learning_rate)


@pytest.mark.parametrize("name", get_args(TrainingSettings.model_fields["optimizer"].annotation))
def test_every_name_is_an_optimizer(name: Any) -> None:
    optimizer = make_optimizer(TrainingSettings(optimizer=name, learning_rate=0.25, clip=2.0), updates=10)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 2.0


def test_no_clipping_where_zero() -> None:
    assert make_optimizer(TrainingSettings(), updates=10).global_clipnorm is None


@pytest.mark.parametrize("updates", [40, 1000, 100_000])
def test_cosine_rises_then_falls_to_a_hundredth(updates: int) -> None:
    settings = TrainingSettings(schedule="cosine", learning_rate=0.5)
    optimizer = make_optimizer(settings, updates=updates)
    warm_up = min(round(WARM_UP * updates), 500)
    rates = [rate_after(optimizer, n) for n in np.linspace(0, updates, 5).astype(int)]
    assert rates[0] == 0.0
    np.testing.assert_allclose(rate_after(optimizer, warm_up), 0.5, rtol=1e-4)
    np.testing.assert_allclose(rates[-1], 0.005, rtol=1e-3)
    falling = [rate_after(optimizer, n) for n in np.linspace(warm_up, updates, 12).astype(int)]
    assert falling == sorted(falling, reverse=True)
    assert rate_after(optimizer, updates + 1000) == rates[-1]


@pytest.mark.parametrize("updates", [1, 2, 9])
def test_cosine_of_a_few_updates(updates: int) -> None:
    optimizer = make_optimizer(TrainingSettings(schedule="cosine", learning_rate=0.5), updates=updates)
    assert rate_after(optimizer, 0) == 0.5
    np.testing.assert_allclose(rate_after(optimizer, updates), 0.005, rtol=1e-3)
