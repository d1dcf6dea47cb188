"""Runs that are resumed: the same weights as a run that nobody interrupted, or one line that says why not."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import passerelle

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
OPTIONS = ["--preset", "tutorial", "--units", "8", "--set", "network.dropout=0.2", "--set", "training.batch_size=4"]
EPOCHS = ["--epochs", "120"]


def weights_of(model):
    return passerelle.load(model).network.get_weights()


def same_weights(left, right):
    pairs = zip(weights_of(left), weights_of(right), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def updates_of(run):
    """The numbers of updates of a run's checkpoints, the newest first."""
    return sorted((int(path.stem.split("-")[1]) for path in (run / "checkpoints").glob("update-*")), reverse=True)


@pytest.fixture(scope="module")
def uninterrupted(trained, tmp_path_factory):
    """A model of 120 epochs, trained without a run folder."""
    out = tmp_path_factory.mktemp("uninterrupted") / "whole.keras"
    subprocess.run(
        [sys.executable, "-m", "passerelle", "train", trained.pairs, *OPTIONS, *EPOCHS, "--no-run", "--out", out],
        check=True, capture_output=True, timeout=90,
    )  # fmt: skip
    assert os.listdir(out.parent) == ["whole.keras"]
    return out


@pytest.fixture
def interrupted(spawn, trained, tmp_path):
    """Start a training, wait for its first checkpoint, and end it by a signal after a time; return its folder."""

    def start(number=signal.SIGKILL, seconds=0.0, epochs=EPOCHS):
        command = ["train", trained.pairs, *OPTIONS, *epochs, "--out", "m.keras", "--checkpoint-seconds", "0"]
        process = spawn(*command, stderr=subprocess.DEVNULL)
        run = tmp_path / "m.run"
        while len(updates_of(run)) < 2 and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(number)
        process.wait(60)
        return run

    return start


@posix
def test_a_killed_run_gives_the_same_weights(interrupted, quick, uninterrupted, tmp_path, spawn):
    """Killed twice, the second time while it is resumed, inside an epoch or between two."""
    moments = random.Random(os.getpid())
    run = interrupted(seconds=moments.uniform(0, 0.3))
    assert not (tmp_path / "m.keras").exists()
    begun = updates_of(run)
    again = spawn("train", "--resume", run, stderr=subprocess.DEVNULL)
    while updates_of(run) == begun and again.poll() is None:
        time.sleep(0.01)
    time.sleep(moments.uniform(0, 0.2))
    again.kill()
    again.wait(60)
    killed = again.returncode != 0  # a fast machine may have ended the training first
    if killed:
        outcome = quick("train", "--resume", run)
        assert outcome.status == 0, outcome.err
        assert f"resuming {run} from epoch " in outcome.err
    assert same_weights(tmp_path / "m.keras", uninterrupted)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == list(range(1, 121))
    assert (run / "log.csv").read_text().count("\n") == 121
    assert (run / "samples.tsv").read_text().count("\n") == 241, "two for each epoch"
    assert (run / "loss.svg").read_text().startswith("<svg")
    commands = json.loads((run / "run.json").read_text())["commands"]
    assert len(commands) == 2 + killed
    assert quick("train", "--resume", run).refused() == (
        f"{run} is finished, and m.keras is its model. Make the run longer with --epochs or --minutes."
    )


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_by_a_signal_goes_on_and_replaces_its_model(interrupted, quick, uninterrupted, tmp_path, number):
    run = interrupted(number, seconds=0.05)
    first = tmp_path / "m.keras"
    assert not same_weights(first, uninterrupted)
    assert quick("train", "--resume", run).status == 0
    assert same_weights(first, uninterrupted)
    assert sorted(os.listdir(tmp_path)) == ["m.keras", "m.run"]


