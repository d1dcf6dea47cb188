"""Ctrl-C as a request to end training well, instead of an exception in the middle of an update."""

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["Interruption"]


class Interruption:
    """While open, the first Ctrl-C only sets `requested`; a second one acts as it always does.

    It does nothing outside the main thread, where Python lets nobody listen to signals, and in a process that was
    started deaf to Ctrl-C, as shells start background jobs.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: object = None

    def __enter__(self) -> "Interruption":
        deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if threading.current_thread() is threading.main_thread() and not deaf:
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
