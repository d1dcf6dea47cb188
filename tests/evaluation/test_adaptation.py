"""Adaptation of intervals: no leakage, and the nominal coverage whether times change or not."""

import numpy as np
import pytest

from passerelle.evaluation.adaptation import RATES, Adaptation


def p_values(rows: int, change: float, *, steps: int = 4, seed: int = 0) -> np.ndarray:
    """P-values of one column; `change` 1 is perfect calibration, above 1 intervals are too narrow, below too wide."""
    return np.random.default_rng(seed).uniform(size=(rows, steps, 1)) ** change


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("change", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("nominal", [0.8, 0.9])
def test_the_coverage_is_nominal_whatever_changed(change: float, nominal: float, stride: int) -> None:
    found = p_values(600, change)
    origins = stride * np.arange(600)
    rates = Adaptation.fit(origins, found).rates(1.0 - nominal, origins)
    assert (found >= rates[:, None]).mean() == pytest.approx(nominal, abs=0.02)
    if change != 1.0:
        assert abs((found >= 1.0 - nominal).mean() - nominal) > 0.04  # without adaptation


def test_no_number_at_or_after_the_origin_changes_an_interval() -> None:
    found = p_values(50, 2.0)
    origins = np.arange(100, 150)
    before = Adaptation.fit(origins, found).rates(0.2, origins)
    for origin in (100, 120, 149):
        changed = found.copy()
        changed[origins + 4 > origin] = 0.0  # their last numbers are known only after this origin
        after = Adaptation.fit(origins, changed).rates(0.2, origins)
        np.testing.assert_array_equal(after[origins <= origin], before[origins <= origin])
        changed[origins + 4 <= origin] = 0.0
        if origin > 103:
            assert (Adaptation.fit(origins, changed).rates(0.2, [origin]) < before[origins == origin]).all()


def test_rates_depend_on_the_time_and_not_on_the_order_of_the_rows() -> None:
    found, origins = p_values(40, 0.5), np.repeat(np.arange(20), 2)
    order = np.random.default_rng(1).permutation(40)
    first, second = Adaptation.fit(origins, found), Adaptation.fit(origins[order], found[order])
    np.testing.assert_allclose(first.rates(0.1, [5, 19, 60]), second.rates(0.1, [5, 19, 60]))


def test_levels_before_any_error_and_outside_of_the_range_are_the_nominal_ones() -> None:
    adaptation = Adaptation.fit(np.arange(9), np.concatenate([p_values(9, 3.0), p_values(9, 0.3)], axis=2))
    for level in (0.05, 0.2, 0.5, 0.9):
        np.testing.assert_allclose(adaptation.level(level, [0, 3]), np.full((2, 1, 2), level))
    for level in (0.5, RATES[0] / 4, 1.0 - RATES[0] / 4):
        np.testing.assert_array_equal(adaptation.level(level, [99]), np.full((1, 1, 2), level))
    low, high = adaptation.level(0.1, [99])[0, 0]
    assert low < 0.1 < high  # each column has its own rate
    np.testing.assert_allclose(adaptation.level(0.9, [99]), 1.0 - adaptation.level(0.1, [99]))
