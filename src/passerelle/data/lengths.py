"""Length limits: pairs that are too long to train on, and the maximum length of a translation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.data.row_keys import row_numbers
from passerelle.settings import MAX_TEXT_LENGTH
from passerelle.text.sentence_statistics import SentenceStatistics

__all__ = ["MAX_RATIO", "LengthLimits", "Lengths"]

PERCENTILE_FACTOR = 8
"""The default limit as a multiple of the 99th percentile of the lengths; only outliers are longer."""

MIN_LIMIT = 200
"""Lower bound of the default limit, in tokens."""

RATIO_OFFSET = 8
"""Tokens added to the source length in the length ratio, because short sources often have relatively long targets."""

MAX_RATIO = 250.0
"""Upper bound of the length ratio: a model that never predicts END stops soon after a short text."""


@dataclass(frozen=True)
class Lengths:
    """The largest lengths of the training pairs, in tokens, without END, and the sentences of their sources.

    Attributes:
        source: length of the longest source.
        target: length of the longest target.
        ratio: maximum over all pairs of target length / (source length + `RATIO_OFFSET`), at most `MAX_RATIO`.
        sentences: sentences per source; None if unknown, as in older model files and for pretokenized sources.
    """

    source: int
    target: int
    ratio: float
    sentences: SentenceStatistics | None = None

    @classmethod
    def of(cls, sources: np.ndarray, targets: np.ndarray, sentences: SentenceStatistics | None = None) -> "Lengths":
        """Return the `Lengths` of the pairs with these source and target lengths, int (pairs,) each."""
        ratio = float((targets / (sources + RATIO_OFFSET)).max())
        return cls(int(sources.max()), int(targets.max()), min(ratio, MAX_RATIO), sentences)

    @classmethod
    def of_ensemble(cls, several: Sequence["Lengths"]) -> "Lengths":
        """Return the largest lengths of several models, and the sentences of the first, at least one model."""
        source, target, ratio = (max(getattr(one, name) for one in several) for name in ("source", "target", "ratio"))
        return cls(source, target, ratio, several[0].sentences)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the lengths."""
        values = {"source": self.source, "target": self.target, "ratio": self.ratio}
        return values if self.sentences is None else values | {"sentences": self.sentences.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Lengths":
        """Restore lengths from JSON values; raise a ValueError or similar if they are out of bounds."""
        sentences = values.get("sentences")
        lengths = cls(
            int(values["source"]),
            int(values["target"]),
            float(values["ratio"]),
            None if sentences is None else SentenceStatistics.from_json(sentences),
        )
        if not all(1 <= length <= MAX_TEXT_LENGTH for length in (lengths.source, lengths.target)):
            raise ValueError(f"the lengths of source and target must be from 1 to {MAX_TEXT_LENGTH:,} tokens")
        if not 0 < lengths.ratio <= MAX_RATIO:
            raise ValueError(f"the ratio of lengths must be above 0 and at most {MAX_RATIO:g}")
        return lengths

    @property
    def split_above(self) -> int:
        """Source length, in tokens, above which a text is split into parts, if possible."""
        return 2 * self.source

    def max_steps(self, source_length: int | np.ndarray) -> Any:
        """Return the maximum number of decoder steps, END included, for sources of the given length in tokens.

        The limit is 1.1 times the smaller of two lengths, plus 2 steps. One is the length of the longest training
        target, scaled up for sources longer than those in training. The other is the length at the largest length ratio
        of the training pairs. The limit stops translations that never predict END.
        """
        length = np.asarray(source_length)
        longest = self.target * np.maximum(1.0, length / self.source)
        return np.ceil(11 * np.minimum(longest, self.ratio * (length + RATIO_OFFSET)) / 10).astype(np.int32) + 2


@dataclass(frozen=True)
class LengthLimits:
    """Maximum lengths, in tokens, of sources and targets used for training."""

    source: int
    target: int

    @classmethod
    def of(
        cls, source_lengths: np.ndarray, target_lengths: np.ndarray, source: int | None, target: int | None
    ) -> "LengthLimits":
        """Return the requested limits, with defaults computed from the lengths of the pairs.

        A default is `PERCENTILE_FACTOR` times the 99th percentile of the lengths, at least `MIN_LIMIT` and at most
        `MAX_TEXT_LENGTH`.

        Args:
            source_lengths: int (pairs,), at least one pair.
            target_lengths: int (pairs,), END not counted.
            source: limit for sources; None for the default.
            target: limit for targets; None for the default.
        """
        percentiles = (int(np.percentile(lengths, 99, method="lower")) for lengths in (source_lengths, target_lengths))
        defaults = (min(max(MIN_LIMIT, PERCENTILE_FACTOR * length), MAX_TEXT_LENGTH) for length in percentiles)
        requested = (source, target)
        return cls(*(default if own is None else own for own, default in zip(requested, defaults, strict=True)))

    def at_least(self, lengths: Lengths, source: int | None, target: int | None) -> "LengthLimits":
        """Return limits that are at least the lengths of a model, unless they were requested.

        Args:
            lengths: the lengths of the pairs on which the model was trained.
            source: the requested limit for sources; None if there is none.
            target: the requested limit for targets; None if there is none.
        """
        return LengthLimits(
            max(self.source, lengths.source) if source is None else self.source,
            max(self.target, lengths.target) if target is None else self.target,
        )

    def filter(self, pairs: Pairs, source_lengths: np.ndarray, target_lengths: np.ndarray) -> Pairs:
        """Return the pairs within both limits and count the others in `skipped`; `pairs` itself if none is too long."""
        within = (source_lengths <= self.source) & (target_lengths <= self.target)
        if within.all():
            return pairs
        reason = (
            f"longer than {self.source:,} source or {self.target:,} target tokens; source.max_length and "
            f"target.max_length in a settings file set other limits"
        )
        rows = row_numbers(within)
        skipped = {**pairs.skipped, reason: len(pairs) - len(rows)}
        facts = {"blank": pairs.blank, "doubts": pairs.doubts, "synthetic": pairs.synthetic}
        return replace(pairs.select(rows), skipped=skipped, **facts)
