"""Output lines: to standard output, or to a resumable file that always ends in a complete line."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.errors import OutputError, escape_controls

__all__ = [
    "FileOutput", "LineFormat", "Output", "Overwrite", "json_line", "open_output", "require_absent",
    "require_different_files", "write_text",
]  # fmt: skip

_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Line ends of Unicode that JSON does not escape: without escapes, some readers would split an object at them."""


RESUME = "--resume"
"""How to continue an output file after an interruption."""


def json_line(value: Any) -> str:
    """Return a value as JSON on one line, without a line end."""
    return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)


def write_text(text: str) -> None:
    """Write text to standard output and flush it.

    On a terminal, control characters are escaped: texts and model files of strangers must not control it. A pipe or a
    file receives the text unchanged.
    """
    sys.stdout.write(escape_controls(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def require_different_files(source: str | None, out: str | None) -> None:
    """Raise OutputError if the input file and the output file are the same file; None is a standard stream."""
    existing = [path for path in (source, out) if path is not None and os.path.exists(path)]
    if len(existing) == 2 and os.path.samefile(*existing):
        raise OutputError(f"--in and --out are the same file: {out}. Name another output file.")


Overwrite = Annotated[bool, Parameter(group=IN_GROUP["Output"], negative=(), show_default=False)]
"""Type of the flag --overwrite."""


def require_absent(paths: Iterable[str | os.PathLike[str]], *, overwrite: bool) -> None:
    """Raise OutputError if one of the files exists, unless existing files may be replaced."""
    existing = [os.fspath(path) for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise OutputError(f"{existing[0]} exists. Add --overwrite to replace it, or name another output.")


@dataclass(frozen=True)
class LineFormat:
    """The relation between the lines of an output file and the texts that were translated.

    Attributes:
        lines: lines per text; if `numbered`, the maximum number of lines per text.
        numbered: whether each line begins with the number of its text and a tab.
        start: bytes with which each line begins.
        first: number of the first text.
    """

    lines: int = 1
    numbered: bool = False
    start: bytes = b""
    first: int = 1

    def count_complete(self, stream: BinaryIO, name: str) -> tuple[int, int]:
        """Count the texts at the start of a file whose lines are all there.

        Args:
            stream: the file, at its start.
            name: its name, for messages.

        Returns:
            The number of texts, and the number of bytes of their lines.

        Raises:
            OutputError: if a line does not have this format.
        """
        texts = complete = size = lines = 0
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                break
            if self.numbered and lines and not line.startswith(b"%d\t" % (self.first + texts)):
                texts, complete, lines = texts + 1, size, 0  # the line belongs to the next text
            if not line.startswith(b"%d\t" % (self.first + texts) if self.numbered else self.start):
                raise OutputError(
                    f"{name}, line {number} was written with other options, or by another command. Resume with the "
                    f"same options as before, or name another file."
                )
            size += len(line)
            lines += 1
            if lines == self.lines:
                texts, complete, lines = texts + 1, size, 0
        return texts, complete


class Output:
    """Standard output.

    Attributes:
        done: number of texts whose translations the output already has.
    """

    done = 0

    def begin(self) -> None:
        """Remove the old content of a file that is replaced. Call it when the lines can be made."""

    def write(self, lines: str) -> None:
        """Write complete lines and flush them."""
        write_text(lines)


class FileOutput(Output):
    """A file to which complete lines are appended.

    Args:
        stream: the file, unbuffered, opened for appending.
        done: number of texts whose translations the file already has.
        replaced: whether `begin` removes the content of the file.
        name: name of the file in messages; by default its path.
        how: how to continue the file, for messages.
    """

    def __init__(self, stream: io.FileIO, done: int = 0, *, replaced: bool = False, name: str = "", how: str = RESUME):
        self.done = done
        self._stream = stream
        self._name, self._how = name or str(stream.name), how
        self._size = stream.seek(0, os.SEEK_END)
        self._replaced = replaced

    def begin(self) -> None:
        if self._replaced:
            self._stream.truncate(0)
            self._size = 0

    def write(self, lines: str) -> None:
        """Append complete lines. If writing fails or is interrupted, none of them remain in the file.

        Raises:
            OutputError: if they cannot be written, for example because the disk is full.
        """
        rest = memoryview(lines.encode("utf-8", "backslashreplace"))
        size = self._size + len(rest)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except BaseException as error:
            self._stream.truncate(self._size)
            if isinstance(error, OSError):
                raise _write_error(self._name, error, self._how) from None
            raise
        self._size = size


@contextmanager
def open_output(
    path: str | None,
    *,
    resume: bool,
    overwrite: bool = False,
    line_format: LineFormat,
    name: str = "",
    how: str = RESUME,
) -> Iterator[Output]:
    """Open a file for writing lines, or standard output.

    Args:
        path: the file; None for standard output.
        resume: keep the texts that are complete in the file, remove everything after them, and append.
        overwrite: replace the content of the file; it remains until `Output.begin`.
        line_format: format of the lines, which `resume` requires of the lines in the file.
        name, how: see `FileOutput`.

    Raises:
        OutputError: if the file cannot be written, is not empty without `resume` or `overwrite`, or has another format.
    """
    if path is None:
        yield Output()
        return
    from passerelle.data.writing import require_writable_file

    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise OutputError(f"{path} is not a regular file. Name another file; without --out, standard output is used.")
    file = require_writable_file(path)
    if not (resume or overwrite) and file.exists() and file.stat().st_size:
        raise OutputError(
            f"{path} exists and is not empty. Add --resume to continue it, --overwrite to replace it, or name another "
            f"file."
        )
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(io.FileIO(path, "ab"))
            done = 0
            if resume:
                with open(path, "rb") as before:
                    done, complete = line_format.count_complete(before, name or path)
                stream.truncate(complete)
        except OSError as error:
            raise _write_error(name or path, error, how) from None
        yield FileOutput(stream, done, replaced=overwrite, name=name, how=how)


def _write_error(name: str, error: OSError, how: str) -> OutputError:
    return OutputError(
        f"{name} cannot be written: {error.strerror or error}. The file ends in a complete line; continue it with "
        f"{how}."
    )
