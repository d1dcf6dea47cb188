"""Calendar inputs: time of day, day of the week and day of the year, as numbers that a forecaster reads in advance."""

from datetime import UTC, datetime

import numpy as np

__all__ = ["calendar_inputs", "calendar_names"]

HOUR, DAY, WEEK = 3600, 86_400, 604_800
YEAR_HARMONICS = DAY_HARMONICS = 2
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def calendar_names(unit: str, step: int) -> list[str]:
    """Return the names of the calendar inputs of a step: only those that change from row to row.

    Args:
        unit: `second`, `month` or `number`; whole numbers have no calendar.
        step: time from one row to the next, in this unit.
    """
    if unit == "number":
        return []
    year = _waves("year", YEAR_HARMONICS)
    if unit == "month" or step >= WEEK:
        return year
    weekday = [f"calendar {day}" for day in DAYS]
    return [*(_waves("day", DAY_HARMONICS) if step < DAY else []), *weekday, *year]


def _waves(period: str, harmonics: int) -> list[str]:
    return [f"calendar {period} {wave} {number}" for number in range(1, harmonics + 1) for wave in ("sin", "cos")]


def calendar_inputs(times: np.ndarray, unit: str, step: int) -> np.ndarray:
    """Return the calendar inputs, float64 (times, names), in the order of `calendar_names`.

    Args:
        times: int64 (times,), seconds since 1970, months since year 0, or whole numbers.
        unit: see `calendar_names`.
        step: see `calendar_names`.
    """
    if unit == "number":
        return np.empty((len(times), 0))
    if unit == "month":
        return _sines(times % 12 / 12.0, YEAR_HARMONICS)
    moments = [datetime.fromtimestamp(int(time), UTC) for time in times]
    parts = []
    if step < DAY:
        parts.append(_sines(times % DAY / DAY, DAY_HARMONICS))
    if step < WEEK:
        weekdays = np.array([moment.weekday() for moment in moments])
        parts.append((weekdays[:, None] == np.arange(7)).astype(float))
    days = np.array([moment.timetuple().tm_yday - 1 + moment.hour / 24.0 for moment in moments])
    parts.append(_sines(days / 365.25, YEAR_HARMONICS))
    return np.concatenate(parts, axis=1)


def _sines(share: np.ndarray, harmonics: int) -> np.ndarray:
    """Return sine and cosine of each harmonic of a share of a period, (times, 2 * harmonics)."""
    angles = 2.0 * np.pi * share[:, None] * np.arange(1, harmonics + 1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(share), -1)
