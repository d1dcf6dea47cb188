"""Mistakes in time series and arrays, each with its one line, in commands; tests/data and tests/fields have Python."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SERIES = ["--time", "date", "--target", "power", "--series", "house"]
TRAINING = ["--units", "4", "--epochs", "1", "--no-calendar"]


def table(days: int = 40, houses: str = "ab") -> list[list[str]]:
    """Rows of date, power and house; the first row of each house has the power 0."""
    return [[str(date(2024, 1, 1) + timedelta(day)), str(day % 7), house] for house in houses for day in range(days)]


def write(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in [["date", "power", "house"], *rows]))


def with_cell(row: int, column: int, value: str) -> list[list[str]]:
    rows = table()
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (with_cell(3, 1, "nan"), {}, "power.csv, row 5, column 'power': the number is missing"),
        (with_cell(3, 1, "-inf"), {}, "power.csv, row 5, column 'power': expected a finite number, received: '-inf'"),
        (with_cell(3, 1, "high"), {}, "power.csv, row 5, column 'power': expected a number, received: 'high'"),
        (with_cell(3, 1, ""), {}, "power.csv, row 5, column 'power': the number is missing"),
        (
            with_cell(3, 0, "2024-01-04 06:00"),
            {},
            "power.csv, row 5, series 'a': a gap between 2024-01-03 and 2024-01-04 06:00",
        ),
        (table()[:3] + table()[4:], {}, "power.csv, row 5, series 'a': a gap between 2024-01-03 and 2024-01-05"),
        (table(), {"--horizon": "50"}, "the 40 rows of series 'a' are too few: 5 of history and 50 of horizon need 55"),
        (table(), {"--history": "39"}, "the 40 rows of series 'a' are too few: 39 of history and 2 of horizon need 41"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_series_that_cannot_be_trained_on(
    quick: Any, tmp_path: Path, rows: list[list[str]], options: dict[str, str], message: str
) -> None:
    write(tmp_path / "power.csv", rows)
    sizes = {"--history": "5", "--horizon": "2"} | options
    words = [word for pair in sizes.items() for word in pair]
    assert message in quick("train-forecaster", "power.csv", *SERIES, *words, *TRAINING).refused()


@pytest.mark.parametrize("content", ["", "\n", ",,\n"])
def test_a_file_without_names_of_columns(quick: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "power.csv").write_text(content)
    words = ["train-forecaster", "power.csv", *SERIES, "--history", "5", "--horizon", "2"]
    assert "there are no names of columns. The first row must have them" in quick(*words).refused()


def test_series_that_cannot_be_forecast(quick: Any, tmp_path: Path) -> None:
    write(tmp_path / "power.csv", table())
    trained = quick("train-forecaster", "power.csv", *SERIES, "--history", "5", "--horizon", "2", *TRAINING)
    assert trained.status == 0, trained.err
    for rows, message in (
        (table(4), "series 'a' has 4 rows, and the forecaster reads 5. Add rows."),
        (table(houses="ac"), "the forecaster was not trained on the series 'c'"),
        (with_cell(39, 1, "inf"), "row 41, column 'power': expected a finite number, received: 'inf'"),
        (with_cell(39, 1, "much"), "row 41, column 'power': expected a number, received: 'much'"),
        (with_cell(39, 0, "2024-02-12"), "row 41, series 'a': a gap between 2024-02-08 and 2024-02-12"),
    ):
        write(tmp_path / "later.csv", rows)
        assert message in quick("predict", "power.keras", "later.csv").refused()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda history, future: (history[:-1], future), "must have equally many rows, received: 29 of history and 30"),
        (lambda history, future: (history[..., 0, 0], future), "history, row 1: expected"),
        (lambda history, future: (np.where(history > 2, np.nan, history), future), "expected a finite number"),
        (lambda history, future: (np.where(history > 2, np.inf, history), future), "expected a finite number"),
        (lambda history, future: (np.full(history.shape, "high"), future), "expected numbers"),
    ],
)
def test_arrays_that_cannot_be_trained_on(quick: Any, tmp_path: Path, change: Callable[..., Any], message: str) -> None:
    random = np.random.default_rng(0)
    history, future = change(random.normal(size=(30, 6, 2)), random.normal(size=(30, 3)))
    np.savez(tmp_path / "arrays.npz", history=history, future=future)
    assert message in quick("train-forecaster", "arrays.npz", *TRAINING[:-1]).refused()
