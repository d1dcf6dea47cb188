"""Metrics of forecasts, on numbers in their own units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ForecastReport", "ForecastScores", "forecast_scores", "seasonal_error"]


@dataclass(frozen=True)
class ForecastScores:
    """Scores of one way to forecast, over all rows, steps and columns.

    Attributes:
        mae: mean absolute error.
        rmse: root of the mean squared error.
        mase: mean absolute error divided by that of the seasonal naive forecast on the histories (Hyndman and Koehler
            2006, with all rows together); NaN if no history is longer than a season.
        smape: symmetric mean absolute percentage error, 0 to 200: mean of `200 * abs(y - f) / (abs(y) + abs(f))`,
            and 0 if both are 0.
        pinball: mean pinball loss over the levels of the quantiles; None for a forecast without quantiles.
        coverage: share of numbers inside the central interval, by nominal share; empty without quantiles.
    """

    mae: float
    rmse: float
    mase: float
    smape: float
    pinball: float | None = None
    coverage: Mapping[float, float] | None = None


@dataclass(frozen=True)
class ForecastReport:
    """Scores of a forecaster beside those of simple forecasts on the same rows.

    Attributes:
        rows: number of rows.
        scores: `model`, `naive` (the last number), `seasonal naive` (the number one season before) and `ridge` (ridge
            regression on the history). A forecast that is not possible is missing.
        adapted: whether the quantiles were adapted to the errors of earlier rows, see `Forecaster.evaluate`.

    Example:
        >>> series = [[float(day % 7), 1.0] for day in range(40)]
        >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
        >>> report = forecaster.evaluate(windows)
        >>> report.rows, report.scores["seasonal naive"].mae
        (20, 0.0)
    """

    rows: int
    scores: Mapping[str, ForecastScores]
    adapted: bool = False

    def __str__(self) -> str:
        lines = [f"{'':15}{'MAE':>12}{'RMSE':>12}{'MASE':>9}{'sMAPE':>9}{'pinball':>12}  coverage"]
        for name, one in self.scores.items():
            pinball = "" if one.pinball is None else f"{one.pinball:.5g}"
            covered = ", ".join(f"{share:.1%} of {nominal:.0%}" for nominal, share in (one.coverage or {}).items())
            lines.append(
                f"{name:15}{one.mae:>12.5g}{one.rmse:>12.5g}{one.mase:>9.3f}{one.smape:>9.2f}{pinball:>12}  {covered}"
            )
        if self.adapted:
            lines.append("intervals: adapted to the errors of the forecasts whose future was known before")
        return "\n".join(line.rstrip() for line in lines)


def forecast_scores(
    truth: np.ndarray,
    point: np.ndarray,
    *,
    scale: float,
    quantiles: Mapping[float, np.ndarray] | None = None,
) -> ForecastScores:
    """Compare a forecast with the truth.

    Args:
        truth: float (rows, steps, columns).
        point: the forecast, of the same shape.
        scale: the divisor of MASE, see `seasonal_error`.
        quantiles: quantiles by level, of the same shape; the levels p and 1 - p form a central interval.
    """
    error = np.abs(truth - point)
    size = np.abs(truth) + np.abs(point)
    smape = 200.0 * np.divide(error, size, out=np.zeros_like(error), where=size > 0)
    pinball = coverage = None
    if quantiles:
        losses = [np.maximum(level * (truth - own), (level - 1.0) * (truth - own)) for level, own in quantiles.items()]
        pinball = float(np.mean(losses))
        coverage = {}
        for low, high in zip(sorted(quantiles), sorted(quantiles, reverse=True), strict=True):
            if low < 0.5 and abs(low + high - 1.0) < 1e-9:
                inside = (quantiles[low] <= truth) & (truth <= quantiles[high])
                coverage[round(high - low, 9)] = float(inside.mean())
    return ForecastScores(
        mae=float(error.mean()),
        rmse=float(np.sqrt((error**2).mean())),
        mase=float(error.mean() / scale) if scale > 0 else float("nan"),
        smape=float(smape.mean()),
        pinball=pinball,
        coverage=coverage,
    )


def seasonal_error(histories: Sequence[np.ndarray], season: int) -> float:
    """Return the mean absolute difference to one season before, over histories (length, columns); NaN if there is none.

    It is the divisor of MASE.
    """
    differences = [np.abs(each[season:] - each[:-season]).ravel() for each in histories if len(each) > season]
    return float(np.concatenate(differences).mean()) if differences else float("nan")
