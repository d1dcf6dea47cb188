"""Many id sequences in two flat arrays: nothing is padded until it stands in a batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from passerelle.special_tokens import PAD

__all__ = ["Sequences"]


@dataclass(frozen=True)
class Sequences:
    """Sequences of ids, one after the other.

    Attributes:
        ids: int32 (total,), all sequences laid end to end.
        offsets: int64 (count + 1,); sequence i is `ids[offsets[i]:offsets[i + 1]]`.
    """

    ids: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int]]) -> "Sequences":
        """Lays the sequences of `lists` end to end."""
        lists = list(lists)
        flat = np.fromiter((identifier for row in lists for identifier in row), np.int32)
        return cls.from_lengths(flat, np.fromiter((len(row) for row in lists), np.int64, len(lists)))

    @classmethod
    def from_lengths(cls, ids: np.ndarray, lengths: np.ndarray) -> "Sequences":
        """Cuts `ids`, int32 (total,), into sequences of `lengths`, int (count,)."""
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(ids, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64 (count,), in tokens."""
        return np.diff(self.offsets)

    def followed_by(self, other: "Sequences") -> "Sequences":
        """Each sequence with the one of the same number in `other` after it."""
        joined = Sequences.from_lengths(
            np.empty(len(self.ids) + len(other.ids), np.int32), self.lengths + other.lengths
        )
        begin = joined.offsets[:-1]
        for part, first in ((self, begin), (other, begin + self.lengths)):
            joined.ids[np.repeat(first - part.offsets[:-1], part.lengths) + np.arange(len(part.ids))] = part.ids
        return joined

    def padded(self, rows: np.ndarray, length: int, *, first: int = PAD, height: int | None = None) -> np.ndarray:
        """Copies chosen sequences into one array.

        Args:
            rows: int (n,), which sequences, in which order.
            length: columns of the result, at least the longest chosen sequence, `first` included.
            first: an id to stand before each sequence; PAD means none.
            height: rows of the result, at least n; those past n hold PAD alone.

        Returns:
            int32 (height, length), PAD after the end of each sequence.
        """
        out = np.full((len(rows) if height is None else height, length), PAD, np.int32)
        lead = 0 if first == PAD else 1
        out[: len(rows), :lead] = first
        # Where each token goes, and which of `ids` goes there.
        column = np.arange(length - lead)
        cells = column < self.lengths[rows][:, None]
        out[: len(rows), lead:][cells] = self.ids[(self.offsets[rows][:, None] + column)[cells]]
        return out
