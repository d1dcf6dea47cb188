"""Scaling of numbers: between a person's own units and the numbers that a network reads and writes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_args

import numpy as np

from passerelle.ragged import Ragged
from passerelle.settings import MAX_STEPS, NumberSettings

__all__ = ["Scaling", "Units"]

MODES = get_args(NumberSettings.model_fields["scaling"].annotation)

MIN_DEVIATION_SHARE = 0.01
"""Lower bound of the standard deviation of a window, as a share of that of its column: a window may be constant."""

ROUNDING = 1e-12
"""A column with a smaller standard deviation, as a share of its largest number, is constant: the rest is rounding."""


@dataclass(frozen=True)
class Units:
    """The affine map of each row: number = offset + factor * scaled number.

    Attributes:
        offset: float64, broadcasts against the numbers of all rows.
        factor: float64, positive, broadcasts like `offset`.
    """

    offset: np.ndarray
    factor: np.ndarray

    def scale(self, numbers: np.ndarray) -> np.ndarray:
        """Return the scaled numbers."""
        return (numbers - self.offset) / self.factor

    def restore(self, scaled: np.ndarray) -> np.ndarray:
        """Return the numbers in their own units."""
        return self.offset + self.factor * scaled


@dataclass(frozen=True)
class Scaling:
    """Scales the columns of a field.

    Numbers are first made relative to a reference, which depends on the mode, and then standardized. The reference is
    nothing (`column`), the mean and the deviation of the reference window (`window`), its last element (`last`) or its
    last season (`season`). The reference window of an input is the sequence itself; that of a forecast is the part of
    the input that precedes it.

    Attributes:
        mode: a value of the setting `numbers.scaling`.
        season: length of a season in steps.
        center: float64 (width,), mean of the relative numbers of the training rows.
        scale: float64 (width,), their standard deviation.
        floor: float64 (width,), lower bound of the deviation of a window.
    """

    mode: str
    season: int
    center: np.ndarray
    scale: np.ndarray
    floor: np.ndarray

    @classmethod
    def unfitted(cls, mode: str, season: int, floor: np.ndarray) -> Self:
        """Return a scaling that only makes numbers relative."""
        width = len(floor)
        return cls(mode, season, np.zeros(width), np.ones(width), floor)

    @classmethod
    def fit_sequences(cls, mode: str, season: int, sequences: Ragged) -> Self:
        """Fit the scaling of an input sequence to those of the training rows, float64 (total, width)."""
        deviation = _deviation(sequences.values)
        relative = cls.unfitted(mode, season, MIN_DEVIATION_SHARE * deviation)
        return relative._standardized(relative.of_sequences(sequences).scale(sequences.values))

    @classmethod
    def fit_forecasts(cls, mode: str, season: int, forecasts: np.ndarray, windows: Ragged | None) -> Self:
        """Fit the scaling of forecasts, float64 (rows, steps, width), to those of the training rows.

        Args:
            mode: see `Scaling`.
            season: see `Scaling`.
            forecasts: the true future of each row.
            windows: the same columns of the input that precedes each forecast; None if the input lacks them.
        """
        deviation = _deviation(forecasts.reshape(-1, forecasts.shape[2]))
        relative = cls.unfitted(mode, season, MIN_DEVIATION_SHARE * deviation)
        numbers = relative.of_forecasts(windows, len(forecasts), forecasts.shape[1]).scale(forecasts)
        return relative._standardized(numbers.reshape(-1, forecasts.shape[2]))

    def _standardized(self, relative: np.ndarray) -> Self:
        scale = _deviation(relative)
        return type(self)(self.mode, self.season, relative.mean(axis=0), scale, self.floor)

    def of_sequences(self, sequences: Ragged) -> Units:
        """Return the units of input sequences, with one row for each element, (total, width)."""
        if self.mode == "window":
            mean, deviation = _moments(sequences, self.floor)
            repeated = (np.repeat(array, sequences.lengths, axis=0) for array in (mean, deviation))
            return self._standardize(*repeated)
        if self.mode == "last":
            last = np.repeat(sequences.values[sequences.offsets[1:] - 1], sequences.lengths, axis=0)
            return self._standardize(last, np.ones(1))
        return self._standardize(np.zeros(1), np.ones(1))

    def of_forecasts(self, windows: Ragged | None, rows: int, steps: int) -> Units:
        """Return the units of forecasts, (rows, steps, width).

        Args:
            windows: float64 (total, width), the input that precedes each forecast; None if no columns of it are known.
            rows: number of forecasts.
            steps: steps of each forecast.

        Raises:
            ValueError: if a window is shorter than a season.
        """
        if windows is None or self.mode == "column":
            return self._standardize(np.zeros((rows, 1, 1)), np.ones(1))
        if self.mode == "window":
            mean, deviation = _moments(windows, self.floor)
            return self._standardize(mean[:, None], deviation[:, None])
        season = self.season if self.mode == "season" else 1
        if windows.lengths.min() < season:
            raise ValueError(f"a sequence of {windows.lengths.min()} steps is shorter than a season of {season}")
        step = np.arange(steps) % season - season  # from the end of the window
        return self._standardize(windows.values[windows.offsets[1:, None] + step], np.ones(1))

    def _standardize(self, offset: np.ndarray, factor: np.ndarray) -> Units:
        return Units(offset + factor * self.center, factor * self.scale)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the scaling."""
        arrays = {name: getattr(self, name).tolist() for name in ("center", "scale", "floor")}
        return {"mode": self.mode, "season": self.season, **arrays}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], width: int) -> Self:
        """Restore a scaling; raise a ValueError or similar if it is none of this width."""
        mode, season = content["mode"], content["season"]
        if mode not in MODES or type(season) is not int or not 1 <= season <= MAX_STEPS:
            raise ValueError(f"a scaling must have one of the modes {', '.join(MODES)} and a season")
        arrays = []
        for name, lowest in (("center", -math.inf), ("scale", 0.0), ("floor", 0.0)):
            numbers = content[name]
            if not isinstance(numbers, list) or len(numbers) != width:
                raise ValueError(f"a scaling must have {width} numbers as its {name}")
            if not all(isinstance(number, int | float) and lowest < number < math.inf for number in numbers):
                raise ValueError(f"the {name} of a scaling must have finite numbers{' above 0' if lowest == 0 else ''}")
            arrays.append(np.array(numbers, np.float64))
        return cls(mode, season, *arrays)


def _deviation(numbers: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column, (rows, width) -> (width,); 1 for constant columns."""
    deviation, rounding = numbers.std(axis=0), ROUNDING * np.abs(numbers).max(axis=0)
    return np.where(deviation > rounding, deviation, 1.0)


def _moments(sequences: Ragged, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each sequence, (rows, width) each; the deviation is at least `floor`."""
    starts, counts = sequences.offsets[:-1], sequences.lengths[:, None]
    mean = np.add.reduceat(sequences.values, starts, axis=0) / counts
    deviations = sequences.values - np.repeat(mean, sequences.lengths, axis=0)
    return mean, np.sqrt(np.add.reduceat(deviations**2, starts, axis=0) / counts).clip(floor)
