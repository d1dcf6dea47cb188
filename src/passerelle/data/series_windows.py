"""Windows of time series, for training and evaluation, and the inputs of the forecast after their end."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from passerelle.data.calendar import calendar_inputs
from passerelle.data.layout import Layout, time_label
from passerelle.data.series import Series
from passerelle.data.windows import Windows
from passerelle.errors import DataError, did_you_mean

__all__ = ["last_windows", "next_times", "past_of", "recent_windows", "windows_of"]

MAX_RECENT = 500
"""Maximum number of windows of each series that `recent_windows` returns."""


def windows_of(series: Sequence[Series], layout: Layout, *, stride: int = 1, name: str = "windows") -> Windows:
    """Cut series into windows whose positions, in steps since 1970 (see `Series.times`), are common to all files.

    Raises:
        DataError: if a number is missing, a column is constant in all rows, or every series is too short.
    """
    long_enough = [each for each in series if len(each.times) >= layout.history + layout.horizon]
    if not long_enough:
        longest = max(series, key=lambda each: len(each.times))
        of_series = f" of series {longest.name!r}" if longest.name else ""
        raise DataError(
            f"{name}: the {len(longest.times):,} rows{of_series} are too few: {layout.history} of history and "
            f"{layout.horizon} of horizon need {layout.history + layout.horizon:,}. Use a shorter history or horizon."
        )
    for each in series:
        _check_complete(each, layout, name)
    windows = _cut(long_enough, layout, stride, name)
    values = np.concatenate([each.values[:, : layout.width] for each in series])
    for column, label in enumerate([*layout.targets, *layout.inputs]):
        if (values[:, column] == values[0, column]).all():
            raise DataError(
                f"{name}: column {label!r} is constant: all rows from row {series[0].rows[0]} on have "
                f"{values[0, column]:g}. Leave it out."
            )
    return windows


def recent_windows(series: Sequence[Series], layout: Layout, since: int, *, name: str) -> Windows | None:
    """Cut the windows at the end of series whose future is known, at most `MAX_RECENT` of each series.

    Args:
        series: the series.
        layout: their layout.
        since: the first position that a window may have.
        name: name of the file, for messages.

    Returns:
        None if there are no such windows, or numbers are missing in all of them.

    Raises:
        DataError: if the forecaster was not trained on a series.
    """
    least = layout.history + layout.horizon
    tails: list[Series] = []
    for each in series:
        begin = max(0, since - int(each.times[0]) // layout.step - layout.history, len(each.times) - least - MAX_RECENT)
        missing = np.flatnonzero(np.isnan(each.values).any(axis=1))
        begin = max(begin, int(missing[-1]) + 1) if len(missing) else begin
        if len(each.times) - begin >= least:
            tails.append(_rows(each, slice(begin, None)))
    return _cut(tails, layout, 1, name) if tails else None


def _cut(series: Sequence[Series], layout: Layout, stride: int, name: str) -> Windows:
    """Cut series that are complete and long enough into windows."""
    width = layout.width
    parts: list[Windows] = []
    for each in series:
        known = _known(each.values[:, width:], each.times, layout)
        cut = Windows.sliding(
            each.values[:, :width],
            history=layout.history,
            horizon=layout.horizon,
            targets=range(len(layout.targets)),
            known=known if known.shape[1] else None,
            stride=stride,
            names=[*layout.targets, *layout.inputs],
            name=name,
        )
        offset = int(each.times[0]) // layout.step
        static = np.repeat(_one_hot(each, layout, name)[None], len(cut), axis=0) if layout.names else None
        parts.append(replace(cut, positions=cut.positions + offset, static=static))
    joined = {
        attribute: None
        if getattr(parts[0], attribute) is None
        else np.concatenate([getattr(part, attribute) for part in parts])
        for attribute in ("history", "future", "known", "static", "positions")
    }
    names = parts[0].names | {"known": layout.known_names, "static": list(layout.names)}
    return replace(parts[0], **joined, names=names)


def _one_hot(series: Series, layout: Layout, file: str) -> np.ndarray:
    """Return the name of a series as numbers, (names,)."""
    if series.name not in layout.names:
        known = did_you_mean(series.name, layout.names)
        raise DataError(f"{file}: the forecaster was not trained on the series {series.name!r}.{known}")
    return (np.array(layout.names) == series.name).astype(float)


def _known(values: np.ndarray, times: np.ndarray, layout: Layout) -> np.ndarray:
    """Return the numbers that are known in advance at some times, (times, columns)."""
    if not layout.calendar:
        return values
    return np.concatenate([values, calendar_inputs(times, layout.unit, layout.step)], axis=1)


def next_times(series: Series, layout: Layout) -> np.ndarray:
    """Return the times of the forecast after a series, int64 (horizon,)."""
    return series.times[-1] + layout.step * np.arange(1, layout.horizon + 1)


def last_windows(
    series: Sequence[Series], layout: Layout, future: Sequence[Series] = (), *, name: str
) -> dict[str, np.ndarray]:
    """Return the inputs of the forecast after each series: `history`, (series, T, F); `known`, (series, H, K), and
    `static`, (series, S), if the forecaster has them.

    Args:
        series: the series.
        layout: their layout.
        future: for known columns, series that continue these at the times of the forecast.
        name: name of the file, for messages.

    Raises:
        DataError: if a series is shorter than the history, a number is missing, or the known columns are missing at the
            times of the forecast.
    """
    width = layout.width
    histories, known = [], []
    for each in series:
        if len(each.times) < layout.history:
            of_series = f"series {each.name!r} has" if each.name else "it has"
            raise DataError(
                f"{name}: {of_series} {len(each.times):,} rows, and the forecaster reads {layout.history:,}. Add rows."
            )
        tail = _rows(each, slice(-layout.history, None))
        _check_complete(tail, layout, name)
        histories.append(tail.values[:, :width])
        ahead = next_times(each, layout)
        values = np.empty((layout.horizon, 0))
        if layout.known:
            values = _values_at(future, each.name, ahead, layout, name)[:, width:]
        known.append(_known(values, ahead, layout))
    inputs = {"history": np.stack(histories)}
    if known[0].shape[1]:
        inputs["known"] = np.stack(known)
    if layout.names:
        inputs["static"] = np.stack([_one_hot(each, layout, name) for each in series])
    return inputs


def past_of(series: Series, layout: Layout) -> Series:
    """Return a series without the rows at its end that have no targets, but only known columns."""
    has_targets = ~np.isnan(series.values[:, : len(layout.targets)]).all(axis=1)
    end = int(np.flatnonzero(has_targets)[-1]) + 1 if has_targets.any() else 0
    return _rows(series, slice(end))


def _rows(series: Series, part: slice) -> Series:
    """Return a part of a series."""
    return Series(series.name, series.times[part], series.labels[part], series.values[part], series.rows[part])


def _values_at(future: Sequence[Series], name: str, times: np.ndarray, layout: Layout, file: str) -> np.ndarray:
    for each in future:
        if each.name == name:
            place = {int(time): row for row, time in enumerate(each.times)}
            if all(int(time) in place for time in times):
                return each.values[[place[int(time)] for time in times]]
    listed = ", ".join(map(repr, layout.known))
    raise DataError(
        f"{file}: the known columns {listed} are missing from {time_label(int(times[0]), layout)} to "
        f"{time_label(int(times[-1]), layout)}, the time of the forecast. Add rows with them and with empty targets."
    )


def _check_complete(series: Series, layout: Layout, file: str) -> None:
    missing = np.argwhere(np.isnan(series.values))
    if len(missing):
        step, column = missing[0].tolist()
        raise DataError(
            f"{file}, row {series.rows[step]}, column {layout.columns[column]!r}: the number is missing. Fill it, for "
            f"example with the number before, or start the file after it."
        )
