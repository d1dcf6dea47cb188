"""Writing files: each appears complete or not at all, and a killed process leaves nothing that stays.

A file is written in a temporary folder next to it, such as `.model.keras.1.tmp`, and then renamed. The process locks
that folder, and the system releases the lock when the process ends, even if it is killed. So the next process that
writes to the same name removes every such folder that is not locked.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import filelock

from passerelle.errors import OutputError

__all__ = [
    "failure_reason",
    "prepare_folder",
    "publish",
    "replace_atomically",
    "require_space",
    "require_writable_file",
    "write_atomically",
]

_LOCK = "lock"
_MAX_FOLDERS = 16
"""Processes that may write to the same name at the same time and whose folders are removed if they are killed."""

_NAME_LENGTH = 40
"""Characters of the file's name in that of its temporary folder; with all of them it could be too long."""

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems that cannot reserve space."""


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
    except (OSError, ValueError) as error:
        raise OutputError(f"{folder} cannot be created: {failure_reason(error)}.") from None
    _require_writable(folder)
    return folder


def require_writable_file(path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
    """Check that a file can be written at `path`, and return it as a `Path`; call it before a long computation.

    Args:
        path: path of the file.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: if its name is not valid, its folder does not exist or is not writable, `path` exists and is not a
            regular file, or it exists and must not be replaced.
    """
    path = Path(path)
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # too long, or with characters that the system does not allow
        raise OutputError(
            f"{str(path)!r:.200} cannot be written: {failure_reason(error)}. Name another file."
        ) from None
    if path.is_dir():
        raise OutputError(f"{path} is a folder. Name a file in it, for example {path / 'model.keras'}.")
    if path.parent.exists() and not path.parent.is_dir():
        raise OutputError(f"{path.parent} is a file, not a folder. Name another folder.")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: no such folder. Create it first: mkdir -p {path.parent}")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is not a regular file. Name another file.")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    _require_writable(path.parent)
    return path


def _require_writable(folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {failure_reason(error, folder)}.") from None


def require_space(folder: Path, *sizes: int) -> None:
    """Check that files of these sizes in bytes fit into a folder at the same time.

    Where the system can, the space is reserved for a moment, so that quotas and limits count too.

    Raises:
        OSError: if they do not fit.
    """
    reserve = getattr(os, "posix_fallocate", None)
    with tempfile.TemporaryDirectory(dir=folder) as reserved:
        try:
            for number, size in enumerate(sizes):
                with open(Path(reserved, str(number)), "wb") as stream:
                    if reserve is not None:
                        reserve(stream.fileno(), 0, max(size, 1))
        except OSError as error:
            if error.errno not in _CANNOT_RESERVE:
                raise
    if shutil.disk_usage(folder).free < sum(sizes):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def replace_atomically(
    path: str | os.PathLike[str], *, overwrite: bool = True, dry_run: bool = False
) -> Iterator[Path]:
    """Yield the path of a file to write, which becomes `path` when the block ends without an error.

    Thus `path` is always either the complete old file or the complete new one. The file has the name of `path`, in a
    temporary folder next to it. The block may write other files into that folder; they are removed.

    Args:
        path: the file to create or replace.
        overwrite: whether an existing file may be replaced.
        dry_run: only check that the block succeeds; `path` does not change.

    Raises:
        OutputError: if `path` cannot be written (no folder, no permission, disk full), or exists and must not be
            replaced. Temporary files are removed.
    """
    path = require_writable_file(path, overwrite=overwrite)
    try:
        with _temporary_folder(path) as folder:
            temporary = folder / f"new{path.suffix}"
            yield temporary
            _flush_file(temporary)
            temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            if not dry_run:
                _publish(temporary, path, overwrite=overwrite)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {failure_reason(error, path.parent)}. Nothing was changed."
        ) from None


def publish(complete: Path, path: Path) -> None:
    """Rename a complete file to `path`, after flushing it to the disk; it replaces an existing file.

    Raises:
        OutputError: if it cannot be renamed; `path` is then unchanged.
    """
    try:
        _flush_file(complete)
        complete.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {failure_reason(error, path.parent)}. Its lines are kept."
        ) from None
    _flush_folder(path.parent)


def _flush_file(path: Path) -> None:
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


def _publish(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Rename `temporary` to `path`; unless `overwrite`, a file that exists by now is not replaced."""
    if overwrite:
        temporary.replace(path)
    else:
        try:
            os.link(temporary, path)  # unlike a rename, it never replaces a file
        except FileExistsError:
            raise _exists(path) from None
        except (AttributeError, OSError):  # a file system without hard links
            if os.path.lexists(path):
                raise _exists(path) from None
            temporary.replace(path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Flush the names of a folder to the disk, where the system can, so that a power failure does not undo a rename."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path} exists. Pass overwrite=True to replace it, or name another file.")


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder next to `path` for this process; remove those that killed processes left there."""
    with ExitStack() as locked:
        mine = None
        for number in range(1, _MAX_FOLDERS + 1):
            folder = path.with_name(f".{path.name[:_NAME_LENGTH]}.{number}.tmp")
            if mine is None or folder.is_dir():
                entered = locked.enter_context(_locked_folder(folder))
                mine = mine or entered
        if mine is None:  # all are in use, or the file system has no locks
            mine = Path(locked.enter_context(tempfile.TemporaryDirectory(dir=path.parent, prefix=".", suffix=".tmp")))
        yield mine


@contextmanager
def _locked_folder(folder: Path) -> Iterator[Path | None]:
    """Create, lock and empty a folder, and remove it in the end; yield None if another process uses it."""
    lock = filelock.FileLock(folder / _LOCK)
    try:
        folder.mkdir(0o700, exist_ok=True)
        if not _is_own(folder):
            yield None
            return
        lock.acquire(timeout=0)
    except (filelock.Timeout, FileNotFoundError, FileExistsError, NotImplementedError):
        yield None
        return
    try:
        for entry in os.scandir(folder):
            _remove(entry)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # before the release: afterwards it could belong to another process
        lock.release()
        if os.name == "nt":  # Windows does not remove an open file, such as a lock, nor a locked one of another process
            with suppress(OSError):
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()


def _is_own(folder: Path) -> bool:
    """Return whether the user of this process owns a folder; others could exchange the files in it."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and (not hasattr(os, "geteuid") or status.st_uid == os.geteuid())


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    elif entry.name != _LOCK:
        os.unlink(entry.path)


def write_atomically(
    path: str | os.PathLike[str], write: Callable[[BinaryIO], object], *, overwrite: bool = True
) -> None:
    """Write a file atomically; see `replace_atomically`.

    Args:
        path: the file to create or replace.
        write: writes the content to the stream that it is passed, which is binary and also readable.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: if writing fails; an existing file is then unchanged.
    """
    with replace_atomically(path, overwrite=overwrite) as temporary, open(temporary, "w+b") as stream:
        write(stream)


def failure_reason(error: Exception, folder: Path | None = None) -> str:
    """Return the reason of an error in a few words; a full disk is named with the folder."""
    if isinstance(error, OSError) and error.errno in _FULL and folder is not None:
        return f"no space left in the folder {folder.absolute()} ({error.strerror or error})"
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or (str(error).splitlines() or [type(error).__name__])[0]


def _umask() -> int:
    mask = os.umask(0)  # the mask can only be read by setting it
    os.umask(mask)
    return mask
