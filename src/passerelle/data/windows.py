"""Windows: the rows of a forecast, each with a history and the future after it, and their split by time."""

import hashlib
from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.errors import DataError, SettingsError

__all__ = ["Windows"]

DEFAULT_SHARE = 0.1
"""Share of the time that is held out for validation by default."""


@dataclass(frozen=True)
class Windows:
    """Rows of numbers for a forecast: the input sequence and the numbers that follow it.

    Attributes:
        history: input of each row: numbers (rows, T, F) or (rows, T), a list of arrays (T, F) of any lengths, or a list
            of texts.
        future: the numbers to forecast, (rows, H, G) or (rows, H).
        known: numbers that are known in advance for each step of the future, (rows, H, K) or (rows, H); None for none.
        static: numbers of each row that do not change, (rows, S); None for none.
        targets: the column of `history` that each column of `future` continues, counted from 0. None means the same
            columns if both have equally many, and otherwise that `history` does not contain them.
        names: names of the columns by attribute, such as `{"history": ["power", "voltage"]}`; by default numbers.
        positions: int (rows,), the time step at which the future of each row begins. The split by time needs it for
            windows that overlap; None means that no row overlaps another, and that rows are in order of time.
        name: where the rows come from, for messages.

    Example:
        >>> series = [[float(day % 7), 1.0] for day in range(60)]
        >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
        >>> windows.history.shape, windows.future.shape
        ((40, 14, 2), (40, 7, 1))
        >>> training, validation = windows.split(0.2)
        >>> len(training), len(validation)
        (26, 8)
    """

    history: Any
    future: Any
    known: Any = None
    static: Any = None
    targets: Sequence[int] | None = None
    names: Any = None
    positions: Any = None
    name: str = "windows"

    def __post_init__(self) -> None:
        for attribute in ("history", "future", "known", "static"):
            column: Any = getattr(self, attribute)
            if column is None and attribute in ("known", "static"):
                continue
            if isinstance(column, str) or not isinstance(column, Sized):
                raise DataError(f"{attribute} must be an array or a list of arrays, received: {column!r:.60}")
            if len(column) != len(self.history):
                raise DataError(
                    f"history, future, known and static must have equally many rows, received: {len(self.history)} of "
                    f"history and {len(column)} of {attribute}."
                )
        if self.positions is not None and np.shape(self.positions) != (len(self.history),):
            raise DataError(
                f"positions must be one whole number for each of {len(self.history)} rows, received the shape "
                f"{np.shape(self.positions)}."
            )

    @classmethod
    def sliding(
        cls,
        series: Any,
        *,
        history: int,
        horizon: int,
        targets: Sequence[int] | None = None,
        known: Any = None,
        stride: int = 1,
        names: Sequence[str] | None = None,
        name: str = "series",
    ) -> "Windows":
        """Cut one long series into windows.

        Args:
            series: numbers (steps, F) or (steps,), in order of time at equal steps.
            history: steps of the input of each window.
            horizon: steps to forecast.
            targets: the columns to forecast, counted from 0; None for all.
            known: numbers that are known in advance, (steps, K); None for none.
            stride: steps from one window to the next.
            names: names of the columns of the series.
            name: name of the series, for messages.

        Raises:
            DataError: if the series has another shape, or is shorter than one window.
            SettingsError: if an argument is below 1, or a target is no column.
        """
        for argument, value in (("history", history), ("horizon", horizon), ("stride", stride)):
            if type(value) is not int or value < 1:
                raise SettingsError(f"{argument} must be a whole number of at least 1, received: {value!r}")
        values = _table(series, name)
        targets = list(range(values.shape[1])) if targets is None else list(targets)
        if not targets or any(not 0 <= target < values.shape[1] for target in targets):
            raise SettingsError(f"targets must be columns from 0 to {values.shape[1] - 1}, received: {targets}")
        if len(values) < history + horizon:
            raise DataError(
                f"{name} has {len(values):,} steps; a window of {history} steps of history and {horizon} of horizon "
                f"needs {history + horizon:,}. Use a shorter history or horizon, or a longer series."
            )
        positions = np.arange(history, len(values) - horizon + 1, stride)
        past = values[positions[:, None] + np.arange(-history, 0)]
        ahead = positions[:, None] + np.arange(horizon)
        labels = [str(number) for number in range(1, values.shape[1] + 1)] if names is None else list(names)
        return cls(
            past,
            values[ahead][:, :, targets],
            known=None if known is None else _table(known, f"{name}, known", len(values))[ahead],
            targets=targets,
            names={"history": labels, "future": [labels[target] for target in targets]},
            positions=positions,
            name=name,
        )

    def __len__(self) -> int:
        return len(self.history)

    @property
    def horizon(self) -> int:
        """Steps of the first future."""
        return len(self.future[0])

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that the windows have, by name: `history`, `known`, `static` and `future`."""
        columns = {name: getattr(self, name) for name in ("history", "known", "static", "future")}
        return {name: column for name, column in columns.items() if column is not None}

    def fingerprint(self) -> str:
        """Return the SHA-256 of all rows in order; the same data has the same fingerprint."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for name, column in self.columns.items():
            for row in column:
                values = (
                    row.encode("utf-8", "surrogatepass") if isinstance(row, str) else np.asarray(row, float).tobytes()
                )
                digest.update(name.encode() + values)
        return digest.hexdigest()

    def rows(self, chosen: Sequence[int] | np.ndarray) -> "Windows":
        """Return the windows at these positions."""
        chosen = np.asarray(chosen, np.int64)

        def taken(column: Any) -> Any:
            if column is None or isinstance(column, np.ndarray):
                return column if column is None else column[chosen]
            return [column[row] for row in chosen.tolist()]

        columns = {name: taken(getattr(self, name)) for name in ("history", "future", "known", "static", "positions")}
        return replace(self, **columns)

    def split(self, share: float | None = None) -> "tuple[Windows, Windows]":
        """Hold out the last part of the time.

        No training window contains a step of a validation window's future, so no number that is forecast in validation
        was used for training. Windows that contain steps of both sides are dropped.

        Args:
            share: share of the windows to hold out, from 0 up to but excluding 1; None for a tenth, and 0 for nothing.

        Returns:
            Training windows and validation windows, in order of time.

        Raises:
            DataError: if one of both is empty.
            SettingsError: if `share` is out of range.
        """
        share = DEFAULT_SHARE if share is None else share
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise SettingsError(f"validation must be at least 0 and less than 1, received: {share!r}")
        # Rows without positions do not overlap: each takes the time of its own future.
        positions = np.arange(len(self)) * self.horizon if self.positions is None else np.asarray(self.positions)
        order = np.argsort(positions, kind="stable")
        if not share:
            return self.rows(order), self.rows(order[:0])
        begin = np.quantile(positions, 1.0 - share, method="higher")
        after = order[positions[order] >= begin]
        before = order[positions[order] + self.horizon <= begin]
        if not len(before) or not len(after):
            raise DataError(
                f"{self.name}: {len(self)} windows are too few for a validation share of {share:g}. Use a longer "
                f"series, another share, or validation=0."
            )
        return self.rows(before), self.rows(after)


def _table(values: Any, name: str, steps: int | None = None) -> np.ndarray:
    """Return numbers as float64 (steps, columns)."""
    try:
        table = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must have numbers, received: {values!r:.60}") from None
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or not table.shape[1] or steps not in (None, len(table)):
        expected = "(steps, columns)" if steps is None else f"({steps}, columns)"
        raise DataError(f"{name} must have the shape {expected}, received: {table.shape}.")
    return table
