"""Shards of a text file: byte ranges that begin and end at line ends, for several processes that share one file."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from passerelle.data.containers import is_packed
from passerelle.data.encodings import LineStart, detect_encoding, line_ends_to_replace
from passerelle.data.file_kinds import START_BYTES, refuse_other_kinds
from passerelle.errors import DataError, SettingsError

__all__ = ["FileShard"]

_CHUNK = 1 << 20
"""Bytes that are read at a time to find and to count line ends."""

_DOCUMENTS = {
    ".json": "JSON", ".tmx": "TMX", ".po": "gettext", ".csv": "CSV", ".parquet": "Parquet", ".xlsx": "Excel",
    ".npy": "NumPy", ".npz": "NumPy",
}  # fmt: skip
"""Suffixes of formats in which a line end does not end a row."""


@dataclass(frozen=True)
class FileShard:
    """Consecutive lines of a text file.

    Shard k of n begins at the first line that starts at or after byte size * (k - 1) // n. So the shards of a file are
    its lines, each once and in order, for every n; a shard may be empty.

    Attributes:
        path: the file.
        start: position of the first byte.
        stop: position after the last byte.
        first: number of the first line in the file, from 1, with the line ends of the file.
    """

    path: str
    start: int
    stop: int
    first: LineStart

    @classmethod
    def find(cls, path: str | os.PathLike[str], number: int, count: int) -> "FileShard":
        """Find the byte range of shard `number` of `count`, numbered from 1.

        The file is read up to the beginning of the range, to count lines.

        Raises:
            DataError: if the file cannot be read, is compressed, no text or no UTF-8, or a format of rows that are no
                lines.
            SettingsError: if `number` is not from 1 to `count`.
        """
        if not 1 <= number <= count:
            raise SettingsError(f"a shard is numbered from 1 to the number of shards, received: {number} of {count}")
        (shard,) = cls._find(os.fspath(path), [number], count)
        return shard

    @classmethod
    def split(cls, path: str | os.PathLike[str], count: int) -> "list[FileShard]":
        """Return all shards of a file, which is read once; see `find`."""
        if count < 1:
            raise SettingsError(f"a file has at least 1 shard, received: {count}")
        return list(cls._find(os.fspath(path), range(1, count + 1), count))

    @classmethod
    def _find(cls, path: str, numbers: Iterable[int], count: int) -> "Iterator[FileShard]":
        with _reading(path) as stream:
            if not stream.seekable():
                raise DataError(f"{path} is not a regular file, so that it has no byte ranges. Name a file.")
            replaced = _check_start(stream, path)
            size = stream.seek(0, os.SEEK_END)
            position, line = 0, 1
            for number in numbers:
                start = _line_start(stream, size * (number - 1) // count)
                stop = size if number == count else _line_start(stream, size * number // count)
                line += _count_line_ends(stream, position, start)
                position = start
                yield cls(path, start, stop, LineStart(line, start, replaced))

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    def sha256(self) -> str:
        """Return the checksum of the bytes."""
        checksum = hashlib.sha256()
        with self.open() as stream:
            while data := stream.read(_CHUNK):
                checksum.update(data)
        return checksum.hexdigest()

    @contextmanager
    def open(self, progress: Callable[[int], object] | None = None) -> Iterator[io.BufferedReader]:
        """Open the bytes of the shard for reading; `progress` is called with the number of bytes read so far."""
        with _reading(self.path) as stream:
            stream.seek(self.start)
            yield io.BufferedReader(_Range(stream, self.size, progress), _CHUNK >> 4)


class _Range(io.RawIOBase):
    """The next `size` bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int, progress: Callable[[int], object] | None):
        self._stream, self._size, self._progress = stream, size, progress
        self._rest = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read(min(len(buffer), self._rest))
        buffer[: len(data)] = data
        self._rest -= len(data)
        if self._progress is not None:
            self._progress(self._size - self._rest)
        return len(data)


@contextmanager
def _reading(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder. Name a file in it.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None


def _check_start(stream: BinaryIO, path: str) -> tuple[str, ...] | None:
    """Check that the file consists of lines in UTF-8; return `LineStart.replaced` of all shards."""
    start = stream.read(_CHUNK)
    if start.endswith(b"\r"):
        start += stream.read(2)  # the rest of a line end
    if is_packed(start):
        raise DataError(
            f"{path} is compressed, so that every shard would have to unpack all shards before it. Unpack it first."
        )
    refuse_other_kinds(start[:START_BYTES], path)
    kind = next((name for suffix, name in _DOCUMENTS.items() if path.lower().endswith(suffix)), None)
    if kind is not None:
        raise DataError(
            f"{path} is a {kind} file, whose rows are not lines: it has no shards. Save its texts as lines."
        )
    encoding, _ = detect_encoding(start)
    if encoding != "utf-8":
        name = encoding.rpartition("-")[0].upper()
        raise DataError(f"{path} is {name}; shards require UTF-8. Convert it: iconv -f {name} -t UTF-8 OLD > NEW")
    replaced = line_ends_to_replace(start.decode("latin-1"))
    if replaced and "\r" in replaced:
        raise DataError(f"{path} has CR as line end; shards require LF. Convert it: tr '\\r' '\\n' < OLD > NEW")
    return replaced


def _line_start(stream: BinaryIO, offset: int) -> int:
    """Return the position of the first line that starts at or after `offset`; the size of the file if there is none."""
    if offset == 0:
        return 0
    position = stream.seek(offset - 1)  # a line starts after a line end, which may be the byte before
    while chunk := stream.read(_CHUNK):
        if (found := chunk.find(b"\n")) >= 0:
            return position + found + 1
        position += len(chunk)
    return position


def _count_line_ends(stream: BinaryIO, start: int, stop: int) -> int:
    """Return the number of line ends between two positions."""
    stream.seek(start)
    found, rest = 0, stop - start
    while rest > 0 and (chunk := stream.read(min(_CHUNK, rest))):
        found += chunk.count(b"\n")
        rest -= len(chunk)
    return found
