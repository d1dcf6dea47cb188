"""The lengths that a translator has seen in training, and the limits that follow from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Lengths"]

SPARE = 8
"""Tokens added to a source's length before it is compared with its target's: short sources have long targets."""


@dataclass(frozen=True)
class Lengths:
    """Lengths seen in training, in tokens, without END.

    Attributes:
        source: of the longest source.
        target: of the longest target.
        ratio: largest ratio of a target's length to its source's plus `SPARE`.
    """

    source: int
    target: int
    ratio: float

    @classmethod
    def of(cls, sources: np.ndarray, targets: np.ndarray) -> "Lengths":
        """Return the lengths of pairs, int (pairs,) each."""
        return cls(int(sources.max()), int(targets.max()), float((targets / (sources + SPARE)).max()))

    @property
    def whole(self) -> int:
        """The longest source, in tokens, that is translated without splitting it."""
        return 2 * self.source

    def limit(self, source_length: int | np.ndarray) -> Any:
        """Return the most steps, END included, for a source of this many tokens.

        The limit is the length of the longest target, in proportion for longer sources; and no longer, relative to its
        source, than any target in training. Both have a tenth to spare. So no translation grows without end.
        """
        length = np.asarray(source_length)
        longest = self.target * np.maximum(1.0, length / self.source)
        return np.ceil(11 * np.minimum(longest, self.ratio * (length + SPARE)) / 10).astype(np.int32) + 2
