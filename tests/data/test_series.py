"""Time series from files: steps of any unit, windows, and the one line for each thing that can go wrong."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from passerelle.data.calendar import calendar_inputs, calendar_names
from passerelle.data.layout import Layout, time_label
from passerelle.data.series import read_series
from passerelle.data.series_windows import last_windows, next_times, past_of, recent_windows, windows_of
from passerelle.errors import DataError

LAYOUT = Layout("date", ("power",), ("volts",), history=3, horizon=2)


def days(count: int, start: date = date(2024, 1, 1)) -> list[str]:
    return [(start + timedelta(number)).isoformat() for number in range(count)]


def rows_of(times: list[str]) -> list[str]:
    return [f"{time},{number % 4},{number % 7 + 0.5}" for number, time in enumerate(times)]


def file_of(folder: Path, rows: list[str], header: str = "date,power,volts") -> Path:
    path = folder / "power.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_file_becomes_windows_with_calendar_inputs(tmp_path: Path) -> None:
    (series,), layout = read_series(file_of(tmp_path, rows_of(days(10))), LAYOUT)
    assert (layout.unit, layout.step) == ("second", 86_400)
    windows = windows_of([series], layout)
    assert windows.history[1].tolist() == [[1.0, 1.5], [2.0, 2.5], [3.0, 3.5]]
    assert windows.future[1].ravel().tolist() == [0.0, 1.0]
    assert windows.names["future"] == ["power"]
    weekday = windows.names["known"].index("calendar Friday")
    assert windows.known[1, :, weekday].tolist() == [1.0, 0.0]  # 2024-01-05 and 06
    assert [time_label(time, layout) for time in next_times(series, layout)] == ["2024-01-11", "2024-01-12"]


@pytest.mark.parametrize(
    ("times", "unit", "step", "following"),
    [
        (["2024-01-31 22:00", "2024-01-31 23:00", "2024-02-01 00:00"], "second", 3600, "2024-02-01 01:00:00"),
        (["2023-11-01", "2023-12-01", "2024-01-01"], "month", 1, "2024-02-01"),
        (["5", "10", "15"], "number", 5, "20"),
    ],
)
def test_steps_of_any_unit(tmp_path: Path, times: list[str], unit: str, step: int, following: str) -> None:
    (series,), layout = read_series(file_of(tmp_path, rows_of(times)), LAYOUT)
    assert (layout.unit, layout.step) == (unit, step)
    assert time_label(int(next_times(series, layout)[0]), layout) == following
    assert calendar_inputs(series.times, unit, step).shape == (3, len(calendar_names(unit, step)))


def test_several_series_have_common_positions_and_their_names_as_input(tmp_path: Path) -> None:
    rows = [f"{row},a" for row in rows_of(days(8))] + [f"{row},b" for row in rows_of(days(6, date(2024, 1, 3)))]
    path = file_of(tmp_path, rows, "date,power,volts,house")
    layout = Layout("date", ("power",), ("volts",), series="house", history=3, horizon=2, names=("a", "b"))
    series, layout = read_series(path, layout)
    windows = windows_of(series, layout)
    first = int(series[0].times[0]) // 86_400  # days since 1970
    assert (windows.positions - first).tolist() == [3, 4, 5, 6, 5, 6]
    recent = recent_windows(series, layout, first + 5, name="file")
    assert recent is not None
    assert (recent.positions - first).tolist() == [5, 6, 5, 6]
    np.testing.assert_array_equal(recent.future, windows.future[[2, 3, 4, 5]])
    assert recent_windows(series, layout, first + 7, name="file") is None
    series[1].values[3, 0] = np.nan  # then its windows would contain a missing number
    recent = recent_windows(series, layout, first, name="file")
    assert recent is not None
    assert (recent.positions - first).tolist() == [3, 4, 5, 6]
    series[1].values[3, 0] = 0.0
    assert windows.static.tolist() == [[1, 0]] * 4 + [[0, 1]] * 2
    training, validation = windows.split(0.3)
    assert max(training.positions) + 2 <= min(validation.positions)
    unseen = Layout(**{**layout.__dict__, "names": ("a", "c")})
    with pytest.raises(DataError, match="was not trained on the series 'b'"):
        windows_of(series, unseen)


def test_known_columns_come_from_rows_without_targets(tmp_path: Path) -> None:
    layout = Layout("date", ("power",), (), ("holiday",), history=3, horizon=2, calendar=False)
    times = days(7)
    rows = [f"{time},{number},0" for number, time in enumerate(times[:5])] + [f"{times[5]},,1", f"{times[6]},,0"]
    series, layout = read_series(file_of(tmp_path, rows, "date,power,holiday"), layout)
    past = [past_of(each, layout) for each in series]
    inputs = last_windows(past, layout, series, name="power.csv")
    assert inputs["history"].ravel().tolist() == [2.0, 3.0, 4.0]
    assert inputs["known"].ravel().tolist() == [1.0, 0.0]
    with pytest.raises(
        DataError, match="'holiday' are missing from 2024-01-06 to 2024-01-07, the time of the forecast"
    ):
        last_windows(past, layout, past, name="power.csv")


def test_a_parquet_file_gives_the_series_of_the_csv_file(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    table = {"power": np.arange(6.0), "date": [date(2024, 1, 1) + timedelta(n) for n in range(6)], "volts": range(6)}
    write_table(arrow.table(table), tmp_path / "power.parquet")
    (series,), layout = read_series(tmp_path / "power.parquet", LAYOUT)
    assert series.values.tolist() == [[number, number] for number in range(6)]
    assert layout.step == 86_400


def changed(place: int, row: str) -> list[str]:
    rows = rows_of(days(10))
    return [*rows[:place], *([row] if row else []), *rows[place + 1 :]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(4, ""), "row 6: a gap between 2024-01-04 and 2024-01-06; the other rows are 1 day apart"),
        (changed(4, "2024-01-04,1,1"), "row 6: the time 2024-01-04 occurs twice"),
        (changed(4, "2024-01-02,1,1"), "row 6: the time 2024-01-02 is before 2024-01-04"),
        (changed(4, "2024-01-05 06:00,1,1"), "row 6: a gap between 2024-01-04 and 2024-01-05 06:00"),
        (changed(4, "05.01.2024,1,1"), "row 6, column 'date': expected a date or time such as .* '05.01.2024'"),
        (changed(4, "2024-01-05,high,1"), "row 6, column 'power': expected a number, received: 'high'"),
        (changed(4, "2024-01-05,inf,1"), "row 6, column 'power': expected a finite number, received: 'inf'"),
        (changed(4, "2024-01-05,,1"), "row 6, column 'power': the number is missing"),
        (changed(4, "2024-01-05,1"), "line 6: 2 fields, but the header has 3"),
        ([f"{time},1,{n}" for n, time in enumerate(days(9))], "column 'power' is constant: .* have 1"),
        (rows_of(days(4)), "the 4 rows are too few: 3 of history and 2 of horizon need 5"),
        ([], "contains no rows"),
    ],
)
def test_what_can_go_wrong_is_named_with_its_row(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        windows_of(*read_series(file_of(tmp_path, rows), LAYOUT))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: there is no column 'volts'. Did you mean 'volt'"):
        read_series(file_of(tmp_path, rows_of(days(9)), "date,power,volt"), LAYOUT)


@pytest.mark.parametrize("change", [{"step": 0}, {"unit": "week"}, {"targets": "power"}, {"time": 1}, {"names": [1]}])
def test_a_manipulated_layout_is_refused(change: dict) -> None:
    content = Layout("date", ("power",), step=1, unit="number").to_json()
    assert Layout.from_json(content).to_json() == content
    with pytest.raises((ValueError, TypeError)):
        Layout.from_json(content | change)
