"""Metrics of translation quality: exact match, character error rate, BLEU and chrF, with sacreBLEU's signatures."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from passerelle.scripts import Letters

__all__ = ["OutputsReport", "Report", "score"]


BLEU_ORDER = 4
"""BLEU counts n-grams of one to this many tokens."""

SHORT_SHARE = 0.9
"""Share of the references with fewer tokens than `BLEU_ORDER` from which on BLEU says nothing about most texts."""


@dataclass(frozen=True)
class Report:
    """Scores of translations against their references.

    Attributes:
        sources: number of translated texts.
        exact: number of translations that are identical to one of their references.
        exact_match: `exact` in percent of `sources`.
        character_error_rate: percent; edit distances to the nearest references divided by the lengths of these
            references, both summed over all texts.
        bleu: corpus BLEU, 0 to 100 (Papineni et al. 2002), computed by sacreBLEU; None if it is not meaningful.
        bleu_signature: sacreBLEU's signature of the BLEU settings, which names the tokenizer: `13a`, `zh` for Chinese,
            `char` for other languages that are written without spaces.
        bleu_missing: the reason why `bleu` is None; otherwise empty.
        chrf: corpus chrF2, 0 to 100 (Popović 2015), computed by sacreBLEU.
        chrf_signature: sacreBLEU's signature of the chrF settings.
        split: number of sources that were translated in parts, because they are too long or have more sentences than
            training sources usually have.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> report = translator.evaluate(passerelle.read_pairs("pairs.tsv"))
        >>> print(report)
        exact match  100.00 % ...
        CER            0.00 % ...
        BLEU         100.00 ...
        chrF         100.00 ...
        >>> report.chrf_signature
        'nrefs:1|case:mixed|...'
    """

    sources: int
    exact: int
    exact_match: float
    character_error_rate: float
    bleu: float | None
    bleu_signature: str
    chrf: float
    chrf_signature: str
    bleu_missing: str = ""
    split: int = 0

    def __str__(self) -> str:
        bleu = self.bleu_missing if self.bleu is None else f"{self.bleu:6.2f}     {self.bleu_signature}"
        return (
            f"exact match  {self.exact_match:6.2f} %   {self.exact:,} of {self.sources:,} sources\n"
            f"CER          {self.character_error_rate:6.2f} %   edits per character of the nearest reference\n"
            f"BLEU         {bleu}\n"
            f"chrF         {self.chrf:6.2f}     {self.chrf_signature}"
        )


@dataclass(frozen=True)
class OutputsReport:
    """Scores of several outputs.

    Attributes:
        outputs: the report of each output by name: a `Report` for texts, a `NumbersReport` for numbers.
        sources: number of distinct sources.
        all_right: percentage of the sources of which every text that has a reference is identical to one of them; None
            if no output has texts.

    Example:
        >>> rows = [("one", {"fr": "un", "de": "eins"}), ("two", {"fr": "deux"})]
        >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0)
        >>> report = translator.evaluate_outputs(rows)
        >>> list(report.outputs), report.sources
        (['fr', 'de'], 2)
    """

    outputs: Mapping[str, Any]
    sources: int
    all_right: float | None

    def __str__(self) -> str:
        parts = [f"{name}\n{report}" for name, report in self.outputs.items()]
        if self.all_right is not None:
            parts.append(f"all right    {self.all_right:6.2f} %   of {self.sources:,} sources")
        return "\n\n".join(parts)


def score(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Report:
    """Score translations against their references.

    Args:
        hypotheses: one translation per source.
        references: one or more correct translations per source.

    Returns:
        The report. BLEU and chrF use sacreBLEU's default settings, the entire corpus and all references; BLEU uses the
        tokenizer that fits the script of the references.

    Raises:
        ValueError: if there are no hypotheses, the lengths differ, or a source has no reference.
    """
    if len(hypotheses) != len(references) or not hypotheses or not all(references):
        raise ValueError(
            "`hypotheses` and `references` must have the same length, at least 1, and each hypothesis at least one "
            f"reference; received: {len(hypotheses)} hypotheses, {len(references)} lists of references, "
            f"{sum(not answers for answers in references)} of them empty"
        )
    from rapidfuzz.distance import Levenshtein

    with _temporary_folder_optional():
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF

    exact = edits = characters = 0
    for hypothesis, answers in zip(hypotheses, references, strict=True):
        exact += hypothesis in answers
        distances = [(Levenshtein.distance(hypothesis, answer), len(answer)) for answer in answers]
        distance, length = min(distances)
        edits += distance
        characters += length
    # sacreBLEU requires a list of the first references of all sources, one of the second ones, and so on; None where a
    # source has fewer references.
    count = max(map(len, references))
    streams: Any = [[answers[k] if k < len(answers) else None for answers in references] for k in range(count)]
    bleu, chrf = BLEU(tokenize=_bleu_tokenizer(references)), CHRF()
    bleu_score = bleu.corpus_score(list(hypotheses), streams).score
    missing = _bleu_missing(references, bleu.tokenizer)
    chrf_score = chrf.corpus_score(list(hypotheses), streams).score
    return Report(
        sources=len(hypotheses),
        exact=exact,
        exact_match=100.0 * exact / len(hypotheses),
        character_error_rate=100.0 * edits / max(1, characters),
        bleu=None if missing else bleu_score,
        bleu_signature=str(bleu.get_signature()),
        chrf=chrf_score,
        chrf_signature=str(chrf.get_signature()),
        bleu_missing=missing,
    )


@contextmanager
def _temporary_folder_optional() -> Iterator[None]:
    """Let sacreBLEU be imported where no temporary folder exists; it asks for one, and uses it only for downloads."""
    try:
        tempfile.gettempdir()
        absent = False
    except FileNotFoundError:
        tempfile.tempdir, absent = os.curdir, True
    try:
        yield
    finally:
        if absent:
            tempfile.tempdir = None


def _bleu_tokenizer(references: Sequence[Sequence[str]]) -> str:
    """Return the name of sacreBLEU's tokenizer for the script of the references."""
    letters = Letters.of(answer for answers in references for answer in answers)
    if not letters.without_spaces:
        return "13a"
    return "zh" if letters.han > 9 * letters.other else "char"


def _bleu_missing(references: Sequence[Sequence[str]], tokenizer: Any) -> str:
    """Return the reason why BLEU is not meaningful: hardly any reference has an n-gram of `BLEU_ORDER` tokens."""
    lengths = [len(tokenizer(answer).split()) for answers in references for answer in answers]
    short = sum(length < BLEU_ORDER for length in lengths) / len(lengths)
    if short < SHORT_SHARE:
        return ""
    unit = "words" if tokenizer.signature() == "13a" else "characters"
    share = "" if short == 1 else f"{100 * short:.1f} % of the "
    return f"not meaningful: {share}references have 1 to {BLEU_ORDER - 1} {unit}"
