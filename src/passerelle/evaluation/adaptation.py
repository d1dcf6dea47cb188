"""Adaptation of intervals to the errors of earlier forecasts (adaptive and weighted conformal prediction)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from passerelle.evaluation.calibration import LEVELS

__all__ = ["RATES", "Adaptation"]

MEMORY = 3.0
"""Time after which the weight of an error falls to 1/e, in horizons."""

GAIN = 0.16
"""Change of a rate in the time of a horizon, for each unit of the difference between the nominal and the observed rate.
This and `MEMORY` were chosen on validation windows (docs/quality.md)."""

RATES = np.linspace(2.0 * LEVELS[0], 2.0 * LEVELS[-1], 90)
"""Miscoverage rates at which the distribution of the p-values is stored."""


@dataclass(frozen=True)
class Adaptation:
    """The errors of earlier forecasts, by which intervals become wider or narrower.

    If calibrated intervals of 80 % contained only 70 % of the recent true numbers, because times change, intervals of a
    higher nominal share are used in their place, in two ways:

    - The p-value of a true number is the highest miscoverage rate of an interval that contains it. On the validation
      rows, p-values are uniform. Each further forecast moves their distribution towards that of its own p-values, so
      old ones lose weight exponentially (Barber et al. 2023, arXiv:2202.13415, section 3, on p-values instead of
      scores, so that each step keeps its own margin). A rate is the quantile of this distribution.
    - The order of that quantile rises after forecasts whose intervals contained too many numbers, and falls after the
      others (Gibbs and Candès 2021, arXiv:2106.00170, equation 2).

    There is one distribution for each column; all series and steps share it. A forecast counts from the time at which
    its whole future is known, so an interval never depends on numbers that are later than the origin of its forecast.
    The guarantees of both papers are for scores one by one; the numbers of one future are dependent and known late, so
    here they are approximate.

    Attributes:
        origins: int64 (forecasts,), ascending: the time step at which the future of each forecast begins.
        horizon: steps of a forecast.
        gains: float64 (forecasts,), change of a rate after each forecast, see `GAIN`.
        below: float64 (forecasts, len(RATES), columns), the share of the p-values of each forecast below each rate.
        shares: float64 (forecasts + 1, len(RATES), columns), the weighted share of all p-values: first without any
            forecast, then after each.
    """

    origins: np.ndarray
    horizon: int
    gains: np.ndarray
    below: np.ndarray
    shares: np.ndarray

    @classmethod
    def fit(cls, origins: np.ndarray, p_values: np.ndarray) -> Self:
        """Weight the errors of forecasts.

        Args:
            origins: int (rows,), the time step at which the future of each forecast begins; rows of several series may
                have the same one.
            p_values: float64 (rows, steps, columns), see `Adaptation`.
        """
        horizon, columns = p_values.shape[1:]
        order = np.argsort(origins, kind="stable")
        moments, starts = np.unique(origins[order], return_index=True)
        passed = np.minimum(np.diff(moments, prepend=moments[0] - 1), horizon) / horizon
        weighted = np.repeat(RATES[:, None], columns, axis=1)
        below, shares = [], [weighted]
        for rows, time in zip(np.split(order, starts[1:]), passed, strict=True):
            ordered = np.sort(p_values[rows].reshape(-1, columns), axis=0)
            below.append(np.stack([np.searchsorted(column, RATES) for column in ordered.T], axis=1) / len(ordered))
            weight = 1.0 - math.exp(-time / MEMORY)
            weighted = weighted + weight * (below[-1] - weighted)
            # The number to forecast counts too, as one outside of every interval: else few numbers cover too little.
            own = weight / len(ordered)
            shares.append((weighted + own) / (1.0 + own))
        return cls(moments, horizon, GAIN * passed, np.array(below), np.array(shares))

    def level(self, level: float, at: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the level to use in place of a nominal level, float64 (len(at), 1, columns).

        Args:
            level: level of a quantile. That of the median does not change, and neither do levels outside of the
                range of the calibration.
            at: the origins of the forecasts.
        """
        rate = 2.0 * min(level, 1.0 - level)
        if not RATES[0] <= rate <= RATES[-1]:
            return np.full((len(at), 1, self.below.shape[2]), level)
        tail = self.rates(rate, at)[:, None] / 2.0
        return tail if level < 0.5 else 1.0 - tail

    def rates(self, rate: float, at: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the miscoverage rates to use in place of a nominal rate, float64 (len(at), columns)."""
        order, known = np.full(self.below.shape[2], rate), 0
        used: dict[int, np.ndarray] = {}
        for moment in np.union1d(self.origins, np.asarray(at, np.int64)).tolist():
            while known < len(self.origins) and self.origins[known] + self.horizon <= moment:
                observed = _by_column(used[int(self.origins[known])], RATES, self.below[known])
                order = np.clip(order + self.gains[known] * (rate - observed), RATES[0], RATES[-1])
                known += 1
            used[moment] = _by_column(order, self.shares[known], RATES)
        return np.stack([used[int(moment)] for moment in at])


def _by_column(x: np.ndarray, xp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    """Interpolate each column: x (columns,), of points xp and fp, (points,) or (points, columns)."""
    xp, fp = (np.broadcast_to(points.reshape(len(points), -1), (len(points), len(x))) for points in (xp, fp))
    return np.array([np.interp(x[column], xp[:, column], fp[:, column]) for column in range(len(x))])
