"""What a search is told, what it is bounded by, and what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

__all__ = ["Result", "SearchOptions"]


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


class SearchOptions(TypedDict, total=False):
    """What a search may be told; see `SearchSettings`."""

    beam: int
    length_penalty: float
    coverage_penalty: float
    groups: int
    diversity: float
    sample: bool
    temperature: float
    top_k: int
    top_p: float
    seed: int
    no_repeat_ngram_size: int
    min_length: int
    max_length: int | None
    prefix: str
    require: Sequence[str]
    forbid: Sequence[str]
    lexicon: Sequence[str]
    pattern: str | None
    grammar: str | None
