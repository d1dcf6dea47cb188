"""The result of a search for one text, and its JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from passerelle.fields.signature import Signature

if TYPE_CHECKING:
    from passerelle.inference.alignment import Alignment

__all__ = ["Result", "result_json"]


@dataclass(frozen=True)
class Result:
    """One translation of one text.

    Attributes:
        source: the text as it was given.
        text: its translation; empty for a blank source.
        score: log probability of the translation, in nats, at most 0; -inf where no translation meets the constraints
            within the length limit.
        normalized_score: the score over the length penalty, plus the coverage penalty; ranks translations of one text.
        ids: the target ids of `text`, without END.
        token_scores: log probability of each of them, then of END where it was reached.
        unknown: the distinct tokens of the source that have no id, in order of appearance.
        finished: False where the translation was cut at the length limit.
        parts: number of parts that the text was split into. With more than one, all other attributes are joined from
            the parts, and `token_scores` has an END for each.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> (result,) = translator.search(["He is purple."])
        >>> result.unknown
        ('purple',)
        >>> len(result.token_scores) == len(result.ids) + 1  # the last one is the score of END
        True
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
    def of_blank(cls, source: str) -> "Result":
        """Return the result of a blank source."""
        return cls(source, "", 0.0, 0.0, (), (), (), True)

    @classmethod
    def impossible(cls, source: str, unknown: tuple[str, ...]) -> "Result":
        """Return the result of a source that has no translation within its constraints and limit."""
        return cls(source, "", -math.inf, -math.inf, (), (), unknown, False)

    @classmethod
    def joined(cls, source: str, parts: Sequence["Result"], blanks: Sequence[str]) -> "Result":
        """Join the translations of a text's parts; `blanks` are the blanks after each part."""
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


def result_json(
    results: Sequence[Result], signature: Signature, alignments: Sequence["Alignment"] | None = None
) -> dict[str, Any]:
    """Return the translations of one text as a JSON object.

    Args:
        results: of one text, best first, at least one.
        signature: of the model.
        alignments: of each result; None leaves them out.

    Returns:
        `source`, `unknown` and `translations`, each with `text`, `score`, `log_probability`, `finished`, `tokens`,
        `probabilities` (of each token, then of END where it was reached) and, with alignments, `alignment`. A copied
        token is U+FFFD in `tokens`. An infinite score is null.
    """
    token_of = signature.target.tokenizer.vocabulary.token_of
    return {
        "source": results[0].source,
        "unknown": results[0].unknown,
        "translations": [
            {
                "text": result.text,
                "score": None if result.score == -math.inf else result.normalized_score,
                "log_probability": None if result.score == -math.inf else result.score,
                "finished": result.finished,
                "tokens": [token_of(i) for i in result.ids],
                "probabilities": [round(math.exp(score), 6) for score in result.token_scores],
            }
            | ({} if alignments is None else {"alignment": alignments[rank].links})
            for rank, result in enumerate(results)
        ],
    }
