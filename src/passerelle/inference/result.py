"""The result of a search for one text, and its JSON form."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from passerelle.fields.signature import Signature
from passerelle.inference.parts import SplitReason
from passerelle.text.sentences import join_parts
from passerelle.text.vocabulary import REPLACEMENT

if TYPE_CHECKING:
    from passerelle.inference.alignment import Alignment

__all__ = ["Result", "as_line", "result_json"]


@dataclass(frozen=True)
class Result:
    """One translation of one text.

    Attributes:
        source: the unchanged source: a text, or numbers.
        text: the translation; empty for a blank source.
        score: log probability of the translation in nats, at most 0; -inf if no translation satisfies the constraints
            within the length limit.
        normalized_score: the score divided by the length normalizer, plus the coverage penalty (at most 0). In minimum
            Bayes risk decoding, the expected utility, 0 to 100. It ranks the translations of a text.
        ids: the target ids of the translation, without END.
        token_scores: log probability of each token in nats, then of END if it was written.
        unknown: the distinct source tokens that the vocabulary does not contain, in order of appearance.
        finished: False if the translation was cut off at the length limit.
        parts: number of parts into which the text was split. If there are several, the other attributes are joined from
            those of the parts, and `token_scores` contains an END for each part.
        copied: the source tokens that were copied because the target vocabulary does not contain them, one for each of
            their ids in `ids`.
        split_by: why the text was split: `sentences` if it has more than training sources usually have, `length` if it
            is too long; empty if it was not split.
        part_results: the translation of each part, and the whitespace after the part; empty if the text was not split.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> (result,) = translator.search(["He is purple."])
        >>> result.unknown
        ('purple',)
        >>> len(result.token_scores) == len(result.ids) + 1  # the last one is the score of END
        True
    """

    source: Any
    text: str
    score: float
    normalized_score: float
    ids: tuple[int, ...]
    token_scores: tuple[float, ...]
    unknown: tuple[str, ...]
    finished: bool
    parts: int = 1
    copied: tuple[str, ...] = ()
    split_by: SplitReason = ""
    part_results: tuple[tuple["Result", str], ...] = field(default=(), repr=False)

    @classmethod
    def for_blank(cls, source: str) -> "Result":
        """Return the result for a blank source."""
        return cls(source, "", 0.0, 0.0, (), (), (), True)

    @classmethod
    def impossible(cls, source: str, unknown: tuple[str, ...]) -> "Result":
        """Return the result for a source without a translation that satisfies the constraints within the limit."""
        return cls(source, "", -math.inf, -math.inf, (), (), unknown, False)

    @classmethod
    def joined(
        cls, source: str, parts: Sequence["Result"], whitespace: Sequence[str], split_by: SplitReason
    ) -> "Result":
        """Join the translations of the parts of a text; `whitespace` contains the whitespace after each part."""
        return cls(
            source=source,
            text=join_parts([(part.text, after) for part, after in zip(parts, whitespace, strict=True)]),
            score=sum(part.score for part in parts),
            normalized_score=sum(part.normalized_score for part in parts),
            ids=tuple(identifier for part in parts for identifier in part.ids),
            token_scores=tuple(score for part in parts for score in part.token_scores),
            unknown=tuple(dict.fromkeys(token for part in parts for token in part.unknown)),
            finished=all(part.finished for part in parts),
            copied=tuple(token for part in parts for token in part.copied),
            parts=len(parts),
            split_by=split_by,
            part_results=tuple(zip(parts, whitespace, strict=True)),
        )


def as_line(text: str) -> str:
    """Return a text as one line: its line ends become spaces."""
    return " ".join(text.splitlines())


def result_json(
    results: Sequence[Result], signature: Signature, alignments: Sequence["Alignment"] | None = None
) -> dict[str, Any]:
    """Return the translations of one text as a JSON object.

    Args:
        results: the results of one text, best first, at least one.
        signature: the signature of the model.
        alignments: the alignment of each result; None for a JSON object without alignments.

    Returns:
        `source`, `unknown`, `parts`, `split_by` and `translations`. Each translation has `text`, `score`,
        `log_probability`, `finished`, `tokens`, `probabilities` (of each token, then of END if it was written) and,
        with alignments, `alignment`. An unknown token (UNK) is U+FFFD in `tokens`. An infinite score is null.
    """
    vocabulary = signature.target.tokenizer.vocabulary

    def tokens(result: Result) -> list[str]:
        copied = iter(result.copied)
        return [vocabulary.token_of(i) if i < vocabulary.size else next(copied, REPLACEMENT) for i in result.ids]

    return {
        "source": results[0].source,
        "unknown": results[0].unknown,
        "parts": results[0].parts,
        "split_by": results[0].split_by,
        "translations": [
            {
                "text": result.text,
                "score": None if result.score == -math.inf else result.normalized_score,
                "log_probability": None if result.score == -math.inf else result.score,
                "finished": result.finished,
                "tokens": tokens(result),
                "probabilities": [round(math.exp(score), 6) for score in result.token_scores],
            }
            | ({} if alignments is None else {"alignment": alignments[rank].links})
            for rank, result in enumerate(results)
        ],
    }
