"""Lines out: to standard output, or into a file that holds whole lines alone and is gone on with where it ended."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from passerelle.errors import OutputError

__all__ = ["FileOutput", "Form", "Output", "json_line", "open_output", "require_apart"]

_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Of Unicode's, those that JSON leaves as they are: an object is to stay on one line, whoever reads it."""


def json_line(value: Any) -> str:
    """JSON on one line, without its end."""
    return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)


def require_apart(path: str | None, out: str | None) -> None:
    """Raises OutputError if what is read is the file that is written."""
    named = [name for name in (path, out) if name is not None and os.path.exists(name)]
    if len(named) == 2 and os.path.samefile(*named):
        raise OutputError(f"--in and --out are one file: {out}. Name another file to write.")


@dataclass(frozen=True)
class Form:
    """How the lines of a file belong to the texts that were translated.

    Attributes:
        lines: of each text; with `numbered` at most so many.
        numbered: whether each line begins with its text's number and a tab.
        start: with what each line begins.
    """

    lines: int = 1
    numbered: bool = False
    start: bytes = b""

    def whole(self, stream: BinaryIO, name: str) -> tuple[int, int]:
        """Counts the texts, from the beginning, all of whose lines are there.

        Returns:
            How many they are, and the bytes of their lines.

        Raises:
            OutputError: if a line is none of this form (says which).
        """
        texts = whole = size = lines = 0
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                break
            if self.numbered and lines and not line.startswith(b"%d\t" % (texts + 1)):
                texts, whole, lines = texts + 1, size, 0  # that text has no more lines
            if not line.startswith(b"%d\t" % (texts + 1) if self.numbered else self.start):
                raise OutputError(
                    f"{name}, line {number} was written with other options, or by another command. Resume with the "
                    f"options that it was begun with, or name another file."
                )
            size += len(line)
            lines += 1
            if lines == self.lines:
                texts, whole, lines = texts + 1, size, 0
        return texts, whole


class Output:
    """Standard output.

    Attributes:
        done: texts whose translations were there before.
    """

    done = 0

    def write(self, lines: str) -> None:
        """Writes whole lines, and sees that they arrive."""
        sys.stdout.write(lines)
        sys.stdout.flush()


class FileOutput(Output):
    """A file that grows by whole lines.

    Args:
        stream: its end, unbuffered.
        done: texts whose translations are there.
    """

    def __init__(self, stream: io.FileIO, done: int = 0):
        self.done = done
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)

    def write(self, lines: str) -> None:
        """Writes whole lines; if that fails or is interrupted half-way, none of them are left in the file.

        Raises:
            OutputError: if they cannot be written (disk full).
        """
        rest = memoryview(lines.encode("utf-8", "backslashreplace"))
        size = self._size + len(rest)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except BaseException as error:
            self._stream.truncate(self._size)
            if isinstance(error, OSError):
                raise _unwritable(str(self._stream.name), error) from None
            raise
        self._size = size


@contextmanager
def open_output(path: str | None, *, resume: bool, form: Form) -> Iterator[Output]:
    """Opens a file to write lines into, or standard output.

    Args:
        path: None for standard output.
        resume: keep the texts that are whole in the file, drop what comes after them, and write behind.
        form: of its lines.

    Raises:
        OutputError: if the file cannot be written, holds something that is not to be resumed, or is of another form.
    """
    if path is None:
        yield Output()
        return
    from passerelle.data.files import require_writable_file

    file = require_writable_file(path)
    if file.exists() and not file.is_file():
        raise OutputError(f"{path} is no regular file. Without --out, lines go to standard output.")
    if not resume and file.exists() and file.stat().st_size:
        raise OutputError(f"{path} holds something already. Add --resume to go on behind it, or name another file.")
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(io.FileIO(path, "ab"))
            done = 0
            if resume:
                with open(path, "rb") as before:
                    done, whole = form.whole(before, path)
                stream.truncate(whole)
        except OSError as error:
            raise _unwritable(path, error) from None
        yield FileOutput(stream, done)


def _unwritable(path: str, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}. What it holds is whole: try --resume.")
