"""ETTh1: forecast 96 hours of seven columns from the 96 hours before, by the usual splits and standardization.

The data are ../shared/data/numeric/ETTh1.csv.gz: 12 months for training, 4 for validation and 4 for testing. All
columns are standardized by the training rows. The scores are the mean squared and the mean absolute error of the
standardized numbers over all test windows. Each column is forecast from its own history by the same network, which also
reads the number of the column, as in SegRNN (arXiv:2308.11200); 24 hours are one vector (`numbers.segment`). The
settings were chosen by the validation windows. The intervals of each test window adapt to the errors of the windows
whose hours have all passed when its forecast begins.

Finished seeds are stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import csv
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import passerelle
from forecast_seeds import coverage_cells, run_seeds
from passerelle.data.files import read_lines
from passerelle.data.windows import Windows

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data" / "numeric" / "ETTh1.csv.gz"
HISTORY = HORIZON = 96
TRAINING, VALIDATION, TEST = 8640, 2880, 2880
SETTINGS = {
    "numbers": {"scaling": "last", "segment": 24},
    "network": {"encoder": {"embedding": 128, "units": 128}, "decoder": {"head": "median", "units": 128}},
    "training": {"epochs": 10, "batch_size": 256, "patience": 3, "learning_rate": 0.001},
}
"""Changes to the preset forecast."""


def main() -> None:
    """Train the missing seeds, then print the table and write it to `--out`."""
    run_seeds(__doc__, DATA, SETTINGS, HERE / "results" / "etth1", run, table)


def run(path: Path, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train with one seed and return the scores on validation and test windows."""
    started = time.perf_counter()
    values = standardized(path)
    training, validation, test = (
        windows_of(values[max(0, begin - HISTORY) : begin + count])
        for begin, count in ((0, TRAINING), (TRAINING, VALIDATION), (TRAINING + VALIDATION, TEST))
    )
    options: dict[str, Any] = {"preset": "forecast", "settings": settings, "seed": seed, "season": 24}
    forecaster = passerelle.train_forecaster(training, validation=validation, **options)
    seconds = round(time.perf_counter() - started, 1)
    scores = {}
    for part, windows in (("validation", validation), ("test", test)):
        report = forecaster.evaluate(windows)
        fixed = forecaster.evaluate(windows, adapt=False).scores["model"].coverage
        scores[part] = {
            name: {"mse": one.rmse**2, "mae": one.mae, "coverage": dict(one.coverage or {})}
            for name, one in report.scores.items()
        }
        scores[part]["model"]["fixed_coverage"] = dict(fixed or {})
    return {"seconds": seconds, **scores}


def standardized(path: Path) -> np.ndarray:
    """Return the numbers of the file, (hours, columns), standardized by the training hours."""
    rows = list(csv.reader(read_lines(path)))[1 : TRAINING + VALIDATION + TEST + 1]
    values = np.array([[float(number) for number in row[1:]] for row in rows])
    return (values - values[:TRAINING].mean(axis=0)) / values[:TRAINING].std(axis=0)


def windows_of(values: np.ndarray) -> Windows:
    """Return the windows of each column as a row of its own, with the column as static numbers."""
    windows = Windows.sliding(values, history=HISTORY, horizon=HORIZON)
    columns = values.shape[1]
    return Windows(
        np.swapaxes(windows.history, 1, 2).reshape(-1, HISTORY, 1),
        np.swapaxes(windows.future, 1, 2).reshape(-1, HORIZON, 1),
        static=np.tile(np.eye(columns), (len(windows), 1)),
        positions=np.repeat(windows.positions, columns),
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: errors of each forecast, mean and range over the seeds, and the coverage."""
    lines = ["| forecast | validation MSE | test MSE | test MAE | coverage of 80 and 90 % in test | not adapted |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for name in rows[0]["test"]:
        places = (("validation", "mse"), ("test", "mse"), ("test", "mae"))
        cells = [_span([row[part][name][score] for row in rows]) for part, score in places]
        covered = coverage_cells([row["test"][name] for row in rows])
        lines.append(f"| {name} | {' | '.join(cells)} | {covered} |")
    seconds = statistics.mean(row["seconds"] for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} seeds, trained in {seconds:.0f} s each", ""])


def _span(values: list[float]) -> str:
    if max(values) - min(values) < 0.0005:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