@posix
def test_damaged_checkpoints_are_noticed(interrupted, quick, uninterrupted, tmp_path):
    """The newest is truncated, has a changed byte or is missing: the one before is used, with the same result."""
    run = interrupted()
    kept = tmp_path / "kept"
    shutil.copytree(run, kept)

    def truncate(path):
        with open(path, "r+b") as stream:
            stream.truncate(path.stat().st_size // 2)

    def flip(path):
        data = bytearray(path.read_bytes())
        data[random.Random(os.getpid()).randrange(len(data))] ^= 1
        path.write_bytes(data)

    for damage in (truncate, flip, os.unlink):
        shutil.rmtree(run)
        shutil.copytree(kept, run)
        (tmp_path / "m.keras").unlink(missing_ok=True)
        newest = updates_of(run)[0]
        path = run / "checkpoints" / f"update-{newest:09}.safetensors"
        (run / "checkpoints" / "best.safetensors").unlink(missing_ok=True)
        damage(path)
        outcome = quick("train", "--resume", run)
        assert outcome.status == 0, outcome.err
        if damage is not os.unlink:
            assert f"{path} is not used: it is " in outcome.err
            assert "; the checkpoint before it is\n" in outcome.err
        assert same_weights(tmp_path / "m.keras", uninterrupted)


@posix
def test_more_epochs_are_those_of_a_longer_run(interrupted, quick, uninterrupted, tmp_path):
    """With a constant learning rate, as this preset has."""
    run = interrupted(signal.SIGTERM, epochs=["--epochs", "30"])
    assert quick("train", "--resume", run, *EPOCHS).status == 0
    assert same_weights(tmp_path / "m.keras", uninterrupted)
    refused = quick("train", "--resume", run, "--epochs", "20").refused()
    assert refused.startswith("training.epochs is 120 in this run; a resumed run can only become longer, received: 20")


@posix
def test_changed_data_and_settings_are_refused(interrupted, quick, trained, tmp_path):
    run = interrupted()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert (
        quick("train", "--resume", run, "--units", "9")
        .refused()
        .startswith("network.encoder.units is 8 in this run and cannot be changed to 9")
    )
    assert "this run has the preset 'tutorial'" in quick("train", "--resume", run, "--preset", "deep").refused()
    assert "--seeds cannot be used with --resume" in quick("train", "--resume", run, "--seeds", "2").refused()
    rows = trained.pairs.read_bytes().splitlines(keepends=True)
    (tmp_path / "other.tsv").write_bytes(b"".join(rows[:-1]))
    outcome = quick("train", tmp_path / "other.tsv", "--resume", run)
    assert outcome.status == 2
    message = "the training pairs of other.tsv are not those with which the run began. A run is resumed with the same"
    assert message in outcome.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    (tmp_path / "moved.tsv").write_bytes(trained.pairs.read_bytes())
    again = quick("train", tmp_path / "moved.tsv", *OPTIONS, *EPOCHS, "--resume", run)
    assert again.status == 0, "the same words again, and the data at another place"


@posix
def test_a_name_that_exists(interrupted, quick, trained, tmp_path):
    run = interrupted()
    command = ["train", trained.pairs, *OPTIONS, "--epochs", "1", "--out", "m.keras"]
    assert quick(*command).refused() == (
        "m.run exists: an earlier run. Continue it with: passerelle train --resume m.run. Or add --overwrite to "
        "replace it and its model, or name another output."
    )
    assert quick(*command, "--overwrite").status == 0
    assert len((run / "log.jsonl").read_text().splitlines()) == 1
    assert quick(*command, "--run", "m.run", "--no-run").refused().startswith("--run and --no-run exclude each other")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    assert "is not the folder of a run" in quick(*command[:-1], "n.keras", "--run", "full").refused()
    assert quick("train", "--resume", "full").refused().startswith("full is not the folder of a run")
    assert quick("train", "--resume", "absent.run").refused().startswith("absent.run: no such folder")
    assert quick("train").refused().startswith("PAIRS is missing")


@posix
def test_pairs_from_standard_input_are_kept(spawn, quick, trained, uninterrupted, tmp_path):
    process = spawn("train", "-", *OPTIONS, *EPOCHS, "--checkpoint-seconds", "0", stderr=subprocess.DEVNULL)
    process.stdin.write(trained.pairs.read_bytes())
    process.stdin.close()
    run = tmp_path / "model.run"
    while not updates_of(run) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait(60)
    (tmp_path / "model.keras").write_bytes(b"of somebody else")
    outcome = quick("train", "--resume", run)
    assert outcome.status == 0, outcome.err
    kept = "model.keras is not the model that this run saved and is not replaced; saving as model.2.keras\n"
    assert kept in outcome.err
    assert (tmp_path / "model.keras").read_bytes() == b"of somebody else"
    assert same_weights(tmp_path / "model.2.keras", uninterrupted)


@posix
def test_the_other_translators_of_several_follow(spawn, quick, trained, tmp_path):
    command = ["train", trained.pairs, *OPTIONS, "--epochs", "8", "--seeds", "3", "--out", "m.keras"]
    process = spawn(*command, stderr=subprocess.DEVNULL)
    while not updates_of(tmp_path / "m-2.run") and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait(60)
    outcome = quick("train", "--resume", "m-1.run")
    assert outcome.status == 0, outcome.err
    whole = quick(*command[:-1], "whole.keras", "--no-run")
    assert whole.status == 0
    for number in (1, 2, 3):
        assert same_weights(tmp_path / f"m-{number}.keras", tmp_path / f"whole-{number}.keras")


@posix
def test_two_processes_do_not_train_in_one_folder(spawn, quick, trained, tmp_path):
    command = ["train", trained.pairs, *OPTIONS, "--epochs", "100000", "--out", "m.keras"]
    process = spawn(*command, stderr=subprocess.DEVNULL)
    while not updates_of(tmp_path / "m.run") and process.poll() is None:
        time.sleep(0.01)
    outcome = quick("train", "--resume", "m.run")
    process.kill()
    assert outcome.refused() == "another process trains in m.run. Wait until it ends, or end it."
