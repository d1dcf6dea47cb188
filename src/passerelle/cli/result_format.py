"""Format translations as lines of text, columns or JSON, and count unknown tokens, split texts and so on."""

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from passerelle.cli.display import note
from passerelle.cli.output import LineFormat, json_line

if TYPE_CHECKING:
    import numpy as np

    from passerelle.data.lengths import Lengths
    from passerelle.fields.signature import Signature
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.regression import Regressor
    from passerelle.inference.result import Result
    from passerelle.text.sentence_statistics import SentenceStatistics

__all__ = ["Counts", "ResultFormat", "join_outputs"]

MAX_REPORTED = 200
"""Number of unknown tokens after which no further ones are reported."""


MAX_LISTED = 5
"""Number of texts that were split up to which each is named."""


@dataclass(frozen=True)
class ResultFormat:
    """The format in which translations are written.

    Attributes:
        n_best: lines per text; with `scores`, the maximum number of lines per text.
        scores: write columns: number of the text, rank, normalized score, log probability, translation.
        as_json: write one JSON object per text.
        aligned: add the alignment of each translation.
    """

    n_best: int
    scores: bool
    as_json: bool
    aligned: bool

    @property
    def line_format(self) -> LineFormat:
        """The relation between lines and texts in an output file."""
        if self.as_json:
            return LineFormat(start=b"{")
        return LineFormat(self.n_best, numbered=self.scores)

    def format(
        self,
        signature: "Signature",
        found: list[list["Result"]],
        alignments: list[list["Alignment"]] | None,
        *,
        first: int,
    ) -> str:
        """Return the lines for the results of consecutive texts.

        Args:
            signature: that of the translator.
            found: the results of each text, best first.
            alignments: the alignment of each result; used only if `aligned`.
            first: number of the first text.
        """
        from passerelle.inference.result import as_line, result_json

        written = []
        for row, results in enumerate(found):
            links = alignments[row] if self.aligned and alignments is not None else None
            if self.as_json:
                written.append(json_line(result_json(results, signature, links)))
                continue
            if self.scores:
                lines = [_columns(first + row, rank, result) for rank, result in enumerate(results, 1)]
            else:
                lines = [as_line(result.text) for result in results]
            ends = [f"\t{alignment.pharaoh}" for alignment in links] if links else [""] * len(results)
            written += [line + end for line, end in zip(lines, ends, strict=True)]
            if not self.scores:
                written += [""] * (self.n_best - len(results))
        return "".join(f"{line}\n" for line in written)

    def format_numbers(self, regressor: "Regressor", texts: list[str], tags: str | list[str] | None) -> str:
        """Return the lines for the numbers that a regressor predicts for texts.

        A JSON object has `source`, `numbers` (a number, or lists by step and column; null for a blank text) and, if the
        model predicts them, `quantiles` by level.
        """
        if not self.as_json:
            found = regressor.lines(texts, tags=tags)
            return "".join(f"{line}\n" + "\n" * (self.n_best - 1) for line in found)
        quantiles = regressor.quantiles(texts, tags=tags) if regressor.has_quantiles else {}
        objects = [
            {"source": text, "numbers": _json_numbers(numbers)}
            for text, numbers in zip(texts, regressor.predict(texts, tags=tags), strict=True)
        ]
        for row, each in enumerate(objects if quantiles else ()):
            each["quantiles"] = {f"{level:g}": _json_numbers(values[row]) for level, values in quantiles.items()}
        return "".join(f"{json_line(each)}\n" for each in objects)


def _json_numbers(numbers: "np.ndarray") -> Any:
    return None if (numbers != numbers).any() else numbers.tolist()


def join_outputs(texts: dict[str, str], *, as_json: bool) -> str:
    """Join the lines of several outputs: columns separated by tabs, or one JSON object with all outputs by name.

    Args:
        texts: the lines of each output, from `ResultFormat.format`; the same number for each output.
        as_json: whether each line is a JSON object.
    """
    if len(texts) == 1:
        return next(iter(texts.values()))
    rows = zip(*(text.removesuffix("\n").split("\n") if text else [] for text in texts.values()), strict=True)
    if not as_json:
        return "".join("\t".join(line.replace("\t", " ") for line in row) + "\n" for row in rows)
    objects = (dict(zip(texts, map(json.loads, row), strict=True)) for row in rows)
    return "".join(
        json_line(
            {"source": next(iter(each.values()))["source"]}
            | {"outputs": {name: {k: v for k, v in own.items() if k != "source"} for name, own in each.items()}}
        )
        + "\n"
        for each in objects
    )


