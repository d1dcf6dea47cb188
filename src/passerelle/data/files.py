"""Reading files of text, packed or not."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from passerelle.data.containers import COMPRESSED_SUFFIXES, damages, member_name, unpacked
from passerelle.data.encodings import decoded
from passerelle.data.file_shards import FileShard
from passerelle.data.line_limit import LineLimit
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = [
    "STANDARD_INPUT",
    "inner_name",
    "input_name",
    "open_input",
    "read_lines",
    "read_text",
]

STANDARD_INPUT = "-"
_STANDARD_INPUT_NAMES = {STANDARD_INPUT, "/dev/stdin"}


def input_name(path: str | os.PathLike[str]) -> str:
    """Return the name of `path` for messages: the path, or "standard input"."""
    return "standard input" if os.fspath(path) in _STANDARD_INPUT_NAMES else os.fspath(path)


def inner_name(path: str | os.PathLike[str]) -> str:
    """Return the file name without the suffixes of containers, in lower case; it determines the format.

    For a zip archive, that is the name of the text file inside, unless it has no suffix or `.txt`, which tell nothing.

    Raises:
        DataError: if `path` ends in `.zip` and is not a readable archive of exactly one text file.
    """
    name = Path(path).name.lower()
    if name.endswith(".zip"):
        with _errors_as_data_error(path), open(path, "rb") as raw:
            member = member_name(raw, os.fspath(path)).lower()
        if Path(_without_containers(member)).suffix not in ("", ".txt"):
            name = member
    return _without_containers(name)


def _without_containers(name: str) -> str:
    while name.endswith((*COMPRESSED_SUFFIXES, ".zip")):
        name = name.rpartition(".")[0]
    return name


def read_lines(
    path: str | os.PathLike[str],
    *,
    keep_ends: bool = False,
    progress: Callable[[int], object] | None = None,
    max_line: int = MAX_LINE,
    shard: FileShard | None = None,
) -> Iterator[str]:
    """Yield the lines of a text file, reading it lazily.

    Args:
        path: as for `open_input`.
        keep_ends: yield the lines with their line ends.
        progress: as for `open_input`.
        max_line: maximum number of characters of a line.
        shard: the lines of `path` to read; None for all.

    Raises:
        DataError: if a line is too long, or see `read_text`; all lines before the place of the error are yielded first.
    """
    limit = LineLimit(input_name(path), max_line)
    parts: list[str] = []  # of a line that has not ended
    number, length = 1 if shard is None else shard.first.line, 0  # of this line
    for text in read_text(path, progress=progress, shard=shard):
        first, *lines = text.split("\n")
        parts.append(first)
        length += len(first)
        if length > max_line:
            limit.check(length, number)
        if not lines:
            continue
        lines.insert(0, "".join(parts))
        parts = [lines.pop()]
        too_long = None
        if len(text) > max_line:  # else only the first line can be too long
            too_long = next((index for index, line in enumerate([*lines, *parts]) if len(line) > max_line), None)
            lines = lines[:too_long]
        number, length = number + len(lines), len(parts[0])
        if keep_ends:
            yield from [f"{line}\n" for line in lines]
        else:
            yield from [line.rstrip("\r") for line in lines] if "\r" in text else lines
        if too_long is not None:
            limit.check(max_line + 1, number)
    if last := "".join(parts):
        yield last if keep_ends else last.rstrip("\r")


def read_text(
    path: str | os.PathLike[str],
    *,
    progress: Callable[[int], object] | None = None,
    shard: FileShard | None = None,
) -> Iterator[str]:
    """Yield the text of a file in pieces; see `data.encodings.decoded` for its encodings and line ends.

    Args:
        path: as for `open_input`.
        progress: as for `open_input`.
        shard: the part of `path` to read; None for all.

    Raises:
        DataError: if the file cannot be read or is not text (the message names the line and the byte).
    """
    with open_input(path, progress) if shard is None else shard.open(progress) as stream:
        yield from decoded(stream, input_name(path), None if shard is None else shard.first)


@contextmanager
def open_input(
    path: str | os.PathLike[str], progress: Callable[[int], object] | None = None
) -> Iterator[BinaryIO | io.BufferedIOBase]:
    """Open a file for reading bytes, decompressed; containers are recognized by their first bytes.

    Args:
        path: a plain file, a compressed file (gzip, bzip2, xz, zstd), a zip archive that contains one text file (files
            whose names begin with `_` or `.` are ignored), also inside each other, or `-` for standard input.
        progress: called after each read with the position in the file, in (compressed) bytes; not called for standard
            input or a pipe.

    Raises:
        DataError: if the file is missing, a folder, unreadable, a damaged archive, or known to be no text, such as a
            spreadsheet; also while it is being read.
    """
    with _errors_as_data_error(path), _open(path, progress) as raw, unpacked(raw, input_name(path)) as stream:
        yield stream


@contextmanager
def _errors_as_data_error(path: str | os.PathLike[str]) -> Iterator[None]:
    name = input_name(path)
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{name}: no such file. Check the path, or try: passerelle phrasebook > pairs.tsv") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder. Name a file in it.") from None
    except damages() as error:
        raise DataError(f"{name} is a damaged archive ({error}). Get a complete copy of it.") from None
    except (NotImplementedError, RuntimeError, ImportError) as error:  # unsupported compression, or a password
        raise DataError(f"{name} cannot be decompressed ({error}). Extract the text file and name it.") from None
    except OSError as error:
        if error.errno is None:  # raised by bz2, not by the system
            raise DataError(f"{name} is a damaged archive ({error}). Get a complete copy of it.") from None
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from None


class _ProgressFile(io.FileIO):
    """A file that reports its position after each read."""

    def __init__(self, path: str | os.PathLike[str], progress: Callable[[int], object]):
        super().__init__(path)
        self._progress = progress

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        if self.seekable():
            self._progress(self.tell())
        return count


@contextmanager
def _open(
    path: str | os.PathLike[str], progress: Callable[[int], object] | None
) -> Iterator[BinaryIO | io.BufferedIOBase]:
    if os.fspath(path) in _STANDARD_INPUT_NAMES:
        # Duplicate the descriptor: Python aborts at exit if a thread is still blocked in `sys.stdin`.
        try:
            descriptor = os.dup(sys.stdin.fileno())
        except io.UnsupportedOperation:  # `sys.stdin` was replaced by an object without a descriptor
            yield sys.stdin.buffer
            return
        with os.fdopen(descriptor, "rb") as stream:
            yield stream
        return
    with open(path, "rb") if progress is None else io.BufferedReader(_ProgressFile(path, progress)) as raw:
        yield raw
