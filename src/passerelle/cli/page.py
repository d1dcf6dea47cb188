"""Translations as lines of text, columns or JSON, and what is said of them at the end."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from passerelle.cli.display import note
from passerelle.cli.output import Form, json_line

if TYPE_CHECKING:
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.result import Result
    from passerelle.translator import Translator

__all__ = ["Page", "Tally"]

MOST_TOLD = 200
"""Unknown tokens told in one run."""


@dataclass(frozen=True)
class Page:
    """How translations are written.

    Attributes:
        n_best: lines of each text; with `scores` at most so many.
        scores: as columns: number of the text, rank, normalized score, log probability, translation.
        as_json: as one object a text.
        aligned: with the source-target pairs of each.
    """

    n_best: int
    scores: bool
    as_json: bool
    aligned: bool

    @property
    def form(self) -> Form:
        """How its lines belong to the texts."""
        if self.as_json:
            return Form(start=b"{")
        return Form(self.n_best, numbered=self.scores)

    def text(
        self,
        translator: "Translator",
        found: list[list["Result"]],
        links: list[list["Alignment"]] | None,
        *,
        first: int,
    ) -> str:
        """Whole lines of all these results; `first` is the number of the first text."""
        written = []
        for row, results in enumerate(found):
            own = links[row] if self.aligned and links is not None else None
            if self.as_json:
                written.append(json_line(_values(translator, results, own)))
                continue
            lines = (
                [_columns(first + row, *one) for one in enumerate(results, 1)] if self.scores else map(_line, results)
            )
            ends = [f"\t{one.pharaoh}" for one in own] if own else [""] * len(results)
            written += [line + end for line, end in zip(lines, ends, strict=True)]
            if not self.scores:
                written += [""] * (self.n_best - len(results))
        return "".join(f"{line}\n" for line in written)


@dataclass
class Tally:
    """What a run met.

    Attributes:
        written: texts.
        parted: those translated sentence by sentence.
        cut: those whose translation was cut at its limit of length.
        none: those with nothing to write within their limits.
        unknown: tokens told as unknown.
    """

    written: int = 0
    parted: int = 0
    cut: int = 0
    none: int = 0
    unknown: set[str] = field(default_factory=set)

    def add(self, found: list[list["Result"]]) -> None:
        """Counts some more, and tells what cannot wait."""
        for number, (best, *_) in enumerate(found, start=self.written + 1):
            if best.score == -math.inf:
                self.none += 1
                note(f"passerelle: text {number:,}: nothing can be written within its limits; its line stays empty")
            self.parted += best.parts > 1
            self.cut += not best.finished and best.score > -math.inf
        self.written += len(found)
        new = {token for results in found for token in results[0].unknown} - self.unknown
        if new and len(self.unknown) < MOST_TOLD:
            self.unknown |= new
            note(f"passerelle: not seen in training, read as unknown: {_some(new)}")

    def tell(self, translator: "Translator") -> None:
        """What is of interest at the end."""
        if self.parted:
            note(
                f"passerelle: {self.parted:,} texts were longer than {translator.lengths.whole:,} tokens, twice the "
                f"longest in training, and were translated sentence by sentence"
            )
        if self.cut:
            note(f"passerelle: {self.cut:,} translations were cut at their length limit")


def _some(tokens: set[str]) -> str:
    """The first of them, in order."""
    listed = " ".join(map(repr, sorted(tokens)[:MOST_TOLD]))
    return f"{listed} and {len(tokens) - MOST_TOLD:,} more" if len(tokens) > MOST_TOLD else listed


def _line(result: "Result") -> str:
    """Its text on one line."""
    return " ".join(result.text.splitlines())


def _columns(number: int, rank: int, result: "Result") -> str:
    text = _line(result).replace("\t", " ")
    return f"{number}\t{rank}\t{result.normalized_score:.4f}\t{result.score:.4f}\t{text}"


def _values(translator: "Translator", results: list["Result"], links: list["Alignment"] | None) -> dict[str, Any]:
    """What a line of JSON says; a token that a translation copied looks like U+FFFD, and END is the last one."""
    token_of = translator.target.vocabulary.token_of
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
            | ({} if links is None else {"alignment": links[rank].links})
            for rank, result in enumerate(results)
        ],
    }
