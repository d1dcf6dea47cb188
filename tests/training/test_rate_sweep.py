"""Learning rate sweep: the suggested rate, and where the sweep ends."""

import math
from typing import Any

import numpy as np
import pytest

from passerelle.settings import TrainingSettings
from passerelle.training.rate_sweep import FIRST_RATE, LAST_RATE, UPDATES, suggest_rate, sweep_rates


def test_a_tenth_of_the_rate_with_the_lowest_loss() -> None:
    rates = np.geomspace(1e-6, 10.0, 71).tolist()  # ten for each power of ten
    losses = [2.0 + (math.log10(rate) + 2.0) ** 2 for rate in rates]
    assert suggest_rate(rates, losses) == pytest.approx(1e-3)
    assert suggest_rate(rates, [2.0] * 71) is None
    assert suggest_rate(rates, [2.0 + rate for rate in rates]) is None
    assert suggest_rate([], []) is None


@pytest.mark.parametrize("changes", [{}, {"accumulation": 2}, {"clip": 1.0, "schedule": "cosine", "warmup": 50}])
def test_a_sweep_of_a_small_network(changes: dict[str, Any], make_small_network: Any, make_batches: Any) -> None:
    settings = TrainingSettings(optimizer="adam", **changes)
    reports: list[int] = []
    sweep = sweep_rates(
        make_small_network(), make_batches(40, 4), settings, report=lambda done, updates, loss: reports.append(done)
    )
    count = len(sweep.rates)
    np.testing.assert_allclose(sweep.rates, np.geomspace(FIRST_RATE, LAST_RATE, UPDATES)[:count])
    assert reports == list(range(1, count + 1))
    assert len(sweep.losses) == len(sweep.smoothed) == count
    assert sweep.suggested is not None
    assert 1e-3 < sweep.suggested < 1.0
    best = int(np.argmin(sweep.smoothed))
    assert sweep.smoothed[best] < 0.9 * sweep.smoothed[0]


def test_a_sweep_ends_with_the_first_update_that_is_not_finite(make_small_network: Any, make_batches: Any) -> None:
    network = make_small_network()
    network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
    sweep = sweep_rates(network, make_batches(8, 4), TrainingSettings())
    assert (sweep.rates, sweep.suggested) == ((), None)


def test_a_sweep_can_be_stopped(make_small_network: Any, make_batches: Any) -> None:
    sweep = sweep_rates(make_small_network(), make_batches(8, 4), TrainingSettings(), stopped=lambda: True)
    assert len(sweep.rates) == 1
