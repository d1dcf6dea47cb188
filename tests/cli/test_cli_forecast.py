"""passerelle train-forecaster, predict and evaluate-forecaster, in processes."""

import csv
import json
import os
import signal
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle

TRAINING = ["--units", "8", "--epochs", "2", "--season", "7"]
SERIES = ["--time", "date", "--target", "power", "--inputs", "volts", "--history", "14", "--horizon", "7"]


def write_series(path: Path, days: int = 120) -> None:
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["date", "power", "volts"])
        for day in range(days):
            power = 10.0 + 3.0 * np.sin(2 * np.pi * day / 7) + random.normal(0, 0.2)
            writer.writerow([date(2024, 1, 1) + timedelta(day), f"{power:.3f}", f"{random.normal(230, 1):.2f}"])


def test_a_series_is_trained_on_predicted_plotted_and_evaluated(quick: Any, tmp_path: Path) -> None:
    write_series(tmp_path / "power.csv")
    trained = quick("train-forecaster", "power.csv", *SERIES, *TRAINING, "--refit", "--out", "power.keras")
    assert trained.status == 0, trained.err
    assert "training once more on all 100 windows" in trained.err
    assert "seasonal naive" in trained.err
    words = ["predict", "power.keras", "power.csv", "--quantiles", "0.1,0.9", "--out", "f.csv", "--plot", "f.svg"]
    predicted = quick(*words)
    assert predicted.status == 0, predicted.err
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["date"] for row in rows] == [(date(2024, 4, 30) + timedelta(day)).isoformat() for day in range(7)]
    assert all(float(row["q0.1"]) <= float(row["q0.9"]) for row in rows)
    assert all(5 < float(row["forecast"]) < 15 for row in rows)
    assert (tmp_path / "f.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "f.csv exists. Add --overwrite" in quick(*words).refused()
    described = quick("describe", "power.keras")
    assert 'future: 1 columns of numbers, 7 steps, scaling column: "power"' in described.out
    assert quick("diagram", "power.keras").status == 0
    assert "the output of this model has numbers" in quick("translate", "power.keras", "text").refused()
    assert predicted.err == ""  # no rows after the training data, so nothing to adapt to
    evaluated = quick("evaluate-forecaster", "power.keras", "power.csv", "--stride", "7", "--json")
    assert set(json.loads(evaluated.out)["scores"]) == {"model", "naive", "seasonal naive", "ridge"}
    assert json.loads(evaluated.out)["adapted"]
    assert "intervals:" not in quick("evaluate-forecaster", "power.keras", "power.csv", "--no-adapt").out
    write_series(tmp_path / "later.csv", 160)  # the same 120 days, and 40 more
    adapted, fixed = (quick("predict", "power.keras", "later.csv", *flag) for flag in ([], ["--no-adapt"]))
    assert "intervals adapted to the errors on 34 windows after the training data" in adapted.err
    assert (fixed.err, fixed.status) == ("", 0)
    assert adapted.out != fixed.out
    forecasts = ([row.split(",")[2] for row in found.out.split()] for found in (adapted, fixed))
    assert next(forecasts) == next(forecasts)


def test_arrays_are_trained_on_and_predicted(quick: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    history = random.normal(size=(60, 12, 20))
    np.savez(tmp_path / "arrays.npz", history=history, future=history[:, -7:, 0])
    trained = quick("train-forecaster", "arrays.npz", *TRAINING, "--out", "arrays.keras")
    assert trained.status == 0, trained.err
    assert quick("predict", "arrays.keras", "arrays.npz", "--out", "f.npz").status == 0
    with np.load(tmp_path / "f.npz") as found:
        assert found["point"].shape == found["q0.05"].shape == (60, 7)
    assert "was trained on arrays" in quick("predict", "arrays.keras", "power.csv").refused()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.csv", *SERIES], "absent.csv"),
        (["power.csv", "--time", "date", "--history", "3", "--horizon", "2"], "needs --target"),
        (["power.csv", *SERIES[:-1], "500"], "are too few: 14 of history and 500 of horizon need 514"),
        (["power.csv", *SERIES, "--known", "holiday"], "there is no column 'holiday'"),
        (["power.csv", *SERIES, "--known", "volts"], "the column 'volts' is named twice"),
        (["power.csv", *SERIES, "--preset", "monotonic"], "is for texts"),
        (["power.csv", *SERIES, "--refit", "--validation", "0"], "--refit needs validation windows"),
    ],
)
def test_wrong_arguments_are_refused(quick: Any, tmp_path: Path, words: list[str], message: str) -> None:
    write_series(tmp_path / "power.csv", 60)
    assert message in quick("train-forecaster", *words).refused()


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_a_series_from_a_pipe_is_copied_for_the_run(quick: Any, tmp_path: Path) -> None:
    write_series(tmp_path / "power.csv")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", "power.csv", "pipe"], cwd=tmp_path):
        trained = quick("train-forecaster", "pipe", *SERIES, "--units", "4", "--epochs", "1", "--out", "p.keras")
    assert trained.status == 0, trained.err
    (tmp_path / "pipe").unlink()
    resumed = quick("train-forecaster", "--resume", "p.run", "--epochs", "2")
    assert resumed.status == 0, resumed.err
    assert "resuming p.run from epoch 2" in resumed.err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_gives_the_same_weights(spawn: Any, quick: Any, tmp_path: Path, number: int) -> None:
    write_series(tmp_path / "power.csv")
    words = ["train-forecaster", "power.csv", *SERIES, "--units", "8", "--epochs", "300", "--refit"]
    assert quick(*words, "--out", "whole.keras", "--no-run").status == 0
    process = spawn(*words, "--out", "m.keras", "--checkpoint-seconds", "0", stderr=subprocess.PIPE, text=True)
    checkpoints = tmp_path / "m.run" / "checkpoints"
    while not list(checkpoints.glob("update-*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), errors
    resume = "passerelle train-forecaster --resume m.run"
    if number == signal.SIGTERM:
        assert f"Continue: {resume}" in errors
    assert f"Continue it with: {resume}" in quick(*words, "--out", "m.keras").refused()
    assert "is the run of a forecaster" in quick("train", "--resume", "m.run").refused()
    assert "--target cannot be used with --resume" in quick(*resume.split()[1:], "--target", "power").refused()
    (tmp_path / "power.csv").rename(tmp_path / "moved.csv")
    assert "power.csv" in quick(*resume.split()[1:]).refused()
    resumed = quick("train-forecaster", "moved.csv", "--resume", "m.run")
    assert resumed.status == 0, resumed.err
    assert "resuming m.run from epoch" in resumed.err
    networks = [passerelle.load(tmp_path / name).bundle.network.get_weights() for name in ("whole.keras", "m.keras")]
    assert all(np.array_equal(left, right) for left, right in zip(*networks, strict=True))
    assert "is finished" in quick("train-forecaster", "--resume", "m.run").refused()
