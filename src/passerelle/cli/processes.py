"""The option --processes: a training on several processes, which this command or a launcher starts.

The command starts itself once for each process, with the variables of a launcher. It forwards signals to them, and ends
the others if one ends. Each process reads all pairs and trains on its rows of each batch; the first one writes.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from passerelle.cli.runs import numbered, resume_command
from passerelle.cli.streams import TRACEBACK, hide_native_errors
from passerelle.errors import LostProcessError, SettingsError, one_line
from passerelle.launcher import COORDINATOR, OWN, coordinator_address, launched_process, local_number
from passerelle.parallel.channel import free_port
from passerelle.training.callbacks.interruption import SIGNALS

__all__ = [
    "LOST", "join_processes", "launched_together", "processes_to_start", "require_possible",
    "started_by_us", "train_on_processes",
]  # fmt: skip

MAX_PROCESSES = 1024

LOST = 75
"""Exit status of a process that we started and that ends because another one has ended."""

GRACE_SECONDS = 20.0
"""Time in which the other processes must end by themselves after one has ended, before they are told to."""

KILL_SECONDS = 10.0
"""Time after which those that still run are killed."""

ABORT_GRACE_SECONDS = 10.0
"""Time after which those that still run are killed if one was aborted. JAX aborts a process that hears nothing from a
frozen one, which ends by no other signal."""

_ABORTED = -getattr(signal, "SIGABRT", 6)
"""Exit status of an aborted process."""


def started_by_us() -> bool:
    """Return whether `train_on_processes` has started this process."""
    return OWN[0] in os.environ


def processes_to_start(processes: int | None) -> int:
    """Return how many processes this command has to start; 1 if it trains itself, alone or with those of a launcher.

    Args:
        processes: value of `--processes`.

    Raises:
        SettingsError: if the value is out of range, or contradicts a launcher.
    """
    if started_by_us():
        return 1
    if processes is not None and not 1 <= processes <= MAX_PROCESSES:
        raise SettingsError(f"--processes must be from 1 to {MAX_PROCESSES}, received: {processes}")
    launched = launched_process()
    if launched is not None and launched[1] > 1 and processes not in (None, 1):
        raise SettingsError(
            f"--processes {processes} cannot be used under a launcher, which has started {launched[1]} processes. "
            "Leave it out, or set it to 1 to train alone in each process."
        )
    return processes or 1


def launched_together(processes: int | None) -> tuple[int, int] | None:
    """Return the number of this process and of all that train together; None if this one trains alone.

    Args:
        processes: value of `--processes`; 1 to train alone under a launcher.
    """
    launched = launched_process()
    if launched is None or launched[1] == 1 or (processes == 1 and not started_by_us()):
        return None
    return launched


def require_possible(files: Sequence[str], flags: Sequence[str]) -> None:
    """Check the arguments of a training on several processes.

    Args:
        files: files of pairs, corrections and vectors, which each process reads.
        flags: flags that are used, and that need a single process.

    Raises:
        SettingsError: if there is such a flag, or a file can be read only once.
    """
    from passerelle.data.files import input_name

    for flag in flags:
        raise SettingsError(f"{flag} cannot be used on several processes. Leave it out, or use --processes 1.")
    for path in files:
        name = input_name(path)
        if name != path or (os.path.exists(path) and not os.path.isfile(path)):
            raise SettingsError(f"several processes cannot all read {name}. Write its content to a file.")


def join_processes(processes: int | None) -> None:
    """Join the other processes, if a launcher or we started several.

    Args:
        processes: value of `--processes`; 1 to train alone.

    Raises:
        BackendError: if JAX cannot be used in this way.
        SettingsError: if the variables of a launcher are incomplete.
    """
    launched = launched_together(processes)
    if launched is None:
        return
    from passerelle.parallel.group import join

    if started_by_us():
        _end_with_parent()
        if not os.environ.get(TRACEBACK):
            hide_native_errors()
    _close_standard_output()
    join(*launched, coordinator_address(), gpu=_own_gpu())


def _close_standard_output() -> None:
    """Write standard output nowhere: gloo prints a line there for each connection, and training prints nothing."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _own_gpu() -> int | None:
    """Return the number of this process's GPU; None if the launcher shows it no other."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return local_number() if visible is None or "," in visible else None


def _end_with_parent() -> None:
    """Interrupt this process when the one that started it ends, even if that is killed: the pipe then closes."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def train_on_processes(count: int, folder: Path | None, seeds: int = 1) -> int:
    """Run this command in several processes, and wait for them; return the exit status.

    Args:
        count: number of processes.
        folder: folder of the run; None without one.
        seeds: number of translators, each with a run of its own.

    Raises:
        LostProcessError: if a process has ended before the training was done.
    """
    port = free_port()
    children = [_Child(number, count, port) for number in range(count)]
    with _forwarded(children):
        first_end: float | None = None
        while any(child.runs() for child in children):
            ended = [child for child in children if not child.runs()]
            first_end = first_end or (time.monotonic() if ended else None)
            past = 0.0 if first_end is None else time.monotonic() - first_end
            aborted = any(child.status == _ABORTED for child in ended)
            if past > (ABORT_GRACE_SECONDS if aborted else GRACE_SECONDS):
                for child in children:
                    child.end(kill=aborted or past > GRACE_SECONDS + KILL_SECONDS)
            time.sleep(0.05)
    if children[0].ended_by_itself():
        return children[0].status
    cause = min(children, key=lambda child: child.rank_as_cause())
    folders = [] if folder is None else [path for path in numbered(folder, seeds) if _has_checkpoint(path)]
    how = f" The run can go on: {resume_command(folders[-1])}" if folders else " Start the training again."
    silent = [child for child in children if child.was_told]
    if silent and cause.status == _ABORTED:
        reason = f"process {cause.number + 1} ended: {cause.reason()}"
        raise LostProcessError(f"process {silent[0].number + 1} of {count} no longer answers ({reason}).{how}")
    raise LostProcessError(f"process {cause.number + 1} of {count} ended ({cause.reason()}).{how}")


