"""Pairs too long to learn from: one of them would make a whole batch as wide as itself."""

from dataclasses import dataclass, replace

import numpy as np

from passerelle.data.pairs import Pairs

__all__ = ["LengthLimits"]

ROOM = 8
"""Times as long as all but a hundredth: no pair of a usual collection is."""

ALWAYS = 200
"""Tokens that are never too many, unless settings say so."""


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
        """The pairs within both limits; the others are counted in `passed_over`. The same object where all are."""
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
            passed_over={**pairs.passed_over, reason: within.count(False)},
        )
