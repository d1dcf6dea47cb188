"""Reading files of text, packed or not, and writing files atomically."""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from passerelle.data.containers import COMPRESSED_SUFFIXES, damages, member_name, unpacked
from passerelle.data.encodings import decoded
from passerelle.errors import DataError, OutputError

__all__ = [
    "STANDARD_INPUT",
    "inner_name",
    "input_name",
    "open_input",
    "prepare_folder",
    "read_lines",
    "read_text",
    "replace_atomically",
    "require_writable_file",
    "write_atomically",
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
    path: str | os.PathLike[str], *, keep_ends: bool = False, progress: Callable[[int], object] | None = None
) -> Iterator[str]:
    """Yield the lines of a text file, reading it lazily.

    Args:
        path: as for `open_input`.
        keep_ends: yield the lines with their line ends.
        progress: as for `open_input`.

    Raises:
        DataError: see `read_text`; all lines before the place of the error are yielded first.
    """
    parts: list[str] = []  # of a line that has not ended
    for text in read_text(path, progress=progress):
        first, *lines = text.split("\n")
        parts.append(first)
        if not lines:
            continue
        lines.insert(0, "".join(parts))
        parts = [lines.pop()]
        if keep_ends:
            yield from [f"{line}\n" for line in lines]
        else:
            yield from [line.rstrip("\r") for line in lines] if "\r" in text else lines
    if last := "".join(parts):
        yield last if keep_ends else last.rstrip("\r")


def read_text(path: str | os.PathLike[str], *, progress: Callable[[int], object] | None = None) -> Iterator[str]:
    """Yield the text of a file in pieces; see `data.encodings.decoded` for its encodings and line ends.

    Args:
        path: as for `open_input`.
        progress: as for `open_input`.

    Raises:
        DataError: if the file cannot be read or is not text (the message names the line and the byte).
    """
    with open_input(path, progress) as stream:
        yield from decoded(stream, input_name(path))


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


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Create `folder` if it does not exist, and return its path; its parent must exist.

    Raises:
        OutputError: if the parent does not exist, `folder` is a file, or it is not writable.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise OutputError(f"{folder.parent}: no such folder. Create it first: mkdir -p {folder.parent}") from None
    except FileExistsError:
        raise OutputError(f"{folder} is a file, not a folder. Name another folder.") from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be created: {error.strerror or error}.") from None
    _require_writable(folder)
    return folder


def require_writable_file(path: str | os.PathLike[str]) -> Path:
    """Check that a file can be written at `path`, and return it as a `Path`; call it before a long computation.

    Raises:
        OutputError: if its folder does not exist or is not writable, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder. Name a file in it, for example {path / 'model.keras'}.")
    if path.parent.exists() and not path.parent.is_dir():
        raise OutputError(f"{path.parent} is a file, not a folder. Name another folder.")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: no such folder. Create it first: mkdir -p {path.parent}")
    _require_writable(path.parent)
    return path


def _require_writable(folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error.strerror or error}.") from None


@contextmanager
def replace_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of an empty temporary file, which replaces `path` when the block ends without an error.

    Thus `path` is always either the complete old file or the complete new one. The temporary file is in the same
    folder; its name begins with a dot and has the suffix of `path`.

    Raises:
        OutputError: if the folder does not exist or writing fails (no permission, disk full); the temporary file is
            removed.
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
    """Write a file atomically; see `replace_atomically`.

    Args:
        path: the file to create or replace.
        write: writes the content to the stream that it is passed, which is binary and also readable.

    Raises:
        OutputError: if writing fails; an existing file is then unchanged.
    """
    with replace_atomically(path) as temporary, open(temporary, "w+b") as stream:
        write(stream)


def _umask() -> int:
    mask = os.umask(0)  # the mask can only be read by setting it
    os.umask(mask)
    return mask
