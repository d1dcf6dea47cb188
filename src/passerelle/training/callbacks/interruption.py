"""Ctrl-C as a request to end training after the current update, instead of an exception inside it."""

import signal
import threading
from types import FrameType, TracebackType

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Interruption"]


class Interruption(Callback):
    """Stops the run after Ctrl-C and drops the unfinished epoch.

    While this context manager is open, the first Ctrl-C only sets `requested`; a second one acts as it does elsewhere.
    It does nothing outside the main thread, where Python does not allow signal handlers, and in a process that was
    started with Ctrl-C ignored, as shells start background jobs.

    Attributes:
        requested: whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: object = None

    def on_epoch_begin(self, run: Run) -> None:
        self._check(run)

    def on_update_end(self, run: Run) -> None:
        self._check(run)

    def on_epoch_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        if self.requested:
            run.stop("interrupted", drop_epoch=True)

    def __enter__(self) -> "Interruption":
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if threading.current_thread() is threading.main_thread() and not ignored:
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # pyright: ignore[reportArgumentType] - came from there
            self._before = None
