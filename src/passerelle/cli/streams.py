"""Standard error that ends no command: messages that cannot be written are dropped."""

import io
import os
import sys
from typing import Any

__all__ = ["keep_standard_error_usable"]

STANDARD_ERROR = 2


def keep_standard_error_usable() -> None:
    """Replace `sys.stderr` so that writing to it never fails: it may be closed, a broken pipe, or on a full disk."""
    if sys.stderr is not sys.__stderr__:
        return  # a program that calls `main` has replaced it
    if sys.stderr is None:
        _occupy_closed_descriptors()
        raw: Any = io.FileIO(STANDARD_ERROR, "w", closefd=False)
    else:
        raw = getattr(sys.stderr.buffer, "raw", sys.stderr.buffer)
    buffer = io.BufferedWriter(_Forgiving(raw))
    sys.stderr = io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _occupy_closed_descriptors() -> None:
    """Open the null device for closed standard streams; otherwise messages of libraries would go to the next file."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        pass
    os.close(descriptor)


class _Forgiving(io.RawIOBase):
    """A stream that accepts everything and drops what cannot be written."""

    def __init__(self, raw: Any):
        self._raw = raw

    def write(self, data: Any, /) -> int:
        try:
            return self._raw.write(data) or len(data)  # None: a full pipe that does not block
        except OSError:
            return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()
