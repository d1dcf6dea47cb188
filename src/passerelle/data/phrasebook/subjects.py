"""Who a sentence is about: pronouns, names, kin, and any noun with its article."""

from __future__ import annotations

from dataclasses import dataclass

from . import english as en
from . import french as fr
from .nouns import NOUN, Noun

__all__ = [
    "ASKED",
    "HE",
    "KIN",
    "MEN",
    "NAMES",
    "PLAIN",
    "SHE",
    "SINGULAR",
    "THEY",
    "WE",
    "WOMEN",
    "YOU",
    "I",
    "Reading",
    "Subject",
    "the",
]

FIRST_SINGULAR, SECOND_SINGULAR, THIRD_SINGULAR, FIRST_PLURAL, SECOND_PLURAL, THIRD_PLURAL = range(6)


@dataclass(frozen=True)
class Reading:
    """One way to understand an English subject in French.

    Attributes:
        french: the French subject, before elision.
        person: 0 to 5, as in `conjugation.PERSONS`.
        gender, plural: what a participle or an adjective agrees with.
    """

    french: str
    person: int
    gender: fr.Gender
    plural: bool = False


@dataclass(frozen=True)
class Subject:
    """An English subject with every way to read it in French.

    Attributes:
        english: lower case unless it is a name or "I".
        agreement: the form of the English verb.
        possessive: "his", "my" ...: what belongs to the subject.
        readings: one per French answer; several where English does not tell number, gender or politeness.
        lemma: the subject's name or noun; empty for pronouns, which every word meets too often to hold out.
    """

    english: str
    agreement: en.Agreement
    possessive: str
    readings: tuple[Reading, ...]
    lemma: str = ""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemma in a tuple, empty for a pronoun."""
        return (self.lemma,) if self.lemma else ()


I = Subject("I", "I", "my", (Reading("je", 0, "m"), Reading("je", 0, "f")))  # noqa: E741 (the English word)
YOU = Subject(
    "you",
    "they",
    "your",
    (
        Reading("tu", 1, "m"),
        Reading("tu", 1, "f"),
        Reading("vous", 4, "m"),
        Reading("vous", 4, "f"),
        Reading("vous", 4, "m", True),
        Reading("vous", 4, "f", True),
    ),
)
HE = Subject("he", "it", "his", (Reading("il", 2, "m"),))
SHE = Subject("she", "it", "her", (Reading("elle", 2, "f"),))
WE = Subject("we", "they", "our", (Reading("nous", 3, "m", True), Reading("nous", 3, "f", True)))
THEY = Subject("they", "they", "their", (Reading("ils", 5, "m", True), Reading("elles", 5, "f", True)))

MEN = ("Paul", "Luc", "Adam", "Marc", "Oscar")
WOMEN = ("Marie", "Anne", "Alice", "Julie", "Emma")


def _named(name: str, gender: fr.Gender) -> Subject:
    return Subject(name, "it", "his" if gender == "m" else "her", (Reading(name, 2, gender),), name)


def _my(noun: Noun) -> Subject:
    determiner = fr.possessive(FIRST_SINGULAR, noun.gender, False, noun.french)
    reading = Reading(f"{determiner} {noun.french}", THIRD_SINGULAR, noun.gender)
    return Subject(f"my {noun.english}", "it", "his" if noun.gender == "m" else "her", (reading,), noun.english)


def the(noun: Noun, plural: bool = False) -> Subject:
    """The noun with its definite article, as a subject."""
    reading = Reading(
        fr.compose(fr.definite(noun.gender, plural), noun.french_form(plural)),
        THIRD_PLURAL if plural else THIRD_SINGULAR,
        noun.gender,
        plural,
    )
    possessive = "their" if plural else "his" if noun.gender == "m" else "her"
    return Subject(f"the {noun.english_form(plural)}", "they" if plural else "it", possessive, (reading,), noun.english)


NAMES = tuple(_named(man, "m") for man in MEN) + tuple(_named(woman, "f") for woman in WOMEN)
KIN = tuple(_my(NOUN[kin]) for kin in ("father", "mother", "brother", "sister"))
SINGULAR = (HE, HE, SHE, SHE, *NAMES)
"""Subjects that leave nothing open in French."""

PLAIN = (I, I, WE, WE, HE, HE, SHE, SHE, *NAMES)
"""Subjects that leave nothing open where nothing agrees with them; the pronouns are drawn twice as often."""

ASKED = (WE, HE, HE, SHE, SHE, *NAMES)
"""Those of `PLAIN` that one asks about: who would ask "do I want this car?"."""
