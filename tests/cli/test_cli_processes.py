"""passerelle train --processes: the losses of one process, resumed on another number, and what ends a run."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import passerelle
from conftest import COMMAND, PAIRS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="JAX has gloo, and this test signals, on POSIX only"),
]
SMALL = ["--preset", "compact", "--level", "word", "--units", "6", "--set", "network.dropout=0.3", "--set"]
SEARCH = ["training.search=greedy", "--set", "training.schedule=constant", "--learning-rate", "0.01"]
OPTIONS = [*SMALL, *SEARCH, "--batch-size", "7", "--seed", "3"]
SECONDS = 300


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS), encoding="utf-8")
    return path


def command(*arguments, folder, environment=None, **options):
    """Run the command line; return the completed process."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder, env=os.environ | (environment or {}), capture_output=True, text=True, timeout=SECONDS, check=False,
        **options,
    )  # fmt: skip


def losses(run):
    """The training and validation losses of each epoch."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["loss"], row["validation_loss"]) for row in rows]


def require_same(left, right):
    assert len(left) == len(right) > 0
    for a, b in zip(left, right, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The losses of four epochs in one process."""
    folder = tmp_path_factory.mktemp("one")
    path = folder / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS), encoding="utf-8")
    done = command("train", path, *OPTIONS, "--epochs", "4", "--out", "m.keras", folder=folder)
    assert done.returncode == 0, done.stderr
    return losses(folder / "m.run")


