"""Patterns about people: qualities, states, comparisons and jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import english as en
from . import french as fr
from .adjectives import ADJECTIVES, Adjective
from .clause import Clause, FixedComplement, Form, TenseForm
from .nouns import nouns
from .phrase import Sentence, sample
from .subjects import HE, KIN, NAMES, SHE, THEY, WE, YOU, I, Reading, Subject, the
from .verbs import BE, Verb

__all__ = ["PEOPLE", "Quality", "ambiguous_subject", "comparison", "job", "person_is_adjective", "state_with_avoir"]

PEOPLE: tuple[Subject, ...] = (*NAMES, *KIN, *(the(noun) for noun in nouns("person")))
_PRONOUNS = (HE, SHE)
_PERSONAL = tuple(adjective for adjective in ADJECTIVES if "kin" in adjective.fits)
_COMPARATIVES = {
    "tall": "taller", "young": "younger", "strong": "stronger", "kind": "kinder", "happy": "happier",
    "intelligent": "more intelligent", "tired": "more tired", "sad": "sadder",
}  # fmt: skip

# States that French expresses with "avoir", without agreement.
_AVOIR_STATES = (
    ("hungry", "faim"),
    ("thirsty", "soif"),
    ("sleepy", "sommeil"),
    ("afraid", "peur"),
    ("cold", "froid"),
    ("hot", "chaud"),
    ("right", "raison"),
    ("wrong", "tort"),
)

_JOBS = (
    ("baker", "boulanger", "boulangère"), ("nurse", "infirmier", "infirmière"), ("actor", "acteur", ""),
    ("lawyer", "avocat", "avocate"), ("singer", "chanteur", "chanteuse"), ("actress", "", "actrice"),
    ("student", "étudiant", "étudiante"), ("journalist", "journaliste", "journaliste"),
    ("doctor", "médecin", "médecin"), ("butcher", "boucher", "bouchère"), ("dancer", "danseur", "danseuse"),
    ("gardener", "jardinier", "jardinière"), ("hairdresser", "coiffeur", "coiffeuse"),
)  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """An adjective as the complement of "be", which agrees with the subject."""

    adjective: Adjective
    very: bool = False

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemma of the adjective."""
        return (self.adjective.english,)

    def english(self, subject: Subject | None = None) -> str:
        """Return the English adjective, with "very" if requested."""
        return ("very " if self.very else "") + self.adjective.english

    def french(self, reading: Reading | None = None, *, negated: bool = False, after_de: bool = False) -> str:
        """Return the French adjective, in agreement with `reading`."""
        gender, plural = (reading.gender, reading.plural) if reading else ("m", False)
        return ("très " if self.very else "") + self.adjective.agree(gender, plural)


def person_is_adjective() -> Iterator[Sentence]:
    """Yield sentences such as "Marc is tired.", "My brother is not very tall.", "Is she happy?"."""
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for adjective in _PERSONAL:
        for subject in (*PEOPLE, *_PRONOUNS):
            options: list[tuple[Form, bool]] = [(form, very) for form in forms for very in (False, True)]
            if adjective.english == "sick":
                options = [option for option in options if not option[1]]
            count = 4 if subject.lemma else 6
            for form, very in sample(options, count, adjective.english, subject.english):
                clause = Clause(subject, BE, Quality(adjective, very), "present", form)
                pair = (subject.lemma, adjective.english) if subject.lemma else ()
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, adjective.english), pair)


def ambiguous_subject() -> Iterator[Sentence]:
    """Yield sentences such as "You are tired.", with all combinations of gender, number and politeness."""
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for adjective in _PERSONAL:
        for subject, count in ((I, 2), (WE, 2), (YOU, 2), (THEY, 1)):
            for form in sample(forms, count, adjective.english, subject.english):
                clause = Clause(subject, BE, Quality(adjective), "present", form)
                yield Sentence(clause.source, clause.targets, (adjective.english,))


def comparison() -> Iterator[Sentence]:
    """Yield sentences such as "Adam is taller than Marie.", "My sister is as tall as Anne."."""
    for english, comparative in _COMPARATIVES.items():
        adjective = next(a for a in _PERSONAL if a.english == english)
        for subject in (*NAMES, *KIN, *_PRONOUNS):
            reading = subject.readings[0]
            quality = adjective.agree(reading.gender, plural=False)
            others = [
                (other.english, other.readings[0].french, other.lemmas)
                for other in (*NAMES, *KIN)
                if other is not subject
            ]
            others.append(("me", "moi", ()))
            for other_en, other_fr, other_lemmas in sample(others, 3, english, subject.english):
                frames = ((f"is {comparative} than", "plus"), (f"is as {english} as", "aussi"))
                for frame, degree in sample(frames, 1, english, subject.english, other_en):
                    source = en.sentence(f"{subject.english} {frame} {other_en}")
                    target = fr.sentence(fr.compose(reading.french, "est", degree, quality, "que", other_fr))
                    pair = (subject.lemma, english) if subject.lemma else ()
                    yield Sentence(source, (target,), (*subject.lemmas, english, *other_lemmas), pair)


def state_with_avoir() -> Iterator[Sentence]:
    """Yield sentences such as "I am hungry.", "She will be cold.", "Is he right?"."""
    verb = Verb("be", "avoir", stative=True)
    options: tuple[TenseForm, ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("present", "often"),
        ("future", "statement"), ("present", "never"),
    )  # fmt: skip
    for english, french in _AVOIR_STATES:
        complement = FixedComplement(english, french, (english,))
        for subject in (*PEOPLE, *_PRONOUNS, I, WE, YOU, THEY):
            known = [option for option in options if subject not in (I, WE) or option[0] == "present"]
            if subject is I:
                known = [option for option in known if option[1] != "question"]
            for tense, form in sample(known, 3 if subject.lemma else 5, english, subject.english):
                clause = Clause(subject, verb, complement, tense, form)
                pair = (subject.lemma, english) if subject.lemma else ()
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)


def job() -> Iterator[Sentence]:
    """Yield sentences such as "Marie is a baker.", "My brother wants to be a doctor."; French has no article."""
    options: tuple[TenseForm, ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("future", "statement"),
        ("want to", "statement"),
    )  # fmt: skip
    for english, masculine, feminine in _JOBS:
        for subject in (*NAMES, *KIN, *_PRONOUNS):
            french = masculine if subject.readings[0].gender == "m" else feminine
            if french:
                complement = FixedComplement(en.with_article(english), french, (english,))
                for tense, form in sample(options, 3 if subject.lemma else 5, english, subject.english):
                    clause = Clause(subject, BE, complement, tense, form)
                    pair = (subject.lemma, english) if subject.lemma else ()
                    yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)
