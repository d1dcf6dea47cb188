"""Patterns about activities: languages, music and games, and verbs without object."""

from __future__ import annotations

from collections.abc import Iterator

from . import french as fr
from .clause import NO_COMPLEMENT, Clause, FixedComplement, Form, Tense, TenseForm
from .nouns import nouns
from .people import PEOPLE
from .phrase import Sentence, sample, to_sentence
from .subjects import HE, NAMES, SHE, WE, I, the
from .verbs import INTRANSITIVE, Verb

__all__ = ["intransitive", "language", "playing"]

_PRONOUNS = (HE, SHE)

_LANGUAGES = (
    ("French", "français"),
    ("English", "anglais"),
    ("Spanish", "espagnol"),
    ("Italian", "italien"),
    ("German", "allemand"),
    ("Japanese", "japonais"),
)

_GAMES = (
    ("the piano", "du piano"),
    ("the guitar", "de la guitare"),
    ("the harp", "de la harpe"),
    ("tennis", "au tennis"),
    ("football", "au football"),
    ("cards", "aux cartes"),
    ("hockey", "au hockey"),
)


def language() -> Iterator[Sentence]:
    """Yield sentences such as "Anne speaks German.", "Adam is learning Italian."."""
    speak, learn = Verb("speak", "parler", stative=True), Verb("learn", "apprendre")
    understand = Verb("understand", "comprendre", stative=True)
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for english, french in _LANGUAGES:
        article = fr.compose("le", french)
        for subject in (*NAMES, *_PRONOUNS, WE):
            options: list[tuple[Verb, Tense, Form]] = [
                *((verb, "present", form) for verb in (speak, understand) for form in forms),
                (learn, "present", "statement"),
                (learn, "want to", "statement"),
                (learn, "future", "statement"),
            ]
            for verb, tense, form in sample(options, 4, english, subject.english):
                spoken = FixedComplement(english, french if verb is speak else article, (english,))
                pair = (subject.lemma, english) if subject.lemma else ()
                yield to_sentence(Clause(subject, verb, spoken, tense, form), *pair)


def playing() -> Iterator[Sentence]:
    """Yield sentences such as "Anne plays the piano.", "Luc is playing cards."."""
    play = Verb("play", "jouer")
    options: tuple[TenseForm, ...] = (
        ("present", "statement"), ("habit", "statement"), ("habit", "negative"), ("habit", "question"),
        ("habit", "often"), ("habit", "never"), ("past", "statement"), ("want to", "statement"),
        ("can", "question"),
    )  # fmt: skip
    for english, french in _GAMES:
        complement = FixedComplement(english, french, (english.removeprefix("the "),))
        for subject in (*NAMES, *_PRONOUNS, WE):
            for tense, form in sample(options, 4, english, subject.english):
                pair = (subject.lemma, complement.lemmas[0]) if subject.lemma else ()
                yield to_sentence(Clause(subject, play, complement, tense, form), *pair)


def intransitive() -> Iterator[Sentence]:
    """Yield sentences such as "The dog is sleeping.", "He sings well.", "Why is Luc crying?"."""
    adverbs = (("a lot", "beaucoup"), ("too much", "trop"), ("every day", "tous les jours"))
    skilled = (("well", "bien"), ("badly", "mal"), ("very well", "très bien"))
    animals = tuple(the(noun) for noun in nouns("animal"))
    for verb in INTRANSITIVE:
        subjects = [*PEOPLE, *_PRONOUNS, I, WE]
        if verb.english in ("sleep", "run", "eat"):
            subjects += animals
        options: list[tuple[Tense, Form, tuple[str, str], tuple[str, str]]] = [
            ("present", "statement", ("", ""), ("", "")),
            ("present", "negative", ("", ""), ("", "")),
            ("present", "question", ("", ""), ("", "")),
            ("present", "question", ("", ""), ("why", "pourquoi")),
            ("habit", "never", ("", ""), ("", "")),
            ("habit", "often", ("", ""), ("", "")),
        ]
        if verb.english not in ("cry", "laugh"):
            options.append(("future", "statement", ("tomorrow", "demain"), ("", "")))
        fitting = adverbs + (skilled if verb.english in ("sing", "dance", "swim", "sleep", "work") else ())
        options.extend(("habit", "statement", adverb, ("", "")) for adverb in fitting)
        for subject in subjects:
            known = options
            if subject in (I, WE):
                known = [option for option in options if option[0] != "future" and option[1] != "question"]
            for tense, form, adverb, opening in sample(known, 5, verb.english, subject.english):
                clause = Clause(subject, verb, NO_COMPLEMENT, tense, form, adverb, opening=opening)
                yield to_sentence(clause, *((subject.lemma, verb.english) if subject.lemma else ()))
