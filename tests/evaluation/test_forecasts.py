"""Metrics of forecasts, simple forecasts and calibration, compared with values computed by hand or another way."""

import json

import numpy as np
import pytest

from passerelle.evaluation.baselines import Ridge, naive, seasonal_naive
from passerelle.evaluation.calibration import Calibration
from passerelle.evaluation.forecasts import forecast_scores, seasonal_error


def test_scores_by_hand() -> None:
    truth, point = np.array([[[1.0], [4.0]]]), np.array([[[2.0], [1.0]]])
    quantiles = {0.1: point - 1.0, 0.9: point + 1.0}
    scores = forecast_scores(truth, point, scale=2.0, quantiles=quantiles)
    assert (scores.mae, scores.rmse, scores.mase) == (2.0, pytest.approx(np.sqrt(5.0)), 1.0)
    assert scores.smape == pytest.approx((200 / 3 + 200 * 3 / 5) / 2)
    # 0.1: errors 0 and 4; 0.9: errors -2 and 2.
    assert scores.pinball == pytest.approx((0.0 + 0.4 + 0.2 + 1.8) / 4)
    assert scores.coverage == {0.8: 0.5}
    assert forecast_scores(truth * 0, point * 0, scale=1.0).smape == 0.0


def test_naive_forecasts_repeat_the_last_numbers_and_the_last_season() -> None:
    histories = [np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[7.0], [8.0], [9.0]])]
    assert naive(histories, 2)[..., 0].tolist() == [[4, 4], [9, 9]]
    assert seasonal_naive(histories, 5, 3)[..., 0].tolist() == [[2, 3, 4, 2, 3], [7, 8, 9, 7, 8]]
    assert seasonal_error(histories, 3) == 3.0
    assert np.isnan(seasonal_error(histories, 4))


def test_ridge_has_the_weights_of_the_normal_equations() -> None:
    random = np.random.default_rng(0)
    histories = random.normal(5.0, 2.0, (60, 2, 4))
    futures = np.einsum("rgi,gio->rgo", histories, random.normal(size=(2, 4, 3))) + random.normal(size=(60, 2, 3))
    ridge = Ridge(histories, futures)
    for group in range(2):
        x = (histories[:, group] - histories[:, group].mean(0)) / histories[:, group].std(0)
        y = futures[:, group] - futures[:, group].mean(0)
        distances = []
        for penalty in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0):
            weights = np.linalg.solve(x.T @ x + penalty * np.eye(4), x.T @ y)
            distances.append(np.abs(weights - ridge.weights[group]).max())
        assert min(distances) < 1e-9
    again = Ridge.from_json(json.loads(json.dumps(ridge.to_json())), 6)
    np.testing.assert_array_equal(again(histories), ridge(histories))
    for change in ({"shape": [1, 2, 3]}, {"deviation": [0.0] * 8}, {"mean": [float("nan")] * 8}):
        with pytest.raises(ValueError, match="ridge"):
            Ridge.from_json(ridge.to_json() | change, 6)


def test_calibrated_intervals_cover_their_share_whatever_the_forecast_is() -> None:
    random = np.random.default_rng(1)
    truth = random.gamma(2.0, size=(4000, 1, 1))
    calibration = Calibration.fit(truth[:2000], lambda level: np.full((2000, 1, 1), 17.0), 40)
    for level in (0.05, 0.1, 0.25, 0.33):
        low, high = (17.0 + calibration.shift(each) for each in (level, 1.0 - level))
        assert ((low <= truth[2000:]) & (truth[2000:] <= high)).mean() == pytest.approx(1.0 - 2.0 * level, abs=0.03)
    assert calibration.shift(0.5).tolist() == [[[0.0]]]
    each_row = calibration.shift(np.array([0.05, 0.9])[:, None, None])
    assert each_row.ravel().tolist() == [calibration.shift(0.05).item(), calibration.shift(0.9).item()]
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())), 1, 1)
    np.testing.assert_array_equal(again.margins, calibration.margins)
    assert (again.rows, again.end) == (2000, 40)
    for change in ({"rows": 0}, {"margins": [0.0]}, {"margins": [float("inf")] * 13}, {"end": "x"}):
        with pytest.raises(ValueError, match="calibration"):
            Calibration.from_json(calibration.to_json() | change, 1, 1)
