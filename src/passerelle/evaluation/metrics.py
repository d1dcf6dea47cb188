"""How good translations are, in numbers that say how they were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Report", "score"]


@dataclass(frozen=True)
class Report:
    """Scores of some translations against their references.

    Attributes:
        sources: how many texts were translated.
        exact: how many translations equal one of their references, to the last character.
        exact_match: the same in percent.
        character_error_rate: percent: edits to the nearest reference, over its length, summed over all texts.
        bleu: corpus BLEU, 0 to 100 (Papineni et al. 2002), by sacreBLEU.
        bleu_signature: sacreBLEU's: which settings made it.
        chrf: corpus chrF2, 0 to 100 (Popović 2015), by sacreBLEU.
        chrf_signature: likewise.

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
    bleu: float
    bleu_signature: str
    chrf: float
    chrf_signature: str

    def __str__(self) -> str:
        return (
            f"exact match  {self.exact_match:6.2f} %   {self.exact:,} of {self.sources:,} sources\n"
            f"CER          {self.character_error_rate:6.2f} %   edits per character of the nearest reference\n"
            f"BLEU         {self.bleu:6.2f}     {self.bleu_signature}\n"
            f"chrF         {self.chrf:6.2f}     {self.chrf_signature}"
        )


def score(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Report:
    """Scores translations.

    Args:
        hypotheses: one a source.
        references: for each source one or more right answers.

    Returns:
        The report. BLEU and chrF are those of sacreBLEU's defaults over the whole corpus, all references counted.

    Raises:
        ValueError: if there is nothing to score, the lengths differ, or a source has no reference.
    """
    if len(hypotheses) != len(references) or not hypotheses or not all(references):
        raise ValueError("`hypotheses` and `references` must be as long as each other, with a reference each")
    from rapidfuzz.distance import Levenshtein
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    exact = edits = characters = 0
    for hypothesis, answers in zip(hypotheses, references, strict=True):
        exact += hypothesis in answers
        distances = [(Levenshtein.distance(hypothesis, answer), len(answer)) for answer in answers]
        distance, length = min(distances)
        edits += distance
        characters += length
    # sacreBLEU wants the first reference of every source, then the second ones, None where a source has no more.
    most = max(map(len, references))
    streams: Any = [[answers[k] if k < len(answers) else None for answers in references] for k in range(most)]
    bleu, chrf = BLEU(), CHRF()
    bleu_score = bleu.corpus_score(list(hypotheses), streams).score
    chrf_score = chrf.corpus_score(list(hypotheses), streams).score
    return Report(
        sources=len(hypotheses),
        exact=exact,
        exact_match=100.0 * exact / len(hypotheses),
        character_error_rate=100.0 * edits / max(1, characters),
        bleu=bleu_score,
        bleu_signature=str(bleu.get_signature()),
        chrf=chrf_score,
        chrf_signature=str(chrf.get_signature()),
    )
