"""What a search is told, what it is bounded by, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Lengths", "Result"]

SPARE = 8
"""Tokens that a source is taken to be longer where targets are compared with it: short ones have long answers."""


@dataclass(frozen=True)
class Result:
    """One translated text.

    Attributes:
        source: the text as it was given.
        text: its translation; empty for a blank source.
        score: log probability of the translation, in nats: at most 0, and the nearer to 0 the surer; -inf where the
            rules of the search left nothing to write.
        normalized_score: that over the length penalty, the coverage penalty added: by it translations of one text are
            compared.
        ids: the target ids that make up `text`, END left out.
        token_scores: log probability of each of them, then of END where it was reached.
        unknown: the distinct tokens of the source that have no id, in order of appearance.
        finished: False where the translation was cut at the length limit.
        parts: how many parts the text was translated in; of more than one, all the rest is put together from them, and
            `token_scores` has an END for each.
    """

    source: str
    text: str
    score: float
    normalized_score: float
    ids: tuple[int, ...]
    token_scores: tuple[float, ...]
    unknown: tuple[str, ...]
    finished: bool
    parts: int = 1

    @classmethod
    def joined(cls, source: str, parts: Sequence["Result"], blanks: Sequence[str]) -> "Result":
        """The translation of a text from those of its parts, `blanks` after each."""
        return cls(
            source=source,
            text="".join(part.text + blank for part, blank in zip(parts, blanks, strict=True)),
            score=sum(part.score for part in parts),
            normalized_score=sum(part.normalized_score for part in parts),
            ids=tuple(identifier for part in parts for identifier in part.ids),
            token_scores=tuple(score for part in parts for score in part.token_scores),
            unknown=tuple(dict.fromkeys(token for part in parts for token in part.unknown)),
            finished=all(part.finished for part in parts),
            parts=len(parts),
        )


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
