"""Patterns between people: whom they know and help, and what they give to whom."""

from __future__ import annotations

from collections.abc import Iterator

from .clause import Clause, Moment, Tense, Text
from .noun_phrase import NounPhrase
from .nouns import NOUN, nouns
from .phrase import Sentence, choose, say
from .subjects import HE, NAMES, SHE, WE, I, the
from .verbs import PEOPLE_ACTIONS, PEOPLE_STATES, Verb

__all__ = ["giving", "object_pronoun", "person_object"]

_PRONOUNS = (HE, SHE)

# English object pronoun, French clitic, the subjects that it would be or belong to, and the lemma: before a vowel
# "le" and "la" are one word, so both are held out together.
_OBJECT_PRONOUNS = (
    ("me", "me", (I, WE), "me"),
    ("him", "le", (), "him or her"),
    ("her", "la", (), "him or her"),
    ("us", "nous", (I, WE), "us"),
    ("them", "les", (), "them"),
)


def object_pronoun() -> Iterator[Sentence]:
    """As in "She knows him.", "I do not see them.": the pronoun stands before the French verb."""
    draws: tuple[Moment, ...] = (
        ("present", "statement"),
        ("present", "negative"),
        ("present", "question"),
        ("future", "statement"),
    )
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for english, clitic, same, lemma in _OBJECT_PRONOUNS:
            complement = Text(english, "", (lemma,))
            for tense, form in draws:
                if not (verb.stative and tense == "future"):
                    speakers = () if tense == "future" or form == "question" else (I, I, WE, WE)
                    subjects = [s for s in (*_PRONOUNS, *NAMES, *speakers) if s not in same]
                    for subject in choose(subjects, 4, verb.english, english, tense, form):
                        clause = Clause(subject, verb, complement, tense, form, clitic=clitic)
                        yield say(clause, verb.english, lemma)


def person_object() -> Iterator[Sentence]:
    """As in "Paul is helping his sister.", "Anne knows the girl.", "He did not invite Alice."."""
    action: tuple[Moment, ...] = (
        ("present", "statement"), ("past", "statement"), ("future", "statement"), ("want to", "statement"),
        ("past", "negative"), ("past", "question"),
    )  # fmt: skip
    state: tuple[Moment, ...] = (("present", "statement"), ("present", "negative"), ("present", "question"))
    subjects = (*NAMES, HE, SHE)
    speakers = (*subjects, I, I, WE, WE)
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for tense, form in state if verb.stative else action:
            for noun in nouns(*verb.objects):
                determiner = "own" if noun.fits(("kin",)) else "the"
                key = (verb.english, noun.english, tense, form)
                anybody = speakers if tense == "present" and form != "question" else subjects
                drawn = [*choose(anybody, 2, *key), *(choose((I, WE), 1, *key) if anybody is speakers else ())]
                for subject in dict.fromkeys(drawn):
                    clause = Clause(subject, verb, NounPhrase(NOUN[noun.english], determiner), tense, form)
                    yield say(clause, verb.english, noun.english)
            for other in NAMES:
                complement = Text(other.english, other.english, other.lemmas)
                others = [subject for subject in subjects if subject is not other]
                for subject in choose(others, 1, verb.english, other.english, tense, form):
                    yield say(Clause(subject, verb, complement, tense, form), verb.english, other.english)


def giving() -> Iterator[Sentence]:
    """As in "Paul is giving a book to the girl.", "She showed the letter to Anne."."""
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
            for receiver in choose(receivers, 10, verb.english, noun.english):
                givers = [s for s in (*NAMES, HE, SHE, I, WE) if s is not receiver]
                for subject in choose(givers, 1, verb.english, noun.english, receiver.english):
                    known = tenses if subject not in (I, WE) else ("past", "want to")
                    key = (verb.english, noun.english, receiver.english, subject.english)
                    phrase = NounPhrase(noun, choose(determiners, 1, *key)[0])
                    adverb = (f"to {receiver.english}", "à " + receiver.readings[0].french)
                    clause = Clause(subject, verb, phrase, choose(known, 1, "tense", *key)[0], adverb=adverb)
                    lemmas = (*clause.lemmas, receiver.lemma)
                    yield Sentence(clause.source, clause.targets, lemmas, (verb.english, noun.english))