def _has_checkpoint(folder: Path) -> bool:
    return any((folder / "checkpoints").glob("[!.]*"))


class _Child:
    """One of the processes.

    Attributes:
        number: its number, from 0.
        status: its exit status, negative if a signal ended it.
    """

    def __init__(self, number: int, count: int, port: int):
        self.number = number
        self._lines: deque[str] = deque(maxlen=20)
        self._told = False
        values = dict(zip(OWN, (str(number), str(count)), strict=True)) | {COORDINATOR[0]: f"127.0.0.1:{port}"}
        # A process group of its own: Ctrl-C reaches this process only, which forwards it once.
        options: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        if number:  # only the first process writes
            options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "passerelle", *sys.argv[1:]],
            env=os.environ | values,
            stdin=subprocess.PIPE,  # its end tells the child that this process has ended
            **options,
        )
        _pin(self._process.pid, number, count)
        if self._process.stderr is not None:
            threading.Thread(target=self._read, args=(self._process.stderr,), daemon=True).start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._lines.append(line.decode("utf-8", "replace").strip())

    @property
    def status(self) -> int:
        return self._process.returncode

    @property
    def was_told(self) -> bool:
        """Whether it was told to end, or killed."""
        return self._told

    def runs(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.runs():
            self._process.send_signal(number)

    def end(self, *, kill: bool) -> None:
        """Tell it to end, or kill it, if it still runs."""
        if self.runs() and (kill or not self._told):
            self._told = True
            (self._process.kill if kill else self._process.terminate)()

    def ended_by_itself(self) -> bool:
        """Return whether its exit status is that of the command: no signal and no other process ended it."""
        return self.status >= 0 and self.status != LOST and not self._told

    def rank_as_cause(self) -> tuple[bool, bool, bool, int]:
        """Return the order in which processes count as the cause of the end: the lowest one is the cause."""
        # JAX aborts processes that lose the first one.
        return self._told, self.status in (0, LOST), self.status == _ABORTED, self.number

    def reason(self) -> str:
        """Return why it ended, in words."""
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        said = [line for line in self._lines if line.startswith("passerelle: ")]
        return one_line(said[-1].removeprefix("passerelle: ")).rstrip(".") if said else f"exit status {self.status}"


def _pin(process: int, number: int, count: int) -> None:
    """Give a process its share of the cores, where there are enough and the system can do so.

    Otherwise each process would compute with as many threads as there are cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) >= count:
        own = cores[number * len(cores) // count : (number + 1) * len(cores) // count]
        with contextlib.suppress(OSError):  # it may have ended
            os.sched_setaffinity(process, own)


@contextlib.contextmanager
def _forwarded(children: Sequence[_Child]) -> Iterator[None]:
    """Forward the signals that end a process to the children, which decide; kill the children if this process fails."""

    def forward(number: int, frame: Any) -> None:
        for child in children:
            child.send(number)

    before = {
        number: signal.signal(number, forward)
        for number in SIGNALS
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for child in children:
            child.end(kill=True)
