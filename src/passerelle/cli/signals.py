"""Signals that end a process, as exceptions, so that a command ends with one line and removes its temporary files."""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from passerelle.training.callbacks.interruption import SIGNALS, Interrupted

__all__ = ["exit_status", "signal_words", "signals_as_exceptions"]


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise `Interrupted` for SIGTERM and SIGHUP, where the system has them and the process does not ignore them.

    Python drops exceptions that are raised in destructors and in callbacks of weak references, of which an import runs
    many. `Interrupted` and the exception of Ctrl-C are then raised again.
    """
    replaced = {}
    hook = sys.unraisablehook

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        if isinstance(dropped.exc_value, KeyboardInterrupt):
            number = getattr(dropped.exc_value, "signal", signal.SIGINT)
            # Not at once: it would be raised in this hook, where Python drops it too.
            again = threading.Timer(0.05, _thread.interrupt_main, [number])
            again.daemon = True
            again.start()
        else:
            hook(dropped)

    sys.unraisablehook = raise_again
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # Python itself handles Ctrl-C
            replaced[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in replaced.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


def exit_status(number: int) -> int:
    """Return the exit status of a process that a signal ended, as shells report it."""
    return 128 + number


def signal_words(number: int) -> str:
    """Return the words of messages: `interrupted`, and the name of a signal that is not Ctrl-C."""
    return "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"
