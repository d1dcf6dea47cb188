"""Doubts about pairs that were read: signs that other columns, or another format, were meant."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import eq

from passerelle.data.readers.columns import column_numbers

__all__ = ["Doubt", "doubts_about"]

_SAMPLE = 1000
"""Pairs that are looked at."""

_FEW = 3
"""Fewer pairs are never doubted as a whole."""

_HEADER_WORDS = (
    "source target src tgt trg tag tags sentence sentences translation translations translated text texts original "
    "input output question answer front back word words lemma form forms term definition phrase label id score "
    "reference prompt response english french german spanish italian portuguese dutch swedish danish norwegian finnish "
    "polish czech russian ukrainian greek turkish arabic hebrew hindi chinese japanese korean vietnamese thai latin "
    "esperanto français deutsch español italiano português quelle ziel texte "
    "en fr de es it pt nl sv da no nb fi pl cs sk ru uk el tr ar he hi zh ja ko vi th la eo hu ro bg hr sr sl et lv lt "
    "eng fra fre deu ger spa ita por nld swe dan nor fin pol ces rus ukr ell tur ara heb hin zho cmn jpn kor vie tha "
    "lat epo hun ron bul hrv srp slv est lav lit"
)
"""Words that name columns: contents, languages and their codes."""

_NAMES = frozenset(_HEADER_WORDS.split())
_NUMBER = re.compile(r"\s*\d+\s*")
_HTML = re.compile(r"(?i)<(?:br|div|p|b|i|u|span|strong|em|li|ul|img|font)\b[^<>]*>|&(?:nbsp|amp|lt|gt|quot|#\d+);")


@dataclass(frozen=True)
class Doubt:
    """One doubt, with the argument that settles it.

    Attributes:
        problem: what was seen.
        argument: argument of `passerelle.read_pairs`; empty if none helps.
        value: an example of its value.
        effect: what the argument does.
    """

    problem: str
    argument: str = ""
    value: str = ""
    effect: str = ""

    def __str__(self) -> str:
        advice = f" {self.argument}={self.value!r} {self.effect}." if self.argument else ""
        return f"{self.problem}.{advice}"


def doubts_about(
    sources: Collection[str], targets: Collection[str], *, columns: Sequence[str], first: int
) -> list[Doubt]:
    """Return the doubts about the pairs of a file, in the order of its columns.

    Args:
        sources: the first text of each pair.
        targets: the second text of each pair.
        columns: the columns that were read; empty if the format has none.
        first: number of the row of the first pair.
    """
    return list(_doubts(sources, targets, columns, first))


def _doubts(sources: Collection[str], targets: Collection[str], columns: Sequence[str], first: int) -> Iterator[Doubt]:
    if not sources:
        return
    sample = list(islice(sources, _SAMPLE)), list(islice(targets, _SAMPLE))
    other = ("columns", "2,4", "reads other columns") if columns else ()
    for side, texts, all_texts in zip(("source", "target"), sample, (sources, targets), strict=True):
        if len(texts) >= _FEW and len(set(texts)) == 1 and all(text == texts[0] for text in all_texts):
            yield Doubt(f"every {side} is {texts[0][:40]!r}", *other)
        elif _is_numbers(texts) and (side == "source" or _are_ids(texts)):
            yield Doubt(f"the {side}s are numbers, such as {texts[0].strip()[:20]!r}", *other)
    if len(sample[0]) >= _FEW and sample[0] == sample[1] and all(map(eq, sources, targets)):
        yield Doubt("every source equals its target", *other)
    if columns and first <= _FEW and column_numbers(columns) and _is_header([texts[0] for texts in sample]):
        names = ",".join(texts[0].strip().lstrip("#").strip() for texts in sample)
        yield Doubt(
            f"the first pair, {sample[0][0].strip()[:40]!r} and {sample[1][0].strip()[:40]!r}, looks like a header",
            *("columns", names, "reads that row as the names of the columns"),
        )
    marked = sum(1 for texts in sample for text in texts if ("<" in text or "&" in text) and _HTML.search(text))
    if columns and marked > len(sample[0]) // 20:
        effect = "reads the texts of Anki's fields without HTML"
        yield Doubt(f"{marked:,} of the first {2 * len(sample[0]):,} texts contain HTML", "format", "anki", effect)


def _is_numbers(texts: Sequence[str]) -> bool:
    return len(texts) >= _FEW and all(map(_NUMBER.fullmatch, texts))


def _are_ids(texts: Sequence[str]) -> bool:
    return len(set(texts)) == len(texts)


def _is_header(texts: Sequence[str]) -> bool:
    """Return whether these different texts are names of columns, such as `English` and `fr_FR`."""
    words = [text.strip().lstrip("#").strip().lower() for text in texts]
    return words[0] != words[1] and all(
        word in _NAMES or (len(word) <= 12 and re.split("[-_]", word)[0] in _NAMES) for word in words
    )
