"""Time series from files: CSV and Parquet with a row for each time of each series."""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from passerelle.data.containers import seekable
from passerelle.data.files import inner_name, input_name, open_input, read_lines
from passerelle.data.layout import Layout, step_words
from passerelle.errors import DataError, did_you_mean
from passerelle.settings import MAX_LINE

__all__ = ["Series", "read_series"]

SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Series:
    """One time series.

    Attributes:
        name: its name; empty if the file has a single series.
        times: int64 (steps,), seconds since 1970, months since year 0, or whole numbers, at equal steps.
        labels: the times as the file writes them.
        values: float64 (steps, columns), in the order of `Layout.columns`; NaN where the file has no value.
        rows: row of the file of each step, for messages.
    """

    name: str
    times: np.ndarray
    labels: Sequence[str]
    values: np.ndarray
    rows: Sequence[int]


def read_series(path: str | os.PathLike[str], layout: Layout) -> tuple[list[Series], Layout]:
    """Read time series.

    Args:
        path: `.csv` with a header, or `.parquet`, both with one row for each time of each series. May be packed.
        layout: the columns; if its step is 0, the step is found.

    Returns:
        The series in the order of the file, and the layout with its step.

    Raises:
        DataError: if the file cannot be read, lacks a column, or has no rows; or a time or a number is invalid, times
            are not at equal steps, or a row is there twice. The message names the row.
    """
    name = input_name(path)
    columns = [layout.time, *([layout.series] if layout.series else []), *layout.columns]
    read = _read_parquet if inner_name(path).endswith((".parquet", ".pq")) else _read_csv
    found: dict[str, list[tuple[int, Any, list[Any]]]] = {}
    for row, values in read(path, columns):
        key = str(values[1]) if layout.series else ""
        found.setdefault(key, []).append((row, values[0], values[1 + (layout.series is not None) :]))
    if not found:
        raise DataError(f"{name} contains no rows. Each row needs a time and numbers.")
    units = _units([time for rows in found.values() for _, time, _ in rows[:3]], layout)
    series = [_series(key, rows, layout, units, name) for key, rows in found.items()]
    unit, step = (layout.unit, layout.step) if layout.step else _step(series, units, name)
    series = [_converted(each, unit) for each in series]
    for each in series:
        _check_steps(each, unit, step, name)
    return series, replace(layout, step=step, unit=unit)


