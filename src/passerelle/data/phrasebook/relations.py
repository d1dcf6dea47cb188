"""Patterns about relations between people: object pronouns, persons as objects, and giving."""

from __future__ import annotations

from collections.abc import Iterator

from .clause import Clause, FixedComplement, Tense, TenseForm
from .noun_phrase import NounPhrase
from .nouns import NOUN, nouns
from .phrase import Sentence, sample, to_sentence
from .subjects import HE, NAMES, SHE, WE, I, the
from .verbs import PEOPLE_ACTIONS, PEOPLE_STATES, Verb

__all__ = ["giving", "object_pronoun", "person_object"]

_PRONOUNS = (HE, SHE)

# English object pronoun, French clitic, subjects that exclude it (they would require a reflexive), and lemma. "him" and
# "her" share a lemma, because "le" and "la" are both "l'" before a vowel.
_OBJECT_PRONOUNS = (
    ("me", "me", (I, WE), "me"),
    ("him", "le", (), "him or her"),
    ("her", "la", (), "him or her"),
    ("us", "nous", (I, WE), "us"),
    ("them", "les", (), "them"),
)


def object_pronoun() -> Iterator[Sentence]:
    """Yield sentences such as "I know him.", "Luc does not see them."; the French pronoun precedes the verb."""
    tense_forms: tuple[TenseForm, ...] = (
        ("present", "statement"),
        ("present", "negative"),
        ("present", "question"),
        ("future", "statement"),
    )
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for english, clitic, excluded, lemma in _OBJECT_PRONOUNS:
            complement = FixedComplement(english, "", (lemma,))
            for tense, form in tense_forms:
                if not (verb.stative and tense == "future"):
                    speakers = () if tense == "future" or form == "question" else (I, I, WE, WE)
                    subjects = [s for s in (*_PRONOUNS, *NAMES, *speakers) if s not in excluded]
                    for subject in sample(subjects, 4, verb.english, english, tense, form):
                        clause = Clause(subject, verb, complement, tense, form, clitic=clitic)
                        yield to_sentence(clause, verb.english, lemma)


def person_object() -> Iterator[Sentence]:
    """Yield sentences such as "Paul is helping his sister.", "Marie knows the girl.", "He did not watch Alice."."""
    action: tuple[TenseForm, ...] = (
        ("present", "statement"), ("past", "statement"), ("future", "statement"), ("want to", "statement"),
        ("past", "negative"), ("past", "question"),
    )  # fmt: skip
    state: tuple[TenseForm, ...] = (("present", "statement"), ("present", "negative"), ("present", "question"))
    subjects = (*NAMES, HE, SHE)
    speakers = (*subjects, I, I, WE, WE)
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for tense, form in state if verb.stative else action:
            for noun in nouns(*verb.objects):
                determiner = "own" if noun.fits(("kin",)) else "the"
                key = (verb.english, noun.english, tense, form)
                anybody = speakers if tense == "present" and form != "question" else subjects
                sampled = [*sample(anybody, 2, *key), *(sample((I, WE), 1, *key) if anybody is speakers else ())]
                for subject in dict.fromkeys(sampled):
                    clause = Clause(subject, verb, NounPhrase(NOUN[noun.english], determiner), tense, form)
                    yield to_sentence(clause, verb.english, noun.english)
            for other in NAMES:
                complement = FixedComplement(other.english, other.english, other.lemmas)
                others = [subject for subject in subjects if subject is not other]
                for subject in sample(others, 1, verb.english, other.english, tense, form):
                    yield to_sentence(Clause(subject, verb, complement, tense, form), verb.english, other.english)


def giving() -> Iterator[Sentence]:
    """Yield sentences such as "Luc is giving a flower to the girl.", "She will show the letter to Anne."."""
    verbs = (
        Verb("give", "donner", "gave"),
        Verb("show", "montrer"),
        Verb("lend", "prêter", "lent"),
    )
    things = {
        "give": ("several", "pen", "hat", "dog", "cat", "key", "bag"),
        "show": ("letter", "car", "house", "dress", "book", "pet", "bike", "flower"),
        "lend": ("vehicle", "pen", "umbrella", "book", "phone"),
    }
    receivers = [*NAMES, *(the(noun) for noun in nouns("boy", "girl"))]
    tenses: tuple[Tense, ...] = ("present", "past", "future", "want to")
    for verb in verbs:
        for noun in nouns(*things[verb.english]):
            determiners = ("the", "own") if verb.english == "show" else ("a", "own", "the")
            for receiver in sample(receivers, 10, verb.english, noun.english):
                givers = [s for s in (*NAMES, HE, SHE, I, WE) if s is not receiver]
                for subject in sample(givers, 1, verb.english, noun.english, receiver.english):
                    known = tenses if subject not in (I, WE) else ("past", "want to")
                    key = (verb.english, noun.english, receiver.english, subject.english)
                    phrase = NounPhrase(noun, sample(determiners, 1, *key)[0])
                    adverb = (f"to {receiver.english}", "à " + receiver.readings[0].french)
                    clause = Clause(subject, verb, phrase, sample(known, 1, "tense", *key)[0], adverb=adverb)
                    lemmas = (*clause.lemmas, receiver.lemma)
                    yield Sentence(clause.source, clause.targets, lemmas, (verb.english, noun.english))
