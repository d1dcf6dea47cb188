"""Subjects of sentences: pronouns, names, kin, and nouns with the definite article."""

from __future__ import annotations

from dataclasses import dataclass

from . import english as en
from . import french as fr
from .nouns import NOUN, Noun

__all__ = [
    "COMMON_SUBJECTS",
    "HE",
    "KIN",
    "MEN",
    "NAMES",
    "QUESTION_SUBJECTS",
    "SHE",
    "SINGULAR_SUBJECTS",
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
    """One French translation of an English subject.

    Attributes:
        french: the French subject, before elision.
        person: grammatical person, an index into `conjugation.PERSONS`.
        gender, plural: gender and number with which participles and adjectives agree.
    """

    french: str
    person: int
    gender: fr.Gender
    plural: bool = False


@dataclass(frozen=True)
class Subject:
    """An English subject with all its French translations.

    Attributes:
        english: English text; lower case unless it is a name or "I".
        agreement: the agreement of the English verb.
        possessive: possessive determiner of the subject, such as "his".
        readings: its French translations; several if number, gender or politeness is ambiguous in English.
        lemma: name or noun of the subject; empty for pronouns, which are too frequent to be held out in combinations.
    """

    english: str
    agreement: en.Agreement
    possessive: str
    readings: tuple[Reading, ...]
    lemma: str = ""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemma in a tuple; empty for a pronoun."""
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
    """Return the subject that consists of a noun and its definite article."""
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
SINGULAR_SUBJECTS = (HE, HE, SHE, SHE, *NAMES)
"""Third-person subjects with exactly one French translation; pronouns are twice as frequent."""

COMMON_SUBJECTS = (I, I, WE, WE, HE, HE, SHE, SHE, *NAMES)
"""Subjects with one French translation in clauses without gender agreement; pronouns are twice as frequent."""

QUESTION_SUBJECTS = (WE, HE, HE, SHE, SHE, *NAMES)
"""Subjects of questions; without "I", because "do I want this car?" is unnatural."""
