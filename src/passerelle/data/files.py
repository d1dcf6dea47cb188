"""Reading plain, gzip and zip files."""

import gzip
import io
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from passerelle.errors import DataError

__all__ = [
    "STANDARD_INPUT",
    "inner_name",
    "input_name",
    "open_input",
    "read_lines",
]

STANDARD_INPUT = "-"
_STANDARD_INPUT_NAMES = {STANDARD_INPUT, "/dev/stdin"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def input_name(path: str | os.PathLike[str]) -> str:
    """Return the name of `path` for messages: the path, or "standard input"."""
    return "standard input" if os.fspath(path) in _STANDARD_INPUT_NAMES else os.fspath(path)


def inner_name(path: str | os.PathLike[str]) -> str:
    """Return the file name without `.gz`; for a `.zip`, the name of the text file inside. It determines the format.

    Raises:
        DataError: if `path` ends in `.zip` and is not a readable archive of exactly one text file.
    """
    name = Path(path).name
    if name.lower().endswith(".zip"):
        with _errors_as_data_error(path), open(path, "rb") as raw, zipfile.ZipFile(raw) as archive:
            name = Path(_text_member(archive, path)).name
    return name[:-3] if name.lower().endswith(".gz") else name


def read_lines(
    path: str | os.PathLike[str], *, keep_ends: bool = False, progress: Callable[[int], object] | None = None
) -> Iterator[str]:
    """Yield the lines of a text file, reading it lazily.

    Args:
        path: as for `open_input`. A byte order mark is removed. Lines end with LF or CRLF.
        keep_ends: yield the lines with their line ends.
        progress: as for `open_input`.

    Raises:
        DataError: if the file cannot be read, or is not UTF-8 (the message names the byte).
    """
    offset = 0
    with open_input(path, progress) as stream:
        for number, raw in enumerate(stream, start=1):
            text = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
            try:
                line = text.decode("utf-8")
            except UnicodeDecodeError as error:
                position = offset + len(raw) - len(text) + error.start
                raise DataError(
                    f"{input_name(path)}, line {number}: byte {position} (0x{text[error.start]:02x}) is not UTF-8. "
                    f"Save the file as UTF-8, for example: iconv -f LATIN1 -t UTF-8 OLD > NEW"
                ) from None
            offset += len(raw)
            yield line if keep_ends else line.removesuffix("\n").removesuffix("\r")


@contextmanager
def open_input(
    path: str | os.PathLike[str], progress: Callable[[int], object] | None = None
) -> Iterator[BinaryIO | io.BufferedIOBase]:
    """Open a file for reading bytes, decompressed; the container is recognized by its first bytes.

    Args:
        path: a plain file, a gzip file, a zip archive that contains one text file (files whose names begin with `_`
            or `.` are ignored), or `-` for standard input.
        progress: called after each read with the position in the file, in (compressed) bytes; not called for standard
            input or a pipe.

    Raises:
        DataError: if the file is missing, a folder, unreadable or a damaged archive, also while it is being read.
    """
    with _errors_as_data_error(path), _open(path, progress) as stream:
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
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is a damaged archive ({error}). Get a complete copy of it.") from None
    except (NotImplementedError, RuntimeError) as error:  # unsupported compression, or a password
        raise DataError(f"{name} cannot be decompressed ({error}). Extract the text file and name it.") from None
    except OSError as error:
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
        start = raw.peek(4)[:4]  # peek, because a named pipe cannot seek
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(raw) as stream:
                yield stream  # pyright: ignore[reportReturnType] - GzipFile reads bytes
        elif start == b"PK\x03\x04":
            with zipfile.ZipFile(raw) as archive, archive.open(_text_member(archive, path)) as stream:
                yield stream  # pyright: ignore[reportReturnType] - ZipExtFile reads bytes
        else:
            yield raw


def _text_member(archive: zipfile.ZipFile, path: str | os.PathLike[str]) -> str:
    members = [name for name in archive.namelist() if not name.endswith("/")]
    texts = [name for name in members if not Path(name).name.startswith(("_", ".")) and "__MACOSX" not in name]
    if len(texts) != 1:
        found = ", ".join(members[:5]) or "nothing"
        raise DataError(f"{os.fspath(path)} must contain exactly one text file; it contains {found}. Extract it first.")
    return texts[0]
