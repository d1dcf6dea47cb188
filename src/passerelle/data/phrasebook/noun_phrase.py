"""Noun phrases: determiner, number, adjective and noun, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import english as en
from . import french as fr
from .adjectives import Adjective
from .nouns import Noun
from .subjects import Reading, Subject

__all__ = ["NUMBERS", "Determiner", "NounPhrase"]

Determiner = Literal["a", "the", "this", "own", "some", "all"]
"""The determiner of a noun phrase.

"a", "the", "this" (plural "these"); "own": the possessive of the subject; "some": no determiner in English, the
partitive or "des" in French; "all": no determiner in English, the definite article in French ("likes cats", "aime les
chats").
"""

NUMBERS = {
    1: ("one", "un"), 2: ("two", "deux"), 3: ("three", "trois"), 4: ("four", "quatre"), 5: ("five", "cinq"),
    6: ("six", "six"), 7: ("seven", "sept"), 8: ("eight", "huit"), 9: ("nine", "neuf"), 10: ("ten", "dix"),
    11: ("eleven", "onze"), 12: ("twelve", "douze"), 13: ("thirteen", "treize"), 14: ("fourteen", "quatorze"),
    15: ("fifteen", "quinze"), 16: ("sixteen", "seize"), 17: ("seventeen", "dix-sept"),
    18: ("eighteen", "dix-huit"), 19: ("nineteen", "dix-neuf"), 20: ("twenty", "vingt"),
    30: ("thirty", "trente"), 40: ("forty", "quarante"), 50: ("fifty", "cinquante"),
    60: ("sixty", "soixante"),
}  # fmt: skip
"""English and French cardinal numbers: 1 to 20, then multiples of ten."""


@dataclass(frozen=True)
class NounPhrase:
    """A noun with its determiner, numeral and adjective.

    Attributes:
        determiner: see `Determiner`; ignored if there is a number.
        number: a key of `NUMBERS` above 1, which requires `plural`; 0 for no number.
    """

    noun: Noun
    determiner: Determiner
    plural: bool = False
    adjective: Adjective | None = None
    number: int = 0

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemmas of adjective, number and noun."""
        number = (NUMBERS[self.number][0],) if self.number else ()
        adjective = (self.adjective.english,) if self.adjective else ()
        return (*number, *adjective, self.noun.english)

    def english(self, subject: Subject | None = None) -> str:
        """Return the English text; `subject` is the owner if the determiner is "own"."""
        words = self.noun.english_form(self.plural)
        if self.adjective:
            words = f"{self.adjective.english} {words}"
        if self.number:
            return f"{NUMBERS[self.number][0]} {words}"
        if self.determiner == "a":
            return en.with_article(words)
        if self.determiner == "own":
            return f"{subject.possessive if subject else 'my'} {words}"
        before = {"the": "the ", "this": "these " if self.plural else "this "}.get(self.determiner, "")
        return before + words

    def french(self, reading: Reading | None = None, *, negated: bool = False, after_de: bool = False) -> str:
        """Return the French text, before elision and contraction by `french.compose`.

        Args:
            reading: the owner if the determiner is "own"; None for the first person singular.
            negated: whether it is negated by "ne ... pas", which changes "un", "des" and the partitive to "de".
            after_de: whether it follows a particle that ends in "de", after which "des" and the partitive are dropped.
        """
        gender, plural = self.noun.gender, self.plural
        noun = self.noun.french_form(plural)
        words = noun
        if self.adjective:
            before = self.adjective.before
            adjective = self.adjective.agree(gender, plural, noun if before else "")
            words = f"{adjective} {noun}" if before else f"{noun} {adjective}"
        return f"{self._french_determiner(words, reading, negated, after_de)} {words}"

    def _french_determiner(self, words: str, reading: Reading | None, negated: bool, after_de: bool) -> str:
        gender, plural = self.noun.gender, self.plural
        if self.number:
            return NUMBERS[self.number][1]
        if self.determiner in ("the", "all"):
            return fr.definite(gender, plural)
        if self.determiner == "this":
            return fr.demonstrative(gender, plural, words)
        if self.determiner == "own":
            return fr.possessive(reading.person if reading else 0, gender, plural, words)
        if after_de and self.determiner == "some":
            return ""
        if negated and not after_de:
            return "de"
        if self.determiner == "a":
            return fr.indefinite(gender, plural)
        if plural:
            # "des fleurs rouges", but "de belles fleurs".
            return "de" if self.adjective and self.adjective.before else "des"
        return fr.partitive(gender)
