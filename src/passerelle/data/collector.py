"""Collecting the rows of pairs: in memory, or in files if they are large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import TracebackType
from typing import Any, Self

from passerelle.data.storage import BLOCK, Storage, StoredArrays, Writing
from passerelle.data.stored_texts import ColumnFile, StoredRecords, stored_column
from passerelle.errors import DataError

__all__ = ["Collected", "Collector", "row_size", "stored_columns"]

MAX_IN_MEMORY = 2**28
"""Size in bytes from which on the texts of pairs lie in files: about a million pairs of sentences."""

ROW_SIZE = 128
"""Bytes of a row in memory, in addition to the characters of its texts."""


@dataclass(frozen=True)
class Collected:
    """The columns of pairs.

    Attributes:
        sources, targets, tags: the columns, see `Pairs`.
        storage: where the columns are; None if they are in memory.
    """

    sources: Sequence[Any]
    targets: Sequence[Any]
    tags: Sequence[str] | None
    storage: Storage | None = None


class Collector:
    """Collects rows. As a context manager, it removes its files after an error.

    Rows with numbers stay in memory.

    Args:
        storage: where the files are, if they are needed.
        tagged: whether rows have tags.
        name: name of the pairs, for messages.
        key: what the rows depend on, so that the files can be used again; see `Storage.find`.
        files: name of the files.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        tagged: bool,
        name: str,
        key: Mapping[str, Any] | None = None,
        files: str = "pairs",
    ):
        self._storage, self._name, self._key, self._place = storage, name, key, files
        self._sources: list[Any] = []
        self._targets: list[Any] = []
        self._tags: list[str] | None = [] if tagged else None
        self._written = 0
        self._size = 0
        self._has_numbers = False
        self._writing: Writing | None = None
        self._files: dict[str, ColumnFile] = {}
        self.count = 0

    def add(self, source: Any, target: Any, tags: str = "", *, size: int) -> None:
        """Add a row whose texts have `size` characters.

        Raises:
            OutputError: if the files cannot be written.
        """
        self._sources.append(source)
        self._targets.append(target)
        if self._tags is not None:
            self._tags.append(tags)
        self.count += 1
        self._size += size + ROW_SIZE
        if not (isinstance(source, str) and _are_texts(target)):
            self._has_numbers = True
        if self._size > MAX_IN_MEMORY and self.count % BLOCK == 0 and not self._has_numbers:
            self._flush()

    def finish(self, outputs: Sequence[str] = (), facts: Any = None) -> Collected:
        """Return all rows.

        Args:
            outputs: the names of several outputs; empty for one.
            facts: JSON values to keep with the files.

        Raises:
            OutputError: if the files cannot be written.
        """
        if self._writing is None:
            return Collected(self._sources, self._targets, self._tags)
        self._flush(outputs)
        about = {"outputs": list(outputs), "tagged": self._tags is not None, "facts": facts}
        stored = self._writing.finish(about)
        self._writing.close(remove=False)
        return stored_columns(stored, self._storage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writing is not None:
            self._writing.close(remove=error is not None)

    def _flush(self, outputs: Sequence[str] = ()) -> None:
        """Move the rows in memory to the files."""
        if self._has_numbers:
            raise DataError(f"{self._name}: a column has texts and, after many rows, numbers. Use one kind.")
        columns: dict[str, list[Any]] = {"source": self._sources}
        if outputs or (self._targets and isinstance(self._targets[0], Mapping)):
            names = dict.fromkeys([*outputs, *self._files, *chain.from_iterable(self._targets)])
            for name in (name for name in names if name not in ("source", "tags")):
                columns[name] = [texts.get(name) for texts in self._targets]
        else:
            columns["target"] = self._targets
        if self._tags is not None:
            columns["tags"] = self._tags
        if self._writing is None:
            self._writing = self._storage.write(self._place, self._key or {})
        for name, texts in columns.items():
            if name not in self._files:
                self._files[name] = ColumnFile(self._writing, name)
                self._files[name].write([None] * self._written)
            self._files[name].write(texts)
        self._written += len(self._sources)
        for column in (self._sources, self._targets, self._tags or []):
            column.clear()


def row_size(source: Any, target: Any) -> int:
    """Return the number of characters of a row; numbers have none, and a source of numbers counts its steps.

    Args:
        source: a text or numbers.
        target: a text, or texts and numbers by the name of the output.
    """
    if isinstance(target, str):
        return len(source) + len(target)
    return len(source) + sum(len(value) for value in target.values() if isinstance(value, str))


def _are_texts(target: Any) -> bool:
    return isinstance(target, str) or all(isinstance(value, str) for value in target.values())


def stored_columns(stored: StoredArrays, storage: Storage) -> Collected:
    """Return the columns that a `Collector` wrote.

    Raises:
        KeyError, TypeError or ValueError: if the arrays are not those of columns.
    """
    outputs, tagged = tuple(stored.facts["outputs"]), bool(stored.facts["tagged"])
    targets: Sequence[Any]
    if outputs:
        targets = StoredRecords({name: stored_column(stored, storage, name, missing=True) for name in outputs})
    else:
        targets = stored_column(stored, storage, "target")
    tags = stored_column(stored, storage, "tags") if tagged else None
    return Collected(stored_column(stored, storage, "source"), targets, tags, storage)
