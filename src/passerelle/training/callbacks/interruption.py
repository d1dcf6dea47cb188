"""Ctrl-C ends training after the current update instead of raising an exception inside it."""

import signal
import threading
from types import FrameType, TracebackType

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Interruption"]


class Interruption(Callback):
    """Stop the run after Ctrl-C and drop the unfinished epoch.

    Within this context manager, the first Ctrl-C only sets `requested`; a second one has its usual effect. The manager
    does nothing outside the main thread, where Python does not allow signal handlers, and in a process that ignores
    Ctrl-C, like background jobs of a shell.

    Attributes:
        requested: whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous_handler: object = None

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
            self._previous_handler = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        if self._previous_handler is not None:
            # pyright does not know that `signal.signal` returned this handler.
            signal.signal(signal.SIGINT, self._previous_handler)  # pyright: ignore[reportArgumentType]
            self._previous_handler = None
