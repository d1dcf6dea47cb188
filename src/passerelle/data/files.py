"""Files in and out: plain, gzipped or zipped bytes and lines of text, and writing that is whole or not at all."""

import gzip
import io
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from passerelle.errors import DataError, OutputError

__all__ = [
    "STANDARD_INPUT",
    "inner_name",
    "input_name",
    "open_input",
    "prepare_folder",
    "read_lines",
    "replace_atomically",
    "require_writable_file",
    "write_atomically",
]

STANDARD_INPUT = "-"
_STANDARD_INPUT_NAMES = {STANDARD_INPUT, "/dev/stdin"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def input_name(path: str | os.PathLike[str]) -> str:
    """What messages call `path`."""
    return "standard input" if os.fspath(path) in _STANDARD_INPUT_NAMES else os.fspath(path)


def inner_name(path: str | os.PathLike[str]) -> str:
    """The name that tells what a file holds: of a `.zip`, its one text file's; `.gz` does not count.

    Raises:
        DataError: if `path` ends in `.zip` and is no readable archive of one text file.
    """
    name = Path(path).name
    if name.lower().endswith(".zip"):
        with _explained(path), open(path, "rb") as raw, zipfile.ZipFile(raw) as archive:
            name = Path(_text_member(archive, path)).name
    return name[:-3] if name.lower().endswith(".gz") else name


def read_lines(
    path: str | os.PathLike[str], *, ends: bool = False, watch: Callable[[int], object] | None = None
) -> Iterator[str]:
    """Yields the lines of a text file, without their line ends, reading no more than it must.

    Args:
        path: as for `open_input`. A byte order mark is dropped; lines end with LF or CRLF.
        ends: leave the line ends on.
        watch: as for `open_input`.

    Raises:
        DataError: if the file cannot be read, or is not UTF-8 (says which byte).
    """
    offset = 0
    with open_input(path, watch) as stream:
        for number, raw in enumerate(stream, start=1):
            text = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
            try:
                line = text.decode("utf-8")
            except UnicodeDecodeError as error:
                at = offset + len(raw) - len(text) + error.start
                raise DataError(
                    f"{input_name(path)}, line {number}: byte {at} (0x{text[error.start]:02x}) is not UTF-8. "
                    f"Save the file as UTF-8, for example: iconv -f LATIN1 -t UTF-8 OLD > NEW"
                ) from None
            offset += len(raw)
            yield line if ends else line.removesuffix("\n").removesuffix("\r")


@contextmanager
def open_input(
    path: str | os.PathLike[str], watch: Callable[[int], object] | None = None
) -> Iterator[BinaryIO | io.BufferedIOBase]:
    """Opens a file for reading its bytes; whatever fails while it is open is explained.

    Args:
        path: a plain file, a `.gz`, a `.zip` that holds one text file (files beginning with `_` do not count), or
            `-` for standard input.
        watch: is told after each reading how far into the file it went, in bytes; not of standard input or a pipe.

    Raises:
        DataError: if the file is missing, a folder, unreadable, or a damaged archive.
    """
    with _explained(path), _open(path, watch) as stream:
        yield stream


@contextmanager
def _explained(path: str | os.PathLike[str]) -> Iterator[None]:
    name = input_name(path)
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{name}: no such file. Check the path, or try: passerelle phrasebook > pairs.tsv") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder. Name one file of tab-separated pairs in it.") from None
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is a damaged archive ({error}). Fetch it again.") from None
    except (NotImplementedError, RuntimeError) as error:  # a zip's unknown compression or password
        raise DataError(f"{name} cannot be unpacked ({error}). Unpack it yourself and name the text file.") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from None


class _Watched(io.FileIO):
    """A file that tells how far it has been read."""

    def __init__(self, path: str | os.PathLike[str], watch: Callable[[int], object]):
        super().__init__(path)
        self._watch = watch

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        if self.seekable():
            self._watch(self.tell())
        return count


@contextmanager
def _open(
    path: str | os.PathLike[str], watch: Callable[[int], object] | None
) -> Iterator[BinaryIO | io.BufferedIOBase]:
    if os.fspath(path) in _STANDARD_INPUT_NAMES:
        # A stream of our own: Python aborts where a thread waits in `sys.stdin` while the process ends.
        try:
            descriptor = os.dup(sys.stdin.fileno())
        except io.UnsupportedOperation:  # standard input was replaced by an object of Python's
            yield sys.stdin.buffer
            return
        with os.fdopen(descriptor, "rb") as stream:
            yield stream
        return
    with open(path, "rb") if watch is None else io.BufferedReader(_Watched(path, watch)) as raw:
        start = raw.peek(4)[:4]  # a named pipe cannot go back
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
        raise DataError(f"{os.fspath(path)} must hold exactly one text file; it holds {found}. Unpack it first.")
    return texts[0]


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Makes `folder` (its parent must exist) and returns its path.

    Raises:
        OutputError: if the parent is absent, a file stands in the way, or nothing can be written there.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise OutputError(f"{folder.parent}: no such folder. Make it first: mkdir -p {folder.parent}") from None
    except FileExistsError:
        raise OutputError(f"{folder} is a file, not a folder. Name another folder.") from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from None
    _require_writable(folder)
    return folder


def require_writable_file(path: str | os.PathLike[str]) -> Path:
    """Returns `path` after checking, before hours of work, that a file could be written there.

    Raises:
        OutputError: if its folder is absent or not writable, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder. Name a file in it, for example {path / 'model.keras'}.")
    if path.parent.exists() and not path.parent.is_dir():
        raise OutputError(f"{path.parent} is a file, not a folder. Name another folder.")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: no such folder. Make it first: mkdir -p {path.parent}")
    _require_writable(path.parent)
    return path


def _require_writable(folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error.strerror or error}.") from None


@contextmanager
def replace_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields the path of an empty file beside `path`; when the block ends well, that file takes the place of `path`.

    So `path` is the old file or the new one, whole, whatever happens in between. The temporary name ends as `path`
    does and begins with a dot.

    Raises:
        OutputError: if the folder is absent or writing fails (no rights, disk full); the temporary file is removed.
    """
    path = require_writable_file(path)
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise OutputError(f"{path} cannot be written: {reason}. Nothing was changed.") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_atomically(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Calls `write` with a binary stream, readable too, whose content becomes the file at `path`; see `replace_atomically`.

    Raises:
        OutputError: if writing fails; what stood there is whole.
    """
    with replace_atomically(path) as temporary, open(temporary, "w+b") as stream:
        write(stream)


def _umask() -> int:
    mask = os.umask(0)  # the only way to read it is to set it
    os.umask(mask)
    return mask
