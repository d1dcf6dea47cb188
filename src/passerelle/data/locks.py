"""Locks of files, against a second process that writes the same files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from passerelle.errors import PasserelleError

__all__ = ["locked"]


@contextmanager
def locked(path: str | os.PathLike[str], busy: PasserelleError) -> Iterator[None]:
    """Lock a file for this process; the system unlocks it when the process ends, even if killed.

    Nothing is locked on a file system without locks, or on a full one.

    Raises:
        PasserelleError: `busy`, if another process has locked the file.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise busy from None
    except (NotImplementedError, OSError):
        yield
        return
    try:
        yield
    finally:
        lock.release()
