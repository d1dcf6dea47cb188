"""The benchmarks of forecasts: their splits by time, and seeds that are already finished."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import etth1
import household
from passerelle.data.windows import Windows


def test_no_test_day_is_in_a_training_window() -> None:
    windows = Windows.sliding(np.arange(900.0), history=household.HISTORY, horizon=household.HORIZON)
    training, test = household.before(windows, 500), household.between(windows, 500, 507 * 1, stride=7)
    assert max(training.future.max(), training.history.max()) == 499
    assert test.future[0, 0, 0] == 500


def test_each_column_of_etth1_is_a_row() -> None:
    values = np.arange(400.0).reshape(200, 2)
    windows = etth1.windows_of(values)
    assert windows.history[:2, 0, 0].tolist() == [0.0, 1.0]
    assert windows.future[1, 0, 0] == values[etth1.HISTORY, 1]
    assert windows.static[:2].tolist() == [[1, 0], [0, 1]]
    assert windows.positions[:3].tolist() == [etth1.HISTORY, etth1.HISTORY, etth1.HISTORY + 1]


@pytest.mark.parametrize("benchmark", [etth1, household])
def test_finished_seeds_are_not_repeated(
    benchmark: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage, fixed = {"0.8": 0.79, "0.9": 0.91}, {"0.8": 0.7, "0.9": 0.8}
    scores = {"model": {"rmse": 340.0, "mse": 0.38, "mae": 0.4, "coverage": coverage, "fixed_coverage": fixed}}
    row = {"seconds": 9.0, "weeks": 46, "validation": scores, "test": scores}
    (tmp_path / "seed-1.json").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(benchmark, "run", lambda *_: pytest.fail("a finished seed was repeated"))
    monkeypatch.setattr(sys, "argv", ["x", "--seeds", "1", "--data", str(tmp_path), "--out", str(tmp_path)])
    benchmark.main()  # pyright: ignore[reportAttributeAccessIssue]
    assert "79.0, 91.0 | 70.0, 80.0 |" in capsys.readouterr().out