@pytest.mark.parametrize(("begun", "resumed"), [(2, 1), (1, 2)])
def test_a_run_goes_on_with_another_number_of_processes(pairs, one, tmp_path, begun, resumed):
    """Dropout, batches of odd size, and a last batch that is not full; only one process writes."""
    out = ["--out", "m.keras", "--processes", begun]
    done = command("train", pairs, *OPTIONS, "--epochs", "2", *out, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("saved m.keras") == 1
    assert done.stdout == ""
    assert sorted(os.listdir(tmp_path)) == ["m.keras", "m.run", "pairs.tsv"]
    require_same(losses(tmp_path / "m.run"), one[:2])
    arguments = ["train", "--resume", "m.run", "--epochs", "4", "--processes", resumed]
    done = command(*arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    require_same(losses(tmp_path / "m.run"), one)
    assert passerelle.load(tmp_path / "m.keras").translate("A cat sees it.")


WORDS = [(word, word.upper(), word[::-1] * (word < "f")) for word in (a + b for a in "bcdfgk" for b in "aeiou")]
QUICK = ["--set", "training.search=greedy", "--set", "training.schedule=constant", "--batch-size", "7", "--epochs", "2"]


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        (["new.tsv", "--from", "old.keras", "--new-tokens", "--mix", "pairs.tsv:0.5", "--freeze", "encoder"], [""]),
        (["words.tsv", "--outputs", "up=2,back=3", *SMALL[:2], *SMALL[4:6]], [""]),
        (["pairs.tsv", "--units", "6"], [""]),
        (["pairs.tsv", *SMALL[:6], "--seeds", "2"], ["-1", "-2"]),
    ],
    ids=["fine-tuning", "outputs", "auto", "seeds"],
)
def test_each_kind_of_training_has_the_losses_of_one_process(pairs, tmp_path, arguments, runs):
    new = "".join(f"{source} ж\t{target} ж\n" for source, target in PAIRS)
    (tmp_path / "new.tsv").write_text(new, encoding="utf-8")
    (tmp_path / "words.tsv").write_text("".join("\t".join(row) + "\n" for row in WORDS))
    if "--from" in arguments:
        made = command("train", pairs, *SMALL[:6], *QUICK, "--out", "old.keras", "--no-run", folder=tmp_path)
        assert made.returncode == 0, made.stderr
    for count in ("1", "2"):
        out = ["--out", f"{count}.keras", "--processes", count]
        done = command("train", *arguments, *QUICK, *out, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("saved ") == len(runs)
    for run in runs:
        require_same(losses(tmp_path / f"2{run}.run"), losses(tmp_path / f"1{run}.run"))
        assert (tmp_path / f"2{run}.keras").exists()


def test_processes_of_a_launcher_train_together(pairs, one, tmp_path):
    """The variables of torchrun."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port - 1), "WORLD_SIZE": "2"}
    started = [
        subprocess.Popen(
            [*COMMAND, "train", pairs, *OPTIONS, "--epochs", "2", "--out", "m.keras"],
            cwd=tmp_path, env=os.environ | environment | {"RANK": str(number)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(2)
    ]  # fmt: skip
    try:
        outputs = [process.communicate(timeout=SECONDS) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0, 0], outputs
    assert "saved m.keras" in outputs[0][1]
    assert outputs[1] == ("", "")
    require_same(losses(tmp_path / "m.run"), one[:2])


@pytest.fixture
def running(pairs, tmp_path):
    """A long training on two processes that has written checkpoints: the command and the ids of its processes."""
    if not Path("/proc/self/task").exists():
        pytest.skip("finds the processes in /proc")
    out = ["--out", "m.keras", "--checkpoint-seconds", "0", "--epochs", "100000"]
    process = subprocess.Popen(
        [*COMMAND, "train", pairs, *OPTIONS, *out, "--processes", "2"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    children = []
    try:
        deadline = time.monotonic() + SECONDS
        while not list((tmp_path / "m.run" / "checkpoints").glob("update-*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        children += map(int, found)
        yield process, children
    finally:
        process.kill()
        for child in filter(exists, children):
            os.kill(child, signal.SIGKILL)
        process.communicate()


def ended(process):
    _, errors = process.communicate(timeout=SECONDS)
    return process.returncode, errors


def exists(number):
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("lost", [0, 1])
def test_the_loss_of_a_process_ends_the_run(running, tmp_path, lost):
    process, children = running
    os.kill(children[lost], signal.SIGKILL)
    status, errors = ended(process)
    assert status == 2, errors
    last = errors.splitlines()[-1]
    assert last == (
        f"passerelle: error: process {lost + 1} of 2 ended (killed by SIGKILL). The run can go on: passerelle train "
        "--resume m.run"
    )
    assert "Traceback" not in errors
    assert not any(map(exists, children))
    assert not (tmp_path / "m.keras").exists()


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_frozen_process_ends_the_run_within_a_minute(running, tmp_path, frozen):
    """A machine that vanishes closes no connection; neither does a stopped process."""
    process, children = running
    os.kill(children[frozen], signal.SIGSTOP)
    began = time.monotonic()
    status, errors = ended(process)
    assert time.monotonic() - began < 60
    assert status == 2, errors
    assert errors.splitlines()[-1] == (
        f"passerelle: error: process {frozen + 1} of 2 no longer answers (process {2 - frozen} ended: killed by "
        "SIGABRT). The run can go on: passerelle train --resume m.run"
    )
    assert "***" not in errors  # a trace of C++
    assert not any(map(exists, children))
    resumed = subprocess.Popen(
        [*COMMAND, "train", "--resume", "m.run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    with resumed:
        assert any(line.startswith("resuming m.run from epoch ") for line in resumed.stderr or ())
        resumed.kill()


@pytest.mark.parametrize("receiver", ["the command", "a process"])
def test_a_signal_ends_all_processes_and_saves(running, tmp_path, receiver):
    process, children = running
    os.kill(process.pid if receiver == "the command" else children[1], signal.SIGTERM)
    status, errors = ended(process)
    assert status == 143, errors
    assert errors.count("interrupted by SIGTERM; saved m.keras") == 1
    assert not any(map(exists, children))
    assert passerelle.load(tmp_path / "m.keras")


def test_the_processes_end_when_the_command_is_killed(running):
    process, children = running
    process.kill()
    deadline = time.monotonic() + SECONDS
    while any(map(exists, children)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--processes", "0"], {}, "--processes must be from 1 to"),
        (["--processes", "2"], {"RANK": "0", "WORLD_SIZE": "2"}, "under a launcher"),
        (["--processes", "2", "--find-learning-rate"], {}, "--find-learning-rate cannot be used on several"),
        ([], {"RANK": "0", "WORLD_SIZE": "2"}, "PASSERELLE_COORDINATOR"),
        (["--processes", "2"], {"KERAS_BACKEND": "numpy"}, "Unset KERAS_BACKEND"),
    ],
)
def test_what_cannot_be_is_refused(pairs, tmp_path, arguments, environment, message):
    done = command("train", pairs, *arguments, folder=tmp_path, environment=environment)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["-"],
        ["p.tsv", "--validation", "-"],
        ["p.tsv", "--from", "m.keras", "--mix", "-:0.5"],
        ["p.tsv", "--corrections=-"],
    ],
)
def test_standard_input_is_refused(tmp_path, arguments):
    done = command("train", *arguments, "--processes", "2", folder=tmp_path, input="a\tb\n")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "several processes cannot all read standard input. Write its content to a file." in done.stderr


def test_an_error_of_all_processes_is_one_line(tmp_path):
    done = command("train", tmp_path / "absent.tsv", "--processes", "2", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "absent.tsv" in done.stderr