def _read_csv(path: str | os.PathLike[str], columns: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    name = input_name(path)
    lines = read_lines(path, keep_ends=True, max_line=MAX_LINE)
    header = next(lines, "")
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(lines, delimiter=separator)
    names = [each.strip() for each in next(csv.reader([header], delimiter=separator), [])]
    places = _places(columns, names, f"{name}, line 1")
    for fields in reader:
        line = reader.line_num + 1
        if not fields:
            continue
        if len(fields) != len(names):
            raise DataError(f"{name}, line {line}: {len(fields)} fields, but the header has {len(names)}.")
        yield line, [fields[place].strip() for place in places]


def _read_parquet(path: str | os.PathLike[str], columns: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    name = input_name(path)
    try:
        import pyarrow as arrow  # pyright: ignore[reportMissingImports]
        from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise DataError(f"{name}: Parquet requires pyarrow. Install it: pip install pyarrow") from None
    with ExitStack() as stack:
        stream: Any = stack.enter_context(seekable(stack.enter_context(open_input(path)), name))
        try:
            table = ParquetFile(stream)
            names = table.schema_arrow.names
            chosen = [names[place] for place in _places(columns, names, name)]
            number = 0
            for batch in table.iter_batches(columns=chosen, use_threads=False):
                for row in zip(*(batch.column(column).to_pylist() for column in chosen), strict=True):
                    number += 1
                    yield number, list(row)
        except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise DataError(f"{name}: invalid Parquet ({reason}). Write the file again.") from None


def _places(columns: Sequence[str], names: Sequence[str], where: str) -> list[int]:
    if not any(names):
        raise DataError(f"{where}: there are no names of columns. The first row must have them.")
    for column in columns:
        if column not in names:
            raise DataError(f"{where}: there is no column {column!r}.{did_you_mean(column, names)}")
    return [list(names).index(column) for column in columns]


def _units(times: Sequence[Any], layout: Layout) -> str:
    """Return `number` if the times are whole numbers, otherwise `second`."""
    if layout.unit:
        return "number" if layout.unit == "number" else "second"
    return "number" if all(_whole(time) is not None for time in times) else "second"


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 16 else None


def _series(key: str, rows: list[tuple[int, Any, list[Any]]], layout: Layout, units: str, file: str) -> Series:
    times = np.array([_time(time, units, f"{file}, row {row}", layout.time) for row, time, _ in rows], np.int64)
    numbers = [
        [_number(value, f"{file}, row {row}", column) for value, column in zip(values, layout.columns, strict=True)]
        for row, _, values in rows
    ]
    return Series(key, times, [str(time) for _, time, _ in rows], np.array(numbers, float), [row for row, *_ in rows])


def _time(value: Any, units: str, where: str, column: str) -> int:
    if units == "number":
        if (whole := _whole(value)) is not None:
            return whole
        raise DataError(
            f"{where}, column {column!r}: expected a whole number as in the rows before, received: {value!r:.40}"
        )
    try:
        if isinstance(value, datetime | date):
            moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        else:
            moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise DataError(
            f"{where}, column {column!r}: expected a date or time such as 2024-01-31 or 2024-01-31 18:00, received: "
            f"{value!r:.40}"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _number(value: Any, where: str, column: str) -> float:
    """Return a number; NaN for an empty cell."""
    if value is None or value == "":
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataError(f"{where}, column {column!r}: expected a number, received: {value!r:.40}") from None
    if math.isinf(number):
        raise DataError(f"{where}, column {column!r}: expected a finite number, received: {value!r:.40}")
    return number


def _step(series: Sequence[Series], units: str, file: str) -> tuple[str, int]:
    """Return the unit and the step: the most frequent difference of times; months if all are first days of months."""
    differences = np.concatenate([np.diff(each.times) for each in series])
    if not len(differences):
        raise DataError(f"{file}: every series has a single row. A forecast needs more.")
    if units == "second":
        moments = [datetime.fromtimestamp(int(time), UTC) for each in series for time in each.times[:60]]
        if all((each.day, each.hour, each.minute, each.second) == (1, 0, 0, 0) for each in moments):
            months = np.concatenate([np.diff(_months(each.times)) for each in series])
            return "month", _most_frequent(months, file)
    return units, _most_frequent(differences, file)


def _most_frequent(differences: np.ndarray, file: str) -> int:
    values, counts = np.unique(differences[differences > 0], return_counts=True)
    if not len(values):
        raise DataError(f"{file}: the times do not increase. Sort the rows by time; name the column of the series.")
    return int(values[np.argmax(counts)])


def _months(times: np.ndarray) -> np.ndarray:
    moments = [datetime.fromtimestamp(int(time), UTC) for time in times]
    return np.array([each.year * 12 + each.month - 1 for each in moments], np.int64)


def _converted(series: Series, unit: str) -> Series:
    return series if unit != "month" else replace(series, times=_months(series.times))


def _check_steps(series: Series, unit: str, step: int, file: str) -> None:
    wrong = np.flatnonzero(np.diff(series.times) != step)
    if not len(wrong):
        return
    place = int(wrong[0]) + 1
    difference = int(series.times[place] - series.times[place - 1])
    where = f"{file}, row {series.rows[place]}" + (f", series {series.name!r}" if series.name else "")
    before, after = series.labels[place - 1], series.labels[place]
    if difference == 0:
        raise DataError(f"{where}: the time {after} occurs twice. Remove a row, or name the column of the series.")
    if difference < 0:
        raise DataError(f"{where}: the time {after} is before {before}. Sort the rows by time.")
    kind = "a gap" if difference > step else "an unequal step"
    raise DataError(
        f"{where}: {kind} between {before} and {after}; the other rows are {step_words(unit, step)} apart. Fill the "
        f"missing rows, or resample the series."
    )
