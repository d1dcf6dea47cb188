"""Translations as lines of text, columns or JSON, and the notes about them on standard error."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from passerelle.cli.display import note
from passerelle.cli.output import Form, json_line

if TYPE_CHECKING:
    from passerelle.fields.signature import Signature
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.result import Result

__all__ = ["Page", "Tally"]

MOST_REPORTED = 200
"""Unknown tokens reported in one run."""


@dataclass(frozen=True)
class Page:
    """The format in which translations are written.

    Attributes:
        n_best: lines of each text; with `scores` the most lines.
        scores: write columns: number of the text, rank, normalized score, log probability, translation.
        as_json: write one JSON object per text.
        aligned: add the alignment of each translation.
    """

    n_best: int
    scores: bool
    as_json: bool
    aligned: bool

    @property
    def form(self) -> Form:
        """How the lines belong to the texts."""
        if self.as_json:
            return Form(start=b"{")
        return Form(self.n_best, numbered=self.scores)

    def text(
        self,
        signature: "Signature",
        found: list[list["Result"]],
        alignments: list[list["Alignment"]] | None,
        *,
        first: int,
    ) -> str:
        """Return the lines of some texts' results; `first` is the number of the first text."""
        from passerelle.inference.result import result_json

        written = []
        for row, results in enumerate(found):
            own = alignments[row] if self.aligned and alignments is not None else None
            if self.as_json:
                written.append(json_line(result_json(results, signature, own)))
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
    """Counts of a run.

    Attributes:
        written: texts.
        split: texts that were translated in parts.
        cut: texts whose translation was cut at its length limit.
        none: texts without a translation within their limits.
        unknown: unknown tokens that were reported.
    """

    written: int = 0
    split: int = 0
    cut: int = 0
    none: int = 0
    unknown: set[str] = field(default_factory=set)

    def add(self, found: list[list["Result"]]) -> None:
        """Count more results; report impossible translations and unknown tokens at once."""
        for number, (best, *_) in enumerate(found, start=self.written + 1):
            if best.score == -math.inf:
                self.none += 1
                note(f"passerelle: text {number:,}: nothing can be written within its limits; its line stays empty")
            self.split += best.parts > 1
            self.cut += not best.finished and best.score > -math.inf
        self.written += len(found)
        new = {token for results in found for token in results[0].unknown} - self.unknown
        if new and len(self.unknown) < MOST_REPORTED:
            self.unknown |= new
            note(f"passerelle: not seen in training, read as unknown: {_some(new)}")

    def report(self, longest: int) -> None:
        """Report the texts that were split or cut; `longest` is the most tokens that are translated at once."""
        if self.split:
            note(
                f"passerelle: {self.split:,} texts were longer than {longest:,} tokens, twice the "
                f"longest in training, and were translated sentence by sentence"
            )
        if self.cut:
            note(f"passerelle: {self.cut:,} translations were cut at their length limit")


def _some(tokens: set[str]) -> str:
    """Return the first of them, in order."""
    listed = " ".join(map(repr, sorted(tokens)[:MOST_REPORTED]))
    return f"{listed} and {len(tokens) - MOST_REPORTED:,} more" if len(tokens) > MOST_REPORTED else listed


def _line(result: "Result") -> str:
    """Return its text on one line."""
    return " ".join(result.text.splitlines())


def _columns(number: int, rank: int, result: "Result") -> str:
    text = _line(result).replace("\t", " ")
    return f"{number}\t{rank}\t{result.normalized_score:.4f}\t{result.score:.4f}\t{text}"
