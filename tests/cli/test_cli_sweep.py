"""passerelle sweep."""

import importlib.util
import os
import signal
from pathlib import Path
from typing import Any

import pytest

needs_optuna = pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra sweep")
SMALL = ["--preset", "tutorial", "--epochs", "2"]


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.toml"
    path.write_text("[units]\nchoices = [4, 8]\n\n[training.learning_rate]\nlow = 0.001\nhigh = 0.1\nlog = true\n")
    return path


@pytest.mark.skipif(importlib.util.find_spec("optuna") is not None, reason="Optuna is installed")
def test_the_missing_extra_is_named(quick: Any, trained: Any, space: Path) -> None:
    message = quick("sweep", space, trained.pairs, "--out", "best.keras").refused()
    assert message.startswith("Optuna is not installed")
    assert message.endswith("pip install '.[sweep]'")
    assert not (space.parent / "best.sweep").exists()


@needs_optuna
@pytest.mark.slow
def test_a_sweep_its_table_and_its_continuation(run: Any, trained: Any, space: Path) -> None:
    command = ["sweep", space, trained.pairs, *SMALL, "--out", "best.keras"]
    outcome = run(*command, "--trials", "2")
    assert outcome.status == 0, outcome.err
    header, *rows = (space.parent / "best.sweep" / "trials.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == [
        "trial", "state", "value", "epochs", "seconds", "units", "training.learning_rate", "reason",
    ]  # fmt: skip
    assert [row.split("\t")[:2] for row in rows] == [["1", "complete"], ["2", "complete"]]
    printed = outcome.out.splitlines()
    assert printed[0].split() == header.split("\t")[:-1]
    values = [float(line.split()[2]) for line in printed[1:]]
    assert values == sorted(values, reverse=True)
    lines = outcome.err.splitlines()
    assert lines[-1].startswith("saved best.keras: trial ")
    model = (space.parent / "best.keras").read_bytes()
    assert model in [path.read_bytes() for path in (space.parent / "best.sweep").glob("trial-*.keras")]
    described = run("describe", "best.keras")
    units = next(line.split()[5] for line in printed[1:])
    assert f"units = {units}" in described.out

    message = run(*command, "--trials", "3").refused()
    assert message.startswith("best.sweep exists: an earlier sweep. Add --resume to continue it")
    assert (
        "has other settings. Continue it with the same settings" in run(*command, "--seed", "3", "--resume").refused()
    )
    again = run(*command, "--trials", "3", "--resume")
    assert again.status == 0, again.err
    assert "2 of 3 trials are done" in again.err
    continued = (space.parent / "best.sweep" / "trials.tsv").read_text(encoding="utf-8").splitlines()
    assert continued[: len(rows) + 1] == [header, *rows]
    assert len(continued) == 4
    (space.parent / "best.keras").write_bytes(b"mine")
    assert "best.keras exists." in run(*command, "--trials", "3", "--resume").refused()


@needs_optuna
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_best_trial_so_far(spawn: Any, run: Any, trained: Any, space: Path) -> None:
    command = ["sweep", space, trained.pairs, *SMALL, "--out", "best.keras", "--objective", "loss"]
    process = spawn(*command, "--trials", "50")
    for line in process.stderr:
        if line.startswith(b"trial 1 of 50"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out.startswith(b"trial  state")
    lines = err.decode().splitlines()
    assert any(line.startswith("saved best.keras: trial ") for line in lines)
    assert lines[-1].startswith("interrupted; ")
    assert lines[-1].endswith("Continue with --resume.")
    assert run("translate", "best.keras", "A cat sees it.").status == 0


@needs_optuna
def test_bad_options_are_refused(quick: Any, trained: Any, space: Path) -> None:
    def refused(*options: Any) -> str:
        return quick("sweep", space, trained.pairs, "--out", "best.keras", *options).refused()

    assert refused("--trials", "0").startswith("--trials must be from 1")
    assert refused("--total-minutes", "0").startswith("--total-minutes must be above 0")
    assert refused("--resume", "--overwrite").startswith("--resume and --overwrite exclude each other")
    assert refused("--validation", "0").startswith("a sweep compares its trials on validation pairs")
    assert quick("sweep", space, "--out", "best.keras").refused().startswith("PAIRS is missing")
    assert "cannot be read" in quick("sweep", "absent.toml", trained.pairs, "--out", "best.keras").refused()
    space.write_text("[unit]\nchoices = [1]\n")
    assert "space.toml: unknown setting 'unit'." in refused()
    assert not (space.parent / "best.sweep").exists()
