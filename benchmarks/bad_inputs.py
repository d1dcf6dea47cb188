"""Run the commands on thousands of bad inputs, and check that each ends well.

    python benchmarks/bad_inputs.py --cases 10000

Each case (mutations.py) runs in a worker process that has imported the commands. A case is wrong if its exit status is
none of 0, 1 and 2, if it writes a traceback, if status 2 comes with another number of error lines than one, if it takes
more than 5 seconds of processor time to be refused or 500 MB beyond the imports, or if it leaves a file behind. A slow
case is repeated: the first may have compiled a program. `--first N --cases 1` repeats the case of seed N.
"""

import argparse
import contextlib
import gc
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mutations import MODEL, Case, make_case

MOST_SECONDS = 5.0
MOST_BYTES = 500e6
HANGING_SECONDS = 300  # of the clock: other processes may keep the processor busy


@dataclass(frozen=True)
class Outcome:
    """What a case did: exit status, standard error, bytes of standard output, processor seconds, bytes of memory, and
    names of the files left behind."""

    status: int | str | None
    error: str
    written: int
    seconds: float
    memory: int
    left: tuple[str, ...]

    @property
    def too_slow(self) -> bool:
        """Whether it took too long to refuse the input; good texts, also before a bad line, take the time they need."""
        return self.status == 2 and not self.written and self.seconds > MOST_SECONDS

    def problem(self) -> str:
        """Return what is wrong; an empty string if nothing is."""
        lines = self.error.splitlines()
        errors = [line for line in lines if line.startswith("passerelle: error: ")]
        if self.status not in (0, 1, 2) or "Traceback" in self.error:
            return f"status {self.status}"
        if len(errors) != (self.status == 2) or (errors and lines[-1] != errors[0]):
            return f"status {self.status} with {len(errors)} lines of error, of {len(lines)}"
        if self.too_slow:
            return f"{self.seconds:.1f} s"
        if self.memory > MOST_BYTES:
            return f"{self.memory / 1e6:.0f} MB"
        return f"left behind: {', '.join(self.left)}" if self.left else ""


def main() -> None:
    """Run the cases in worker processes; print the wrong ones and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--model", type=Path, help="a model file; by default, a small one is trained")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or train_model(Path(folder))
        problems = run_cases(range(options.first, options.first + options.cases), model.resolve(), report=print)
    sys.exit(1 if problems else 0)


def train_model(folder: Path) -> Path:
    """Train a small model for the cases, and return its path."""
    import passerelle

    pairs = passerelle.phrasebook()[:200]
    path = folder / "model.keras"
    passerelle.train(pairs, preset="compact", level="character", units=8, epochs=1).save(path)
    return path


def run_cases(seeds: range, model: Path, report=None) -> list[str]:
    """Run the cases of these seeds; return a line for each wrong one."""
    problems: list[str] = []
    counts: Counter[tuple[str, object]] = Counter()
    slowest, largest = 0.0, 0
    worker = _Worker(model)
    for seed in seeds:
        case = make_case(seed)
        outcome = worker.run(case)
        if outcome.too_slow:
            outcome = worker.run(case)
        counts[case.kind, outcome.status] += 1
        if report and (done := seed - seeds[0] + 1) % 500 == 0:
            report(f"{done:,} cases", flush=True)
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.memory)
        if problem := outcome.problem():
            problems.append(f"seed {seed}, {case.kind}: {problem}: {case.arguments!r:.200}: {outcome.error[-300:]!r}")
            if report:
                report(problems[-1], flush=True)
    worker.end()
    if report:
        report(
            "| input | " + " | ".join(f"status {status}" for status in (0, 1, 2)) + " |\n| --- | ---: | ---: | ---: |"
        )
        for kind in sorted({kind for kind, _ in counts}):
            report(f"| {kind} | " + " | ".join(f"{counts[kind, status]:,}" for status in (0, 1, 2)) + " |")
        report(
            f"{len(seeds):,} cases, {len(problems)} wrong; slowest {slowest:.1f} s, most memory {largest / 1e6:.0f} MB"
        )
    return problems


class _Worker:
    """A process that runs one case after the other; a new one is started if it hangs or dies."""

    def __init__(self, model: Path):
        self._model = model
        self._folder = tempfile.TemporaryDirectory()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process that has used JAX may hang
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, str(self._model), self._folder.name), daemon=True)
        self._process.start()
        other.close()

    def run(self, case: Case) -> Outcome:
        """Run a case and return its outcome."""
        self._connection.send(case)
        with contextlib.suppress(EOFError):
            if self._connection.poll(HANGING_SECONDS):
                return self._connection.recv()
        status = "hangs" if self._process.is_alive() else f"died ({self._process.exitcode})"
        self._kill()
        self._start()
        return Outcome(status, "", 0, HANGING_SECONDS, 0, ())

    def end(self) -> None:
        """End the process, and remove its files."""
        self._kill()
        self._folder.cleanup()

    def _kill(self) -> None:
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, model: str, parent: str) -> None:
    """Run the cases that arrive, in this process."""
    import passerelle.experiment.train
    import passerelle.translator
    from passerelle.cli import main as command

    passerelle.translator.Translator.load(model).translate(["Go."])  # imports what the commands import when they run
    gc.freeze()  # collections leave out the objects of Keras
    gc.freeze = lambda: None  # the command line does so at the end of each call
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    while True:
        case = connection.recv()
        folder = Path(tempfile.mkdtemp(dir=parent))
        streams = [folder.with_name(f"{folder.name}.{name}") for name in ("in", "out", "err")]
        try:
            connection.send(_run(case, command, model, folder, streams))
        finally:
            os.chdir("/")
            shutil.rmtree(folder, ignore_errors=True)
            for path in streams:
                path.unlink(missing_ok=True)


def _run(case: Case, command, model: str, folder: Path, streams: list[Path]) -> Outcome:
    temporary = folder / "temporary"
    temporary.mkdir()
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    streams[0].write_bytes(case.stdin)
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    before_files = set(folder.rglob("*"))
    before = _memory(reset=True)
    saved = [os.dup(number) for number in range(3)]
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, mode in enumerate("rww")
    )
    started = time.process_time()
    status: Any = None
    try:
        command([model if argument == MODEL else argument for argument in case.arguments])
    except SystemExit as error:
        status = error.code
    except BaseException as error:
        status = f"Traceback: {error!r:.300}"
    seconds = time.process_time() - started
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    for number, copy in enumerate(saved):
        os.dup2(copy, number)
        os.close(copy)
    memory = _memory() - before
    gc.collect()
    tempfile.tempdir = None
    os.environ.pop("TMPDIR")
    allowed = {"out.npy"} if status == 0 else set()
    if case.kind == "options":  # `--out` may name any file, and `diagram` writes some
        allowed |= {path.name for path in folder.rglob("*")} if status == 0 else set()
    left = sorted(path.name for path in set(folder.rglob("*")) - before_files if path.name not in allowed)
    error = streams[2].read_text("utf-8", "replace")
    return Outcome(status, error, streams[1].stat().st_size, seconds, memory, tuple(left))


def _memory(*, reset: bool = False) -> int:
    """Return the peak memory in bytes since the last reset, which first sets it to the current memory (Linux)."""
    if not Path("/proc/self/status").exists():
        return 0
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
