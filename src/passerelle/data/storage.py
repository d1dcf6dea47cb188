"""Arrays that are larger than the memory should hold: files that are mapped into memory, and can be kept for reuse."""

import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import filelock
import numpy as np

from passerelle.data.checksum import file_sha256
from passerelle.data.writing import failure_reason, write_atomically
from passerelle.errors import OutputError
from passerelle.ragged import release_pages

__all__ = ["BLOCK", "ArrayFile", "Report", "Storage", "StoredArrays", "Writing"]

BLOCK = 2**14
"""Number of rows that are read, encoded or written at once."""

FORMAT = 1
"""Version of the files. Files of another version are not reused."""

MAX_MANIFEST = 2**28
"""Maximum size of a manifest in bytes; it may contain a vocabulary."""

_DTYPES = ("uint8", "uint16", "int32", "int64")

Report = Callable[[str, int, int | None], None]
"""Receives the name of a step (empty between steps), its units that are done, and all units; None if unknown."""


@dataclass(frozen=True)
class StoredArrays:
    """Arrays in files.

    Attributes:
        arrays: the arrays by name, one-dimensional, mapped into memory and read-only.
        facts: JSON values that belong to them.
        digest: SHA-256 over the content of all arrays.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Any
    digest: str


class Storage:
    """A place for arrays, and the steps of the work on them.

    Args:
        folder: folder of the files, which is created when it is needed; None for the folder of temporary files
            (`TMPDIR`).
        kept: whether the files are kept, so that a later process can use them again. Otherwise they have no names, and
            the system removes them when the process ends, even if it is killed. Files are not kept either if another
            process uses the folder.
        report: receives the progress of each step, after each block of rows. It may raise an exception to end the work.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        kept: bool = False,
        report: Report = lambda step, done, total: None,
    ):
        self._folder = None if folder is None else Path(folder)
        self._kept = kept
        self._report = report
        self._lock: filelock.BaseFileLock | None = None
        self._step, self._done = "", 0
        self._total: int | None = None

    @property
    def folder(self) -> Path:
        """The folder of the files. That of temporary files may be missing, so it is found when it is needed."""
        return Path(tempfile.gettempdir()) if self._folder is None else self._folder

    def part(self, name: str) -> "Storage":
        """Return a storage in a folder of that name in this one, with the same reports."""
        return Storage(self.folder / name if self._kept else self._folder, kept=self._kept, report=self._report)

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[None]:
        """Report a step of the work, of `total` units; None if their number is unknown."""
        self._step, self._done, self._total = name, 0, total
        self.advance(0)
        try:
            yield
        finally:
            self._step, self._done, self._total = "", 0, None

    def advance(self, done: int) -> None:
        """Report that further units of the step are done."""
        self._done += done
        self._report(self._step, self._done, self._total)

    def reached(self, done: int) -> None:
        """Report how many units of the step are done."""
        self.advance(done - self._done)

    def find(self, name: str, key: Mapping[str, Any]) -> StoredArrays | None:
        """Return arrays that an earlier process kept.

        Args:
            name: the name under which they were written.
            key: JSON values that must be those with which they were written.

        Returns:
            The arrays; None if there are none, the key differs, or a file is missing, damaged or not one of these.
        """
        if not (self._kept and self.folder.is_dir() and self._keeps()):
            return None
        manifest = self._manifest(name)
        try:
            if manifest.stat().st_size > MAX_MANIFEST:
                return None
            values = json.loads(manifest.read_bytes())
            if values["format"] != FORMAT or values["key"] != json.loads(json.dumps(key)):
                return None
            arrays = {str(own): self._read(name, own, **about) for own, about in values["arrays"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return StoredArrays(arrays, values["facts"], _digest(values["arrays"]))

    def write(self, name: str, key: Mapping[str, Any]) -> "Writing":
        """Begin to write arrays; those that were kept under this name are removed.

        Args:
            name: letters, digits and hyphens.
            key: JSON values on which the arrays depend.

        Raises:
            OutputError: if the folder cannot be created.
        """
        if self._keeps():
            for path in self.folder.glob(f"{name}.*"):
                path.unlink(missing_ok=True)
        return Writing(self, name, key)

    def create(self, name: str, array: str) -> tuple[BinaryIO, Path | None]:
        """Return a new file, and its path if it is kept.

        Raises:
            OSError: if it cannot be created.
        """
        if not self._keeps():
            return tempfile.TemporaryFile(dir=self.folder), None
        path = self._path(name, array)
        return open(path, "w+b"), path

    def finish(self, name: str, manifest: Mapping[str, Any]) -> None:
        """Write the manifest of arrays, without which they are not used again."""
        if self._keeps():
            write_atomically(self._manifest(name), lambda stream: stream.write(json.dumps(manifest).encode()))

    def _keeps(self) -> bool:
        """Create the folder and lock it if files are kept; return whether they are."""
        try:
            self.folder.mkdir(parents=self._kept, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be created: {failure_reason(error)}.") from None
        if self._kept and self._lock is None:
            self._lock = filelock.FileLock(self.folder / ".lock")
            try:
                self._lock.acquire(timeout=0)
            except (filelock.Timeout, NotImplementedError, OSError):
                self._kept = False
        return self._kept

    def _manifest(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _path(self, name: str, array: str) -> Path:
        return self.folder / f"{name}.{array}.bin"

    def _read(self, name: str, array: str, *, dtype: str, size: int, sha256: str) -> np.ndarray:
        """Map an array that was kept; raise an error if it is not the one that was written."""
        path = self._path(name, array)
        if dtype not in _DTYPES or not array.replace("_", "").isalnum() or path.is_symlink():
            raise ValueError(f"{path} is no array of this program")
        if path.stat().st_size != size * np.dtype(dtype).itemsize or file_sha256(path) != sha256:
            raise ValueError(f"{path} is damaged")
        with open(path, "rb") as stream:
            return _mapped(stream, dtype)


class Writing:
    """Arrays that are being written. As a context manager, it removes them after an error.

    Args:
        storage: where they are written.
        name: their name.
        key: JSON values on which they depend.
    """

    def __init__(self, storage: Storage, name: str, key: Mapping[str, Any]):
        self._storage = storage
        self._name, self._key = name, key
        self._files: dict[str, ArrayFile] = {}

    def array(self, name: str, dtype: Any) -> "ArrayFile":
        """Begin an array.

        Args:
            name: letters, digits and underscores.
            dtype: one of uint8, uint16, int32 and int64.

        Raises:
            OutputError: if the file cannot be created.
        """
        try:
            stream, path = self._storage.create(self._name, name)
        except OSError as error:
            raise _cannot_write(self._storage.folder, error) from None
        self._files[name] = ArrayFile(stream, path, np.dtype(dtype), self._storage.folder)
        return self._files[name]

    def finish(self, facts: Any = None) -> StoredArrays:
        """Complete all arrays, and return them with `facts`, JSON values.

        Raises:
            OutputError: if they cannot be written.
        """
        arrays = {name: file.finish() for name, file in self._files.items()}
        about = {name: file.about() for name, file in self._files.items()}
        self._storage.finish(self._name, {"format": FORMAT, "key": self._key, "arrays": about, "facts": facts})
        return StoredArrays(arrays, facts, _digest(about))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(remove=error is not None)

    def close(self, *, remove: bool) -> None:
        """Close the files, and remove them if `remove` is set; complete arrays stay mapped."""
        for file in self._files.values():
            file.close(remove=remove)


class ArrayFile:
    """An array that is written to a file, from its first element to its last.

    Args:
        stream: the file, open for reading and writing.
        path: its path; None if it has none.
        dtype: the type of the elements.
        folder: its folder, for messages.
    """

    def __init__(self, stream: BinaryIO, path: Path | None, dtype: np.dtype, folder: Path):
        self._stream, self._path = stream, path
        self._dtype, self._folder = dtype, folder
        self._checksum = hashlib.sha256()
        self.size = 0

    def write(self, values: np.ndarray | bytes) -> None:
        """Append elements, or their bytes.

        Raises:
            OutputError: if the disk is full, or the file cannot be written.
        """
        data = values if isinstance(values, bytes) else np.ascontiguousarray(values, self._dtype).tobytes()
        try:
            self._put(data)
        except OSError as error:
            raise _cannot_write(self._folder, error) from None
        self._checksum.update(data)
        self.size += len(data) // self._dtype.itemsize

    def _put(self, data: bytes) -> None:
        self._stream.write(data)

    def finish(self) -> np.ndarray:
        """Return the complete array, mapped into memory and read-only."""
        try:
            self._stream.flush()
        except OSError as error:
            raise _cannot_write(self._folder, error) from None
        return _mapped(self._stream, self._dtype)

    def about(self) -> dict[str, Any]:
        """Return dtype, size and checksum as JSON values."""
        return {"dtype": self._dtype.name, "size": self.size, "sha256": self._checksum.hexdigest()}

    def close(self, *, remove: bool) -> None:
        """Close the file; a complete array stays mapped."""
        with suppress(OSError):  # the rest of what could not be written before
            self._stream.close()
        if remove and self._path is not None:
            self._path.unlink(missing_ok=True)


def _mapped(stream: BinaryIO, dtype: Any) -> np.ndarray:
    if not os.fstat(stream.fileno()).st_size:  # cannot be mapped
        return np.empty(0, dtype)
    array = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), dtype)
    release_pages(array)
    return array


def _cannot_write(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the pairs are too large for the memory, and cannot be written to {folder}: {failure_reason(error, folder)}."
    )


def _digest(about: Mapping[str, Mapping[str, Any]]) -> str:
    content = json.dumps([[name, values["sha256"]] for name, values in sorted(about.items())])
    return hashlib.sha256(content.encode()).hexdigest()
