"""The share of each batch's rows that one process computes."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Share"]


@dataclass(frozen=True)
class Share:
    """The share of one process.

    Attributes:
        number: number of the process, from 0.
        count: number of processes.
    """

    number: int
    count: int

    def rows(self, height: int) -> slice:
        """Return the rows of this process in a batch of `height` rows.

        Each process has the same number of rows, so the last rows may lie beyond `height`. They are padding.
        """
        own = -(-height // self.count)
        return slice(self.number * own, (self.number + 1) * own)

    def of(self, array: np.ndarray) -> np.ndarray:
        """Return the rows of this process of an array of a whole batch, (batch, ...), with zeros beyond its end."""
        own = self.rows(len(array))
        part = array[own]
        missing = own.stop - own.start - len(part)
        return np.concatenate([part, np.zeros((missing, *array.shape[1:]), array.dtype)]) if missing else part