@dataclass
class Counts:
    """Counts over all texts of a run.

    Attributes:
        written: texts whose translations were written.
        split: texts that were too long and were translated in parts.
        by_sentences: texts that were split because of the number of their sentences.
        parts: parts of all these texts.
        listed: number of parts by number of the text, of the first `MAX_LISTED` of these texts.
        whole: constrained texts with more sentences than training sources usually have, which were not split.
        cut: texts whose translation was cut at its length limit.
        impossible: texts that have no translation within their length limit and constraints.
        unknown: unknown tokens that were reported.
    """

    written: int = 0
    split: int = 0
    by_sentences: int = 0
    parts: int = 0
    listed: dict[int, int] = field(default_factory=dict)
    whole: int = 0
    cut: int = 0
    impossible: int = 0
    unknown: set[str] = field(default_factory=set)

    def add(self, found: list[list["Result"]], *, unsplit: "SentenceStatistics | None" = None) -> None:
        """Count the results of more texts. Report impossible translations and new unknown tokens.

        Args:
            found: the results of each text, best first.
            unsplit: statistics of the training sources, if constraints keep the texts whole.
        """
        if unsplit is not None:
            self.whole += sum(unsplit.exceeded_by(best.source) for best, *_ in found)
        for number, (best, *_) in enumerate(found, start=self.written + 1):
            self._count(number, best, "its line is empty")
            self.split += best.split_by == "length"
            if best.split_by == "sentences":
                self.by_sentences += 1
                self.parts += best.parts
                if len(self.listed) < MAX_LISTED:
                    self.listed[number] = best.parts
        self.written += len(found)
        new = {token for results in found for token in results[0].unknown} - self.unknown
        if new and len(self.unknown) < MAX_REPORTED:
            self.unknown |= new
            note(f"passerelle: unknown tokens (not in the vocabulary): {_quoted(new)}")

    def add_output(self, output: str, found: list[list["Result"]]) -> None:
        """Count the translations of the same texts to another output, before `add`; report impossible ones."""
        for number, (best, *_) in enumerate(found, start=self.written + 1):
            self._count(number, best, f"the output {output} is empty")

    def _count(self, number: int, best: "Result", effect: str) -> None:
        """Count a translation that is impossible or cut; report an impossible one."""
        if best.score == -math.inf:
            self.impossible += 1
            note(f"passerelle: text {number:,} has no translation within its length limit and constraints; {effect}")
        self.cut += not best.finished and best.score > -math.inf

    def report(self, lengths: "Lengths", mode: str) -> None:
        """Report the texts that were split or cut.

        Args:
            lengths: those of the translator.
            mode: the setting `split_sentences`.
        """
        if self.split:
            note(
                f"passerelle: {self.split:,} texts were longer than {lengths.split_above:,} tokens, twice the longest "
                f"training text, and were translated sentence by sentence"
            )
        if self.by_sentences:
            usual = None if lengths.sentences is None or mode == "always" else lengths.sentences.usual
            reason = f", since training sources usually have {'one' if usual == 1 else f'at most {usual}'}"
            note(
                f"passerelle: {self._texts_split()} at the ends of sentences{reason if usual else ''}; "
                f"--split-sentences never translates each text as a whole"
            )
        if self.whole:
            note(
                f"passerelle: texts with more sentences than training sources usually have: {self.whole:,}. They were "
                f"not split, since constraints apply to the whole output; their translations may be incomplete"
            )
        if self.cut:
            note(f"passerelle: {self.cut:,} translations were cut at their length limit")

    def _texts_split(self) -> str:
        if self.by_sentences == 1:
            ((number, parts),) = self.listed.items()
            return f"text {number:,} was split into {parts:,} parts"
        if self.by_sentences <= MAX_LISTED:
            listed = ", ".join(f"text {number:,} into {parts:,} parts" for number, parts in self.listed.items())
            return f"split {listed}"
        return f"{self.by_sentences:,} texts were split into {self.parts:,} parts"


def _quoted(tokens: set[str]) -> str:
    """Return the tokens in quotes, in sorted order, at most `MAX_REPORTED`."""
    listed = " ".join(map(repr, sorted(tokens)[:MAX_REPORTED]))
    return f"{listed} and {len(tokens) - MAX_REPORTED:,} more" if len(tokens) > MAX_REPORTED else listed


def _columns(number: int, rank: int, result: "Result") -> str:
    from passerelle.inference.result import as_line

    text = as_line(result.text).replace("\t", " ")
    return f"{number}\t{rank}\t{result.normalized_score:.4f}\t{result.score:.4f}\t{text}"
