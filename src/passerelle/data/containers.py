"""Compressed files and archives, recognized by their first bytes and unpacked while they are read."""

import importlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from passerelle.data.file_kinds import START_BYTES, refuse_archive_of_another_kind, refuse_other_kinds
from passerelle.data.zstd import DamagedZstdError, ZstdStream
from passerelle.errors import DataError

__all__ = ["COMPRESSED_SUFFIXES", "damages", "is_packed", "member_name", "seekable", "unpacked"]

COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst")
"""File name suffixes of compressed files."""

_MAX_LAYERS = 4
"""Maximum number of containers inside each other."""

_SPOOLED_BYTES = 1 << 26
"""A zip archive from a pipe or in another container is copied into memory up to this size, else into a file."""

_BZIP2_BYTES = 10
"""Bytes that tell a bzip2 file from a text that begins with `BZh`."""

_BUFFER = 1 << 16

_MAX_READ_ON = 1 << 28
"""Maximum number of bytes that are read after an error, to find out whether the container is damaged."""


def _open_by(module: str) -> Callable[[Any], Any]:
    """Return the function `open` of a module, which is imported when it is needed: some systems lack one."""
    return lambda stream: importlib.import_module(module).open(stream)


def _open_zstd(stream: Any) -> Any:
    return io.BufferedReader(ZstdStream(stream), _BUFFER)


_COMPRESSIONS: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", _open_by("gzip")),
    (b"BZh", _open_by("bz2")),
    (b"\xfd7zXZ\x00", _open_by("lzma")),
    (b"\x5d\x00\x00", _open_by("lzma")),  # the older .lzma
    (b"\x28\xb5\x2f\xfd", _open_zstd),
)
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip archive, and of an empty one."""

_MARKS = (
    *(magic for magic, _ in _COMPRESSIONS),
    *_ZIP_STARTS,
    b"\xff\xfe\x00\x00",
    b"\x00\x00\xfe\xff",
    b"\xef\xbb\xbf",
)
"""Beginnings that decide how a file is read: of compressed files, archives, and the marks of Unicode."""


@contextmanager
def unpacked(stream: Any, name: str) -> Iterator[BinaryIO | io.BufferedIOBase]:
    """Yield the content of a stream, unpacked as often as it is packed; a plain stream is yielded as it is.

    Args:
        stream: binary stream, also one that cannot seek.
        name: its name, for messages.

    Raises:
        DataError: if the content is no text but of another known kind, such as a tar archive or a spreadsheet; if a
            zip archive does not contain exactly one text file; or if there are more than `_MAX_LAYERS` containers.
    """
    with ExitStack() as stack:
        for layer in range(_MAX_LAYERS + 1):
            start, stream = _with_start(stream)
            opener = _opener(start)
            if opener is not None:
                stream = stack.enter_context(opener(stream))
            elif start.startswith(_ZIP_STARTS):
                archive = stack.enter_context(zipfile.ZipFile(stack.enter_context(seekable(stream, name))))
                stream = stack.enter_context(archive.open(_text_member(archive, name)))
            else:
                refuse_other_kinds(start, name)
                try:
                    yield stream
                except DataError:
                    if layer:
                        _read_on(stream)
                    raise
                return
        raise DataError(f"{name} is packed more than {_MAX_LAYERS} times. Unpack it, and name the text file in it.")


def _read_on(stream: BinaryIO | io.BufferedIOBase) -> None:
    """Read the rest of an unpacked stream, so that a wrong checksum is found: it explains why the content is no text.

    Raises:
        Exception: one of `damages()`, or an OSError of bz2.
    """
    for _ in range(_MAX_READ_ON // _BUFFER):
        if not stream.read(_BUFFER):
            return


def is_packed(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is compressed, or a zip archive."""
    return _opener(start) is not None or start.startswith(_ZIP_STARTS)


def _opener(start: bytes) -> Callable[[Any], Any] | None:
    """Return the function that opens a compressed stream with these first bytes; None if it is not compressed."""
    if start.startswith(b"BZh") and start[4:_BZIP2_BYTES] not in (b"1AY&SY", b"\x17rE8P\x90"):
        return None  # a text that begins with these letters
    return next((opener for magic, opener in _COMPRESSIONS if start.startswith(magic)), None)


def damages() -> tuple[type[Exception], ...]:
    """Return the exceptions that mean a damaged container."""
    import gzip
    import zlib

    found = [zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, DamagedZstdError]
    with suppress(ImportError):
        found.append(importlib.import_module("lzma").LZMAError)
    return tuple(found)


def member_name(stream: BinaryIO, name: str) -> str:
    """Return the name of the only text file of a zip archive; an empty string if the file is no zip archive."""
    if not stream.read(4).startswith(_ZIP_STARTS):
        return ""
    with zipfile.ZipFile(stream) as archive:
        return Path(_text_member(archive, name)).name


def _text_member(archive: zipfile.ZipFile, name: str) -> str:
    """Return the only text file of an archive; names that begin with `_` or `.` are ignored."""
    refuse_archive_of_another_kind(archive, name)
    members = [member for member in archive.namelist() if not member.endswith("/")]
    texts = [member for member in members if not Path(member).name.startswith(("_", ".")) and "__MACOSX" not in member]
    if len(texts) != 1:
        found = ", ".join(members[:5]) or "nothing"
        raise DataError(f"{name} must contain exactly one text file; it contains {found}. Extract it first.")
    return texts[0]


def _with_start(stream: Any) -> tuple[bytes, Any]:
    """Return the first bytes, up to `START_BYTES`, and a stream that still contains them."""
    if isinstance(stream, io.BufferedReader) and stream.seekable():
        return stream.peek(START_BYTES)[:START_BYTES], stream
    start = b""
    # A person who types must not wait, so read on only while the kind is undecided.
    while len(start) < START_BYTES and _is_undecided(start):
        more = stream.read1(START_BYTES) if hasattr(stream, "read1") else stream.read(START_BYTES)
        if not more:
            break
        start += more
    return start, io.BufferedReader(_Rejoined(start, stream), _BUFFER)


def _is_undecided(start: bytes) -> bool:
    if start.startswith(b"BZh"):
        return len(start) < _BZIP2_BYTES
    return b"\0" in start or any(mark.startswith(start) for mark in _MARKS)


@contextmanager
def seekable(stream: Any, name: str) -> Iterator[Any]:
    """Yield a stream that can seek: `stream` itself, or a copy in memory or, if it is large, in a temporary file.

    Args:
        stream: binary stream.
        name: its name, for messages.

    Raises:
        DataError: if the temporary file cannot be written.
    """
    if type(stream) is io.BufferedReader and stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as copy:
        while data := stream.read(_BUFFER):
            try:
                copy.write(data)
            except OSError as error:
                raise DataError(
                    f"{name} must be copied into a temporary file, which cannot be written: "
                    f"{error.strerror or error}. Save it as an uncompressed file, or set TMPDIR to a folder with space."
                ) from None
        copy.seek(0)
        yield copy


class _Rejoined(io.RawIOBase):
    """The first bytes of a stream, which were already read, followed by the rest of the stream."""

    def __init__(self, start: bytes, stream: Any):
        self._start = start
        self._stream = stream
        self._read = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data, self._start = self._start or self._read(len(buffer)), b""
        if len(data) > len(buffer):
            data, self._start = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)
