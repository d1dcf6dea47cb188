"""Lengths of the training pairs: which are too long to train on, and how long a translation may become."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from passerelle.data.pairs import Pairs

__all__ = ["LengthLimits", "Lengths"]

ROOM = 8
"""Times as long as all but a hundredth: no pair of a usual collection is."""

ALWAYS = 200
"""Tokens that are never too many, unless settings say so."""


SPARE = 8
"""Tokens that a source is taken to be longer where targets are compared with it: short ones have long answers."""


@dataclass(frozen=True)
class Lengths:
    """What training showed of lengths, in tokens, END not counted.

    Attributes:
        source: of the longest source.
        target: of the longest target.
        ratio: largest ratio of a target to its source with `SPARE` tokens more.
    """

    source: int
    target: int
    ratio: float

    @classmethod
    def of(cls, sources: np.ndarray, targets: np.ndarray) -> "Lengths":
        """From the lengths of all pairs, int (pairs,) each."""
        return cls(int(sources.max()), int(targets.max()), float((targets / (sources + SPARE)).max()))

    @property
    def whole(self) -> int:
        """The longest source, in tokens, that is translated as one if it can be cut."""
        return 2 * self.source

    def limit(self, source_length: int | np.ndarray) -> Any:
        """Most steps, END included, for a source of this many tokens.

        As long as the longest target, with a tenth to spare, longer sources in proportion; and no longer, beside its
        source, than any target was, with a tenth to spare. So no text runs away.
        """
        length = np.asarray(source_length)
        longest = self.target * np.maximum(1.0, length / self.source)
        return np.ceil(11 * np.minimum(longest, self.ratio * (length + SPARE)) / 10).astype(np.int32) + 2


@dataclass(frozen=True)
class LengthLimits:
    """The longest source and the longest target to learn from, in tokens."""

    source: int
    target: int

    @classmethod
    def of(
        cls, source_lengths: np.ndarray, target_lengths: np.ndarray, source: int | None, target: int | None
    ) -> "LengthLimits":
        """Those that are given; where one is None, `ROOM` times the 99th percentile of the lengths, at least `ALWAYS`.

        Args:
            source_lengths: int (pairs,), at least one.
            target_lengths: int (pairs,), END not counted.
            source: the source's limit.
            target: the target's limit.
        """
        usual = (int(np.percentile(lengths, 99, method="lower")) for lengths in (source_lengths, target_lengths))
        learned = (max(ALWAYS, ROOM * length) for length in usual)
        return cls(*(limit if given is None else given for given, limit in zip((source, target), learned, strict=True)))

    def keep(self, pairs: Pairs, source_lengths: np.ndarray, target_lengths: np.ndarray) -> Pairs:
        """The pairs within both limits; the others are counted in `skipped`. The same object where all are."""
        within = ((source_lengths <= self.source) & (target_lengths <= self.target)).tolist()
        if all(within):
            return pairs
        reason = (
            f"longer than {self.source:,} source or {self.target:,} target tokens; source.max_length and "
            f"target.max_length in a settings file set other limits"
        )
        columns = [
            None if column is None else [text for text, fits in zip(column, within, strict=True) if fits]
            for column in (pairs.sources, pairs.targets, pairs.tags)
        ]
        return replace(
            pairs,
            sources=columns[0],
            targets=columns[1],
            tags=columns[2],
            skipped={**pairs.skipped, reason: within.count(False)},
        )
