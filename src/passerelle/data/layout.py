"""The layout of a file of time series: its columns, the step of its times, and the windows that are cut from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from passerelle.data.calendar import calendar_names

__all__ = ["Layout", "step_words", "time_label"]

DAY = 86_400


@dataclass(frozen=True)
class Layout:
    """The columns of a file of time series, and the windows that are cut from it.

    Attributes:
        time: column of the time: ISO 8601 dates or times, or whole numbers.
        targets: columns to forecast.
        inputs: further columns that are known until the forecast begins.
        known: columns that are known in advance, also for the time of the forecast.
        series: column with the name of the series of a row; None for a single series.
        history: steps that the forecaster reads.
        horizon: steps to forecast.
        calendar: whether the time is an input: time of day, day of the week and of the year, whichever change.
        step: time from one row to the next, in seconds, in months (`month`) or, for whole numbers, in units; 0 until it
            is known.
        unit: `second`, `month` or `number`.
        names: the names of the series, an input of the forecaster; empty for a single series.
    """

    time: str
    targets: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    series: str | None = None
    history: int = 1
    horizon: int = 1
    calendar: bool = True
    step: int = 0
    unit: str = ""
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of numbers: targets, inputs and known ones."""
        return (*self.targets, *self.inputs, *self.known)

    @property
    def width(self) -> int:
        """Number of columns of a history: targets and inputs."""
        return len(self.targets) + len(self.inputs)

    @property
    def known_names(self) -> list[str]:
        """Names of the inputs that are known in advance, those of the calendar last."""
        return [*self.known, *(calendar_names(self.unit, self.step) if self.calendar else [])]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the layout."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self.__dict__.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore a layout; raise a ValueError or similar if it is none."""
        values = {name: content[name] for name in cls.__dataclass_fields__}
        for name in ("targets", "inputs", "known", "names"):
            if not isinstance(values[name], list) or not all(isinstance(column, str) for column in values[name]):
                raise ValueError(f"the {name} of a layout must be a list of names")
            values[name] = tuple(values[name])
        for name in ("history", "horizon", "step"):
            if type(values[name]) is not int or not 1 <= values[name] < 2**40:
                raise ValueError(f"the {name} of a layout must be a whole number above 0")
        if values["unit"] not in ("second", "month", "number") or type(values["calendar"]) is not bool:
            raise ValueError("a layout must have the unit second, month or number")
        if not isinstance(values["time"], str) or not isinstance(values["series"], str | None):
            raise ValueError("a layout must have the name of a column of times")
        return cls(**values)


def time_label(time: int, layout: Layout) -> str:
    """Return a time as text."""
    if layout.unit == "month":
        return f"{time // 12:04d}-{time % 12 + 1:02d}-01"
    if layout.unit == "number":
        return str(time)
    moment = datetime.fromtimestamp(int(time), UTC)
    return (
        moment.date().isoformat()
        if layout.step % DAY == 0 and time % DAY == 0
        else moment.strftime("%Y-%m-%d %H:%M:%S")
    )


def step_words(unit: str, step: int) -> str:
    if unit != "second":
        return f"{step} {'months' if unit == 'month' else ''}".strip()
    for name, seconds in (("days", DAY), ("hours", 3600), ("minutes", 60)):
        if step % seconds == 0:
            count = step // seconds
            return f"{count} {name[:-1] if count == 1 else name}"
    return f"{step} seconds"
