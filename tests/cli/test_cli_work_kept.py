"""No work is lost: signals, standard error that cannot be written, existing files, and the reasons for an end."""

import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from passerelle.cli.training_display import TrainingDisplay, explain_end
from passerelle.training.callbacks.progress import ProgressReport

posix = pytest.mark.skipif(os.name != "posix", reason="signals and devices of POSIX")
EXISTS = "exists. Add --overwrite to replace it, or name another output."


def lines_until(stream, pattern):
    """Read the lines of a process's stream up to one that matches; fail if the stream ends before."""
    seen = []
    for raw in stream:
        seen.append(raw.decode())
        if re.search(pattern, seen[-1]):
            return
    pytest.fail("".join(seen))


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_save_the_best_checkpoint(spawn, quick, trained, tmp_path, name):
    number = getattr(signal, name)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup make test` ignores it, and children too
    process = spawn("train", trained.pairs, "--out", "early.keras", *trained.options[:4], "--epochs", "100000")
    signal.signal(signal.SIGHUP, before)
    lines_until(process.stderr, r"^epoch 2/")
    process.send_signal(number)
    process.send_signal(number)  # a closed terminal sends several
    err = process.stderr.read().decode()
    assert process.wait(60) == 128 + number, err
    saved = rf"interrupted by {name}; saved early\.keras with the best checkpoint so far \(epoch \d+ of \d+\)"
    saved += r"\. Continue: passerelle train --resume early\.run"
    assert re.fullmatch(saved, err.splitlines()[-1])
    assert sorted(os.listdir(tmp_path)) == ["early.keras", "early.run"]
    assert quick("translate", "early.keras", "A cat sees it.").status == 0


@posix
def test_a_signal_before_training(spawn, tmp_path):
    process = spawn("train", "-", "--out", "none.keras")
    process.stdin.write(b"source\ttarget\n" * 40_000)  # more than fits into a pipe: the process is reading
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read() == b"passerelle: interrupted by SIGTERM; the step in progress wrote nothing.\n"
    assert process.wait(60) == 143
    assert os.listdir(tmp_path) == []


@posix
@pytest.mark.parametrize("kind", ["closed", "full", "broken"])
def test_a_standard_error_that_cannot_be_written_ends_no_training(spawn, trained, tmp_path, kind):
    arguments = ["train", trained.pairs, "--out", "m.keras", *trained.options]
    if kind == "closed":
        closing = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "passerelle", *arguments]
        process = subprocess.Popen(closing, cwd=tmp_path, stdout=subprocess.PIPE)
    elif kind == "full":
        if not os.path.exists("/dev/full"):
            pytest.skip("this system has no /dev/full")
        with open("/dev/full", "wb") as full:
            process = spawn(*arguments, stderr=full)
    else:
        process = spawn(*arguments)
        lines_until(process.stderr, "training pairs")
        process.stderr.close()
    assert process.stdout.read() == b""
    process.stdout.close()
    assert process.wait(90) == 0
    assert sorted(os.listdir(tmp_path)) == ["m.keras", "m.run"]


def test_existing_files_are_only_replaced_with_overwrite(quick, trained, tmp_path):
    model = tmp_path / "m.keras"
    shutil.copy(trained.model, model)
    split = tmp_path / "split"
    split.mkdir()
    for name in ("v.npy", "split/train.tsv", "inference_encoder.svg", "t.txt", "3.svg"):
        (tmp_path / name).write_text("old")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    train = ["train", trained.pairs, *trained.options[:4], "--epochs", "1"]
    text = ["translate", model, "A cat sees it."]
    commands = [
        ("m.keras", [*train, "--out", "m.keras"]),
        ("split/train.tsv", [*train, "--out", "n.keras", "--save-split", "split"]),
        ("v.npy", ["encode", model, "a", "--out", "v.npy"]),
        ("inference_encoder.svg", ["diagram", model, "--out", "."]),
    ]  # fmt: skip
    for name, command in commands:
        assert quick(*command).refused() == f"{name} {EXISTS}"
    assert "3.svg exists. Add --overwrite" in quick(*text, "--pictures", ".").refused()
    assert "Add --resume to continue it, --overwrite to replace it" in quick(*text, "--out", "t.txt").refused()
    assert "exclude each other" in quick(*text, "--out", "t.txt", "--resume", "--overwrite").refused()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    shutil.copy(model, tmp_path / "broken.keras")
    (tmp_path / "broken.keras").write_bytes(b"x")
    failed = quick("translate", "broken.keras", "A cat sees it.", "--out", "t.txt", "--overwrite")
    assert (failed.status, (tmp_path / "t.txt").read_text()) == (2, "old"), "kept until there is something to write"
    commands += [("t.txt", [*text, "--out", "t.txt"])]
    for name, command in commands[1:]:
        outcome = quick(*command, "--overwrite")
        assert outcome.status == 0, outcome.err
        assert (tmp_path / name).read_bytes() != b"old"
    assert quick(*train, "--out", "m.keras", "--overwrite").status == 0
    assert model.read_bytes() != before[model]


@posix
def test_a_file_that_appears_during_training_is_not_replaced(spawn, trained, tmp_path):
    process = spawn("train", trained.pairs, "--out", "m.keras", *trained.options[:4], "--epochs", "100000")
    lines_until(process.stderr, r"^epoch 1/")
    (tmp_path / "m.keras").write_bytes(b"of another process")
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    assert "m.keras appeared during training and is not replaced; saving as m.2.keras\n" in err
    assert "interrupted; saved m.2.keras with " in err
    assert (tmp_path / "m.keras").read_bytes() == b"of another process"
    assert sorted(os.listdir(tmp_path)) == ["m.2.keras", "m.keras", "m.run"]


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
def test_an_input_whose_name_is_not_utf8(quick, trained, tmp_path):
    name = os.fsdecode(b"caf\xe9.tsv")
    try:
        shutil.copy(trained.pairs, tmp_path / name)
    except OSError:
        pytest.skip("the file system does not allow this name")
    outcome = quick("train", name, *trained.options[:4], "--epochs", "1", "--minutes", "1e-9")
    assert outcome.status == 0, outcome.err
    assert sorted(os.listdir(tmp_path)) == sorted(name.replace(".tsv", end) for end in (".tsv", ".keras", ".run"))
    assert "stopped in epoch 1 of 1: time limit of 1e-09 minutes; the weights of epoch 1 are saved\n" in outcome.err
    described = quick("describe", name.replace(".tsv", ".keras"))
    assert described.status == 0
    assert r"caf\udce9" in described.out


@pytest.mark.parametrize("out", ["x" * 300 + ".keras", "nul\0.keras"])
def test_names_that_cannot_be_written(trained, tmp_path, monkeypatch, out):
    from passerelle.cli.train import train
    from passerelle.errors import OutputError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        train((str(trained.pairs),), out=out)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"stopped": "no better validation loss for 5 epochs"},
            "stopped after epoch 43 of 300: no better validation loss for 5 epochs; the weights of epoch 38 are saved; "
            "--set training.patience=0 trains all epochs\n",
        ),
        (
            {"stopped": "time limit of 10 minutes"},
            "stopped in epoch 43 of 300: time limit of 10 minutes; the weights of epoch 38 are saved\n",
        ),
        ({"stopped": ""}, ""),
        ({"stopped": "interrupted", "interrupted": True}, ""),
        ({"stopped": "the loss is nan", "diverged": True}, ""),
    ],
)
def test_why_training_ended(record, message, capsys):
    epochs = [{"number": number, "epoch": number} for number in range(1, 44)]
    record = {"interrupted": False, "diverged": False, "kept_interval": 38, "epochs": epochs} | record
    settings = SimpleNamespace(training=SimpleNamespace(epochs=300))
    explain_end(SimpleNamespace(record=record, settings=settings))
    assert capsys.readouterr().err == message


def test_a_log_file_shows_the_progress_of_long_epochs(monkeypatch, capsys):
    monkeypatch.setattr(TrainingDisplay, "SECONDS", 0.0)
    with TrainingDisplay.open(30) as display:
        display._show(ProgressReport(2, 30, 1_200, 45_000, 2.5, 3_200.0, 3_723.0))
        monkeypatch.setattr(TrainingDisplay, "SECONDS", 60.0)
        display._show(ProgressReport(2, 30, 1_201, 45_000, 2.5, 3_200.0, 3_723.0))
    assert capsys.readouterr().err == (
        "update 1,200 of 45,000 in epoch 2/30  loss 2.500  3,200 tokens/s  remaining 1:02:03\n"
    )
