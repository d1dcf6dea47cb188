"""Calibration of central intervals on validation rows (conformalized quantile regression)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

__all__ = ["LEVELS", "Calibration"]

LEVELS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
"""Levels p for which a margin of the interval from p to 1 - p is stored; other margins are interpolated."""


@dataclass(frozen=True)
class Calibration:
    """Margins of central intervals, in scaled units.

    The interval from the p-quantile to the (1 - p)-quantile is widened on both sides by a margin, or narrowed by a
    negative one, so that it contains a share 1 - 2 p of the numbers of the validation rows, whatever the network
    predicts.
    The median does not change. There is a margin for each step and column.

    Source: Romano et al. 2019, arXiv:1905.03222, section 4. The guarantee of the paper is for exchangeable rows;
    neighbouring windows are dependent and times change, so here it is approximate.

    Attributes:
        margins: float64 (len(LEVELS), steps, columns).
        rows: number of validation rows.
        end: position after the last validation number, see `Windows.positions`; None if rows have no positions.
    """

    margins: np.ndarray
    rows: int
    end: int | None = None

    @classmethod
    def fit(cls, truth: np.ndarray, quantile: Any, end: int | None = None) -> Self:
        """Compute the margins.

        Args:
            truth: scaled numbers of the validation rows, (rows, steps, columns).
            quantile: function level -> predicted quantiles, of the same shape.
            end: see `Calibration`.
        """
        margins = []
        for level in LEVELS:
            outside = np.sort(np.maximum(quantile(level) - truth, truth - quantile(1.0 - level)), axis=0)
            rank = math.ceil((len(truth) + 1) * (1.0 - 2.0 * level)) - 1
            margins.append(outside[min(max(rank, 0), len(truth) - 1)])
        return cls(np.array(margins), len(truth), end)

    def shift(self, level: float | np.ndarray) -> np.ndarray:
        """Return what is added to the quantile of a level.

        Args:
            level: one level for all numbers, or float (rows, 1, columns).

        Returns:
            float64 (1, steps, columns), or with a level for each row, (rows, steps, columns).
        """
        levels = np.atleast_3d(np.asarray(level, np.float64))  # one level -> (1, 1, 1)
        place = np.interp(np.minimum(levels, 1.0 - levels), LEVELS, np.arange(len(LEVELS)))
        low = place.astype(int)
        share, high = place - low, np.minimum(low + 1, len(LEVELS) - 1)
        steps, columns = (np.arange(count) for count in self.margins.shape[1:])
        lower, upper = (self.margins[index, steps[:, None], columns] for index in (low, high))
        return np.sign(levels - 0.5) * ((1.0 - share) * lower + share * upper)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the calibration."""
        values: dict[str, Any] = {"rows": self.rows, "margins": self.margins.reshape(-1).tolist()}
        return values | ({} if self.end is None else {"end": self.end})

    @classmethod
    def from_json(cls, content: Mapping[str, Any], steps: int, columns: int) -> Self:
        """Restore a calibration; raise a ValueError or similar if it does not fit the output."""
        rows, margins, end = content["rows"], content["margins"], content.get("end")
        size = len(LEVELS) * steps * columns
        if type(rows) is not int or rows < 1 or not isinstance(margins, list) or len(margins) != size:
            raise ValueError(f"a calibration must have {size:,} margins and the number of its rows")
        if not all(isinstance(margin, int | float) and math.isfinite(margin) for margin in margins):
            raise ValueError("the margins of a calibration must be finite numbers")
        if end is not None and type(end) is not int:
            raise ValueError("the end of a calibration must be a whole number")
        return cls(np.array(margins, np.float64).reshape(len(LEVELS), steps, columns), rows, end)
