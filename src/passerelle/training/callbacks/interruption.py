"""Ctrl-C and the signals that end a process end training after the current update, instead of within it."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from passerelle.parallel.group import current
from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["INTERRUPTED", "SIGNALS", "Interrupted", "Interruption"]

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, the request to end, and the closed terminal; not every system has the last one."""

INTERRUPTED = "interrupted"
"""Reason for the end of an interrupted run."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the work, as Ctrl-C does.

    Attributes:
        signal: number of the signal.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = number


class Interruption(Callback):
    """Stop the run after Ctrl-C, SIGTERM or SIGHUP, and drop the unfinished interval.

    Within this context manager, the first signal only sets `signal`, so that what was trained can be saved. A Ctrl-C
    after it has its usual effect; further SIGTERM and SIGHUP have none, since several of them often arrive together.
    The context may be entered again within itself. It does nothing outside the main thread, where Python does not allow
    signal handlers, and for signals that the process ignores, as background jobs of a shell ignore Ctrl-C and `nohup`
    ignores SIGHUP. Of processes that train together, all stop at the same update if one receives a signal.

    Attributes:
        signal: number of the signal that arrived; 0 if none did.

    Raises:
        Interrupted: if a signal arrived before the first update: then there is nothing to save.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._entered = 0
        self._previous: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal arrived."""
        return self.signal != 0

    def on_train_begin(self, run: Run) -> None:
        run.pending_signal = lambda: self.signal

    def on_epoch_begin(self, run: Run) -> None:
        if self._agreed(run) and not run.state.updates:
            raise Interrupted(self.signal)
        self._check(run)

    def on_update_end(self, run: Run) -> None:
        self._check(run)

    def on_validation_end(self, run: Run) -> None:
        self._check(run)

    def on_epoch_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        if self._agreed(run):
            run.stop(INTERRUPTED, drop=True)

    def _agreed(self, run: Run) -> bool:
        """Return whether a signal arrived of which all processes know."""
        if current().count == 1:
            return self.requested
        self.signal = run.signal or self.signal
        return run.signal != 0

    def __enter__(self) -> "Interruption":
        self._entered += 1
        if self._entered == 1 and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: set by C code
                    self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._entered -= 1
        if not self._entered:
            for number in list(self._previous):
                self._restore(number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or number
        self._restore(signal.SIGINT)

    def _restore(self, number: int) -> None:
        if number in self._previous:
            signal.signal(number, self._previous.pop(number))
