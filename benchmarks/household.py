"""Household power: forecast the daily totals of the next week, as the readers of the tutorials do it.

The data are ../shared/data/numeric/household_power_days.csv. Training weeks are the rows 1 to -328, and the 46 weeks of
the rows -328 to -6 are for testing: each week is forecast from the days before it, and its true days then join the
history (walk-forward; the networks are not trained again, but the intervals adapt to the errors of the weeks before).
The score is the root mean squared error over all test days, in the unit of the file. The settings were chosen on the
last 322 training days; the network is then trained on all training days with the same number of epochs, and its
intervals have the calibration of the 322 days.

Finished seeds are stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import passerelle
from forecast_seeds import coverage_cells, run_seeds
from passerelle.data.layout import Layout
from passerelle.data.series import read_series
from passerelle.data.series_windows import windows_of
from passerelle.data.windows import Windows
from passerelle.forecasting import train_again

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data" / "numeric" / "household_power_days.csv"
TARGET = "Global_active_power"
HISTORY, HORIZON = 56, 7
FIRST, TEST_DAYS, REST = 1, 322, 6
SETTINGS = {
    "network": {"attention": "general", "decoder": {"head": "mean"}},
    "training": {"epochs": 6, "keep": "last", "patience": 0},
}
"""Changes to the preset forecast; the last epoch is kept, as in the final training, which has no validation days."""


def main() -> None:
    """Train the missing seeds, then print the table and write it to `--out`."""
    run_seeds(__doc__, DATA, SETTINGS, HERE / "results" / "household", run, table)


def run(path: Path, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train with one seed and return the scores on validation and test weeks."""
    started = time.perf_counter()
    windows = windows_of_file(path)
    test_begin = int(windows.positions.max()) + HORIZON - REST - TEST_DAYS
    validation_begin = test_begin - TEST_DAYS
    options: dict[str, Any] = {"preset": "forecast", "settings": settings, "seed": seed, "season": 7}
    held_out = between(windows, validation_begin, test_begin)
    chosen = passerelle.train_forecaster(before(windows, validation_begin), validation=held_out, **options)
    final = train_again(chosen, before(windows, test_begin))
    validation = chosen.evaluate(between(windows, validation_begin, test_begin, stride=HORIZON))
    test_weeks = between(windows, test_begin, test_begin + TEST_DAYS, stride=HORIZON)
    test, fixed = final.evaluate(test_weeks), final.evaluate(test_weeks, adapt=False)
    scores = {
        part: {name: {**one.__dict__, "coverage": dict(one.coverage or {})} for name, one in report.scores.items()}
        for part, report in (("validation", validation), ("test", test))
    }
    scores["test"]["model"]["fixed_coverage"] = dict(fixed.scores["model"].coverage or {})
    return {"seconds": round(time.perf_counter() - started, 1), "weeks": test.rows, **scores}


def windows_of_file(path: Path) -> Windows:
    """Return all windows of the file, one for each day."""
    layout = Layout("date", (TARGET,), history=HISTORY, horizon=HORIZON)
    series, layout = read_series(path, layout)
    windows = windows_of(series, layout, name=path.name)
    return replace(windows, positions=windows.positions - windows.positions[0] + HISTORY)  # rows of the file, from 0


def before(windows: Windows, end: int) -> Windows:
    """Return the windows of the days FIRST to `end`, which is excluded."""
    positions = windows.positions
    return windows.rows(np.flatnonzero((positions - HISTORY >= FIRST) & (positions + HORIZON <= end)))


def between(windows: Windows, begin: int, end: int, *, stride: int = 1) -> Windows:
    """Return the windows whose futures are from `begin` to `end`, which is excluded."""
    starts = range(begin, end - HORIZON + 1, stride)
    return windows.rows(np.flatnonzero(np.isin(windows.positions, starts)))


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: RMSE of each forecast, mean and range over the seeds, and the coverage."""
    lines = ["| forecast | validation RMSE | test RMSE | coverage of 80 and 90 % in test | not adapted |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for name in rows[0]["test"]:
        cells = [_span([row[part][name]["rmse"] for row in rows]) for part in ("validation", "test")]
        covered = coverage_cells([row["test"][name] for row in rows])
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {covered} |")
    seconds = statistics.mean(row["seconds"] for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} seeds, {rows[0]['weeks']} test weeks, {seconds:.0f} s each", ""])


def _span(values: list[float]) -> str:
    if max(values) - min(values) < 0.05:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
