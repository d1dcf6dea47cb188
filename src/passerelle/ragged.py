"""Sequences of different lengths in one flat array; padding is added only when a batch is built."""

import itertools
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from passerelle.special_tokens import PAD

__all__ = ["Ragged", "release_pages"]

PART = 2**20
"""Number of elements of a large array that are read at once."""


def release_pages(array: np.ndarray) -> None:
    """Let the system take back the memory of an array that is mapped from a file; other arrays are left alone.

    The content is read from the file again when it is needed. Without this call, the process would keep every page that
    it ever read, until memory is short.
    """
    base: object = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths, concatenated.

    Attributes:
        values: (total, ...), the elements of all sequences: int32 ids (uint16 in some files), or float32 numbers with
            further axes. The arrays may be mapped from files.
        offsets: int64 (count + 1,); sequence i is `values[offsets[i]:offsets[i + 1]]`.
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int]]) -> "Ragged":
        """Concatenate lists of ids."""
        lists = list(lists)
        flat = np.fromiter(itertools.chain.from_iterable(lists), np.int32)
        return cls.from_lengths(flat, np.fromiter((len(row) for row in lists), np.int64, len(lists)))

    @classmethod
    def from_lengths(cls, values: np.ndarray, lengths: np.ndarray) -> "Ragged":
        """Split `values`, (total, ...), into sequences of the given `lengths`, int (count,)."""
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(values, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def lengths(self) -> np.ndarray:
        """The length of each sequence, int32 (count,)."""
        lengths = np.empty(len(self), np.int32)
        np.subtract(self.offsets[1:], self.offsets[:-1], out=lengths, casting="unsafe")
        return lengths

    def parts(self) -> Iterator["Ragged"]:
        """Yield the sequences in parts of at most `PART` elements, or of one sequence."""
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.offsets, self.offsets[start] + PART, "right")) - 1
            stop = min(max(stop, start + 1), len(self))
            first, last = self.offsets[start], self.offsets[stop]
            yield Ragged(self.values[first:last], self.offsets[start : stop + 1] - first)
            self.release()
            start = stop

    def hashes(self) -> np.ndarray:
        """Return a hash of each sequence of ids, uint64 (count,); equal sequences have equal hashes."""
        random = np.random.default_rng(0)
        factors = random.integers(2**63, size=int(self.lengths.max(initial=0)), dtype=np.uint64)
        found = np.zeros(len(self), np.uint64)
        start = 0
        for part in self.parts():
            begins = part.offsets[:-1]
            places = np.arange(len(part.values)) - np.repeat(begins, part.lengths)
            mixed = (part.values.astype(np.uint64) + 1) * factors[places]
            full = part.lengths > 0
            own = found[start : start + len(part)]
            own[full] = np.add.reduceat(mixed ^ (mixed >> 32), begins[full]) if full.any() else 0
            start += len(part)
        return found

    def count(self, value: int) -> int:
        """Return how often a value occurs."""
        return sum(int(np.count_nonzero(part.values == value)) for part in self.parts())

    def release(self) -> None:
        """Release the memory of arrays that are mapped from files; see `release_pages`."""
        release_pages(self.values)
        release_pages(self.offsets)

    def without(self, emptied: np.ndarray) -> "Ragged":
        """Return the same sequences, with those where `emptied`, bool (count,), is True empty."""
        kept = np.repeat(~emptied, self.lengths)
        return Ragged.from_lengths(self.values[kept], np.where(emptied, 0, self.lengths))

    def concatenate_rows(self, other: "Ragged") -> "Ragged":
        """Concatenate sequence i of `self` and sequence i of `other`, for every i; both must contain ids."""
        joined = Ragged.from_lengths(
            np.empty(len(self.values) + len(other.values), np.int32), self.lengths + other.lengths
        )
        begin = joined.offsets[:-1]
        for part, first in ((self, begin), (other, begin + self.lengths)):
            joined.values[np.repeat(first - part.offsets[:-1], part.lengths) + np.arange(len(part.values))] = (
                part.values
            )
        return joined

    def append(self, other: "Ragged") -> "Ragged":
        """Return the sequences of `self` and, after them, those of `other`."""
        return Ragged(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
        )

    def padded(
        self, rows: np.ndarray, length: int, *, first: int | None = None, height: int | None = None
    ) -> np.ndarray:
        """Copy selected sequences into one padded array.

        Args:
            rows: int (n,), indices of the sequences, in the order of the result.
            length: columns of the result; at least the length of the longest selected sequence, `first` included.
            first: value to insert before each sequence, in all columns of its element; None inserts none.
            height: rows of the result, at least n; rows from n on contain only PAD. None means n.

        Returns:
            (height, length, ...), int32 for ids; each sequence is followed by PAD (0).
        """
        shape = (len(rows) if height is None else height, length, *self.values.shape[1:])
        out = np.full(shape, PAD, np.int32 if self.values.dtype.kind == "u" else self.values.dtype)
        lead = 0 if first is None else 1
        if first is not None:
            out[: len(rows), :1] = first
        # (n, length - lead): True in the cells that receive a value.
        column = np.arange(length - lead)
        cells = column < self.lengths[rows][:, None]
        out[: len(rows), lead:][cells] = self.values[(self.offsets[rows][:, None] + column)[cells]]
        return out
