"""The standard streams: UTF-8 in every locale, usable when they are closed, and with errors of their own.

An error of standard output is told apart from those of files here, where it arises. Standard error carries only
progress and messages: if it cannot be written, the work goes on without them.
"""

import errno
import io
import os
import sys
from typing import Any

from passerelle.errors import OutputError

__all__ = ["TRACEBACK", "ClosedOutputError", "hide_native_errors", "prepare_streams"]

TRACEBACK = "PASSERELLE_TRACEBACK"
"""Environment variable: if set, the traceback of an error precedes its line."""


class ClosedOutputError(Exception):
    """The reader of standard output has closed the pipe."""


class _StandardOutput(io.FileIO):
    """Standard output. After the first error it discards everything, since Python flushes the rest at exit."""

    _failed = False

    def write(self, data: Any, /) -> int:
        if self._failed:
            return len(memoryview(data))
        try:
            return super().write(data)
        except OSError as error:
            self._failed = True
            # Windows reports a closed pipe as EINVAL. Elsewhere EINVAL has other causes.
            if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
                raise ClosedOutputError from None
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror or error
            raise OutputError(f"standard output cannot be written: {reason}.") from None


class _StandardError(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(memoryview(data)) if written is None else written


def prepare_streams() -> None:
    """Replace the standard streams of the process; streams that the caller has replaced only become UTF-8.

    Closed streams are opened first, so that no other file gets their numbers: standard input and output such that using
    them fails, and standard error such that everything written is lost.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, flags) != number:  # it gets the lowest free number
                return
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or _number(sys.stdout) == 1:
        buffer = io.BufferedWriter(_StandardOutput(1, "w", closefd=False))
        sys.stdout = _text(buffer, line_buffering=os.isatty(1))
    if sys.stderr is None or _number(sys.stderr) == 2:
        sys.stderr = _text(_StandardError(2, "w", closefd=False), line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def hide_native_errors() -> None:
    """Let only Python write to standard error, not libraries in other languages: JAX prints a trace when it aborts."""
    sys.stderr.flush()
    own, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    sys.stderr = _text(_StandardError(own, "w"), line_buffering=True)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _number(stream: Any) -> int:
    """Return the number of the file behind a stream; -1 if there is none."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return -1


def _text(buffer: Any, *, line_buffering: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        buffer, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=line_buffering
    )
