"""Fixtures that run the command line in processes, and one small trained model that tests share."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from passerelle.cli import main; main()"]
TIMEOUT = 90

NOUNS = {"cat": "chat", "dog": "chien", "bird": "oiseau", "girl": "élève", "town": "ville", "tea": "thé"}
VERBS = {"sees": "voit", "likes": "aime", "wants": "veut", "knows": "connaît", "takes": "prend"}
PAIRS = [
    (f"A {noun} {verb} it{'.' if len(noun) % 2 else ' !'}", f"{french} le {gives}{'.' if len(noun) % 2 else ' !'}")
    for noun, french in NOUNS.items()
    for verb, gives in VERBS.items()
]  # fmt: skip
# Characters that need escaping on a terminal, in a TOML comment or in a line of output.
PAIRS += [('delete\x7f quote" back\\slash', "nel\u0085 escape\x1b line\u2028s"), ("Hi…", "Salut\u202f!")]
TRAINING = ["--preset", "tutorial", "--units", "8", "--epochs", "2"]


@dataclass(frozen=True)
class Outcome:
    """Exit status and output of a process; `status` is negative if a signal ended it."""

    status: int
    out: str
    err: str
    rss: int = 0
    seconds: float = 0.0

    def refused(self) -> str:
        """Return the error message; fail unless the process wrote one line to standard error and nothing else."""
        assert self.status == 2, self
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("passerelle: error: ")
        assert "Traceback" not in self.err
        assert not re.search(r"(?<![./])\.\.(?![./])|[?!]\.", lines[0]), f"two full stops in a row: {lines[0]}"
        return lines[0].removeprefix("passerelle: error: ")


def start(*arguments: Any, folder: Path, environment: dict[str, str] | None = None, **options: Any) -> Any:
    """Start a new process with pipes."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # Shells start background jobs that ignore Ctrl-C. Children inherit an ignored signal, but not a handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [*COMMAND, *map(os.fspath, arguments)],
            cwd=folder,
            env=os.environ | (environment or {}),
            **(pipes | options),
        )
    finally:
        signal.signal(signal.SIGINT, before)


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command line in a new process, in the folder of the test."""

    def fresh(*arguments: Any, stdin: bytes = b"", folder: Path = tmp_path, **options: Any) -> Outcome:
        process = start(*arguments, folder=folder, **options)
        try:
            out, err = process.communicate(stdin, timeout=TIMEOUT)
        finally:
            process.kill()
        return Outcome(process.returncode, out.decode(), err.decode())

    return fresh


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Outcome]:
    """Run the command line after a shell has prepared its streams or limits, in the folder of the test.

    The tests use JAX, so they must not fork to do the same: `script` ends in `exec "$@"`.
    """

    def run(script: str, *words: Any) -> Outcome:
        done = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, *map(str, words)],
            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start processes that a test writes to and reads from; at the end of the test, those still running are killed."""
    started = []

    def begin(*arguments: Any, folder: Path = tmp_path, **options: Any) -> Any:
        process = start(*arguments, folder=folder, **options)
        # If the process hangs, killing it ends the reads from its pipes.
        guard = threading.Timer(TIMEOUT, process.kill)
        guard.start()
        started.append((process, guard))
        return process

    yield begin
    for process, guard in started:
        guard.cancel()
        process.kill()
        process.wait(TIMEOUT)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@pytest.fixture(scope="session")
def forker() -> Iterator[Any]:
    """The process of forker.py; None where forks are not safe."""
    if sys.platform != "linux":
        yield None
        return
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        yield process
        process.stdin.close()
        process.wait(TIMEOUT)


@pytest.fixture
def quick(forker: Any, run: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Like `run`, but faster: the process is a fork of one that has already imported Keras."""
    if forker is None:
        return run
    folder_of_streams = tmp_path_factory.mktemp("folder_of_streams")

    def forked(
        *arguments: Any,
        stdin: bytes = b"",
        stdout: Path | str | None = None,
        folder: Path = tmp_path,
        file_limit: int | None = None,
    ) -> Outcome:
        (folder_of_streams / "in").write_bytes(stdin)
        files = [folder_of_streams / "in", stdout or folder_of_streams / "out", folder_of_streams / "err"]
        request = {
            "arguments": [os.fspath(argument) for argument in arguments],
            "folder": str(folder),
            "files": [str(file) for file in files],
            "file_limit": file_limit,
        }
        guard = threading.Timer(TIMEOUT, forker.kill)
        guard.start()
        forker.stdin.write(json.dumps(request).encode() + b"\n")
        forker.stdin.flush()
        answer = json.loads(forker.stdout.readline())
        guard.cancel()
        out = "" if stdout else (folder_of_streams / "out").read_bytes().decode()
        return Outcome(out=out, err=(folder_of_streams / "err").read_bytes().decode(), **answer)

    return forked


@dataclass(frozen=True)
class Trained:
    """A trained model, its training pairs, and the output of the training. Tests must not change the files."""

    model: Path
    pairs: Path
    outcome: Outcome
    rows: Sequence[tuple[str, str]] = tuple(PAIRS)
    options: Sequence[str] = tuple(TRAINING)


def once(folder: Path, make: Callable[[Path], Sequence[Any]]) -> list[Any]:
    """Call `make` in the first of several test processes; the others wait for its result, which is saved as JSON."""
    done = folder / "done.json"
    try:
        folder.mkdir()
    except FileExistsError:
        for _ in range(10 * TIMEOUT):
            if done.exists():
                return json.loads(done.read_text(encoding="utf-8"))
            time.sleep(0.1)
        pytest.fail("the shared model was not trained in time")
    made = list(make(folder))
    partial = folder / "partial.json"
    partial.write_text(json.dumps(made), encoding="utf-8")
    partial.rename(done)
    return made


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The model that all tests share."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(folder: Path) -> Sequence[Any]:
        rows = "".join(f"{source}\t{target}\n" for source, target in PAIRS)
        (folder / "invented.pairs.tsv").write_text(rows, encoding="utf-8", newline="")
        process = start("train", "invented.pairs.tsv", *TRAINING, folder=folder)
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out.decode(), err.decode()

    outcome = Outcome(*once(shared / "trained", make))
    assert outcome.status == 0, outcome.err
    folder = shared / "trained"
    return Trained(folder / "invented.pairs.keras", folder / "invented.pairs.tsv", outcome)
