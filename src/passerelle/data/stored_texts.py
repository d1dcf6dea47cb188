"""Columns of texts in files: sequences that read their texts when they are used, block by block."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise, repeat
from typing import Any, overload

import numpy as np

from passerelle.data.storage import BLOCK, Storage, StoredArrays, Writing
from passerelle.ragged import release_pages

__all__ = ["ColumnFile", "StoredRecords", "StoredTexts", "selected", "stored_column"]

SPARSE = 4
"""A block whose rows lie in this many times as many rows is read at once; other rows are read one by one."""


class StoredTexts(Sequence[Any]):
    """Texts in a file, in any order.

    Args:
        data: UTF-8 bytes of all texts, uint8 (bytes,); lone surrogates are encoded like other code points.
        offsets: int64 (texts + 1,); text i is `data[offsets[i]:offsets[i + 1]]`.
        storage: is told how many texts were read.
        digest: the same for the same texts.
        rows: the texts of this sequence, in its order; None for all.
        missing: whether an empty text is a text that a row does not have, which is None.
    """

    def __init__(
        self,
        data: np.ndarray,
        offsets: np.ndarray,
        storage: Storage,
        digest: str,
        *,
        rows: np.ndarray | range | None = None,
        missing: bool = False,
    ):
        self._data, self._offsets, self._storage = data, offsets, storage
        self._all = rows is None
        self._rows = range(len(offsets) - 1) if rows is None else rows
        self._stored = digest
        self._missing = missing

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> "StoredTexts": ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._with_rows(self._rows[index])
        return self._text(int(self._rows[index]))

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), BLOCK):
            texts = self._block(self._rows[start : start + BLOCK])
            self._storage.advance(len(texts))
            yield from texts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def select(self, rows: np.ndarray) -> "StoredTexts":
        """Return the texts with these indices, int (n,), in their order."""
        return self._with_rows(rows if self._all else np.asarray(self._rows)[rows])

    def are_present(self) -> np.ndarray:
        """Return bool (texts,), False where a row does not have a text."""
        rows = np.asarray(self._rows)
        return self._offsets[rows] < self._offsets[rows + 1]

    @property
    def digest(self) -> str:
        """A text that is the same only for the same texts in the same order."""
        rows = self._rows if isinstance(self._rows, range) else hashlib.sha256(self._rows.tobytes()).hexdigest()
        return f"{self._stored} {rows}"

    def _with_rows(self, rows: np.ndarray | range) -> "StoredTexts":
        return StoredTexts(self._data, self._offsets, self._storage, self._stored, rows=rows, missing=self._missing)

    def _text(self, row: int) -> str | None:
        raw = self._data[self._offsets[row] : self._offsets[row + 1]].tobytes()
        return raw.decode("utf-8", "surrogatepass") or (None if self._missing else "")

    def _block(self, rows: np.ndarray | range) -> list[Any]:
        """Return the texts of some rows."""
        first, last = int(rows[0]), int(rows[-1])
        is_dense = 0 <= last - first < SPARSE * len(rows)
        if not is_dense or not (isinstance(rows, range) or (np.diff(rows) > 0).all()):
            texts = [self._text(row) for row in (rows if isinstance(rows, range) else rows.tolist())]
        else:
            offsets = self._offsets[first : last + 2]
            raw = self._data[offsets[0] : offsets[-1]].tobytes()
            bounds: Iterable[Sequence[int]] = pairwise((offsets - offsets[0]).tolist())
            if len(rows) <= last - first:
                chosen = np.asarray(rows) - first
                bounds = (np.stack([offsets[chosen], offsets[chosen + 1]], axis=1) - offsets[0]).tolist()
            if raw.isascii():
                text = raw.decode("ascii")
                texts = [text[start:stop] for start, stop in bounds]
            else:
                texts = [str(raw[start:stop], "utf-8", "surrogatepass") for start, stop in bounds]
            if self._missing:
                texts = [text or None for text in texts]
        release_pages(self._data)
        release_pages(self._offsets)
        return texts


class StoredRecords(Sequence[Any]):
    """The texts of several outputs by name, without those that a row does not have.

    Args:
        columns: the texts of each output by name.
    """

    def __init__(self, columns: Mapping[str, StoredTexts]):
        self.columns = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, index: int) -> dict[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> "StoredRecords": ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return StoredRecords({name: texts[index] for name, texts in self.columns.items()})
        return _record({name: texts[index] for name, texts in self.columns.items()})

    def __iter__(self) -> Iterator[dict[str, str]]:
        for texts in zip(*self.columns.values(), strict=True):
            yield _record(dict(zip(self.columns, texts, strict=True)))

    def select(self, rows: np.ndarray) -> "StoredRecords":
        """Return the records with these indices, int (n,), in their order."""
        return StoredRecords({name: texts.select(rows) for name, texts in self.columns.items()})

    @property
    def digest(self) -> str:
        """A text that is the same only for the same records in the same order."""
        return " ".join(f"{name} {texts.digest}" for name, texts in self.columns.items())


def _record(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def selected(column: Sequence[Any], rows: np.ndarray) -> Sequence[Any]:
    """Return the values of a column with these indices, int (n,): in files for a column in files, else a list."""
    if not isinstance(column, (StoredTexts, StoredRecords)):
        return [column[row] for row in rows.tolist()]
    return list(column.select(rows)) if len(rows) <= BLOCK else column.select(rows)


class ColumnFile:
    """A column of texts that is being written.

    Args:
        writing: the arrays of all columns.
        name: name of the column.
        missing: see `StoredTexts`.
    """

    def __init__(self, writing: Writing, name: str, *, missing: bool = False):
        self._name, self._missing = name, missing
        self._data = writing.array(f"{name}_texts", np.uint8)
        self._offsets = writing.array(f"{name}_offsets", np.int64)
        self._offsets.write(np.zeros(1, np.int64))

    def write(self, texts: Sequence[str | None]) -> None:
        """Append texts."""
        encoded = list(map(str.encode, (text or "" for text in texts), repeat("utf-8"), repeat("surrogatepass")))
        lengths = np.fromiter(chain([self._data.size], map(len, encoded)), np.int64, len(encoded) + 1)
        self._data.write(b"".join(encoded))
        self._offsets.write(np.cumsum(lengths)[1:])


def stored_column(stored: StoredArrays, storage: Storage, name: str, *, missing: bool = False) -> StoredTexts:
    """Return a column that a `ColumnFile` wrote."""
    data, offsets = stored.arrays[f"{name}_texts"], stored.arrays[f"{name}_offsets"]
    return StoredTexts(data, offsets, storage, f"{stored.digest} {name}", missing=missing)
