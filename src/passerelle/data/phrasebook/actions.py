"""Patterns with a verb and its object: "She bought a car."; the verb with the object may be held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from .adjectives import ADJECTIVES, Adjective
from .clause import Clause, Form, Tense
from .noun_phrase import NounPhrase
from .nouns import Noun, nouns
from .phrase import Sentence, choose, say
from .subjects import ASKED, PLAIN, SINGULAR, THEY, WE, YOU, I, Subject
from .verbs import ACTIONS, STATES, Verb

__all__ = [
    "Draw",
    "action",
    "action_negative",
    "action_question",
    "action_they",
    "described_object",
    "fitting",
    "habit",
    "is_natural",
    "objects",
    "question_to_you",
    "state",
    "state_negative",
    "state_question",
]

_PLURAL_OBJECTS = (
    "fruit",
    "tomato",
    "carrot",
    "flower",
    "tulip",
    "letter",
    "clothes",
    "key",
    "window",
    "door",
    "cup",
    "plate",
    "pet",
    "farm",
)

Draw = tuple[Tense, Form, int, Sequence[Subject]]

# In which tenses and forms a (verb, object) may be drawn, how often, and with whom. "I" and "we" have draws of their
# own where French verbs change with them; "we" has no future, to spare learners "nous nettoierons".
_ACTION_DRAWS: tuple[Draw, ...] = (
    ("present", "statement", 2, (I, WE)),
    ("present", "statement", 2, SINGULAR),
    ("past", "statement", 1, (I, WE)),
    ("past", "statement", 2, SINGULAR),
    ("future", "statement", 2, (I,)),
    ("future", "statement", 1, SINGULAR),
    ("going to", "statement", 1, PLAIN),
    ("want to", "statement", 1, PLAIN),
    ("can", "statement", 1, PLAIN),
    ("must", "statement", 1, PLAIN),
    ("present", "negative", 1, SINGULAR),
    ("past", "negative", 1, PLAIN),
    ("past", "question", 1, ASKED),
)
_STATE_DRAWS: tuple[Draw, ...] = (
    ("present", "statement", 4, PLAIN),
    ("present", "negative", 2, PLAIN),
    ("present", "question", 1, ASKED),
)

_DRAWS = 8
"""How many of the rows above each (verb, object) has, or all if there are fewer."""

# Nobody wants to buy a dirty dress, and "le bon hôtel" is the right one: these go with some verbs only.
_ONLY_WITH = {
    "dirty": ("wash", "see"),
    "empty": ("close", "find", "see", "fill", "break", "bring"),
    "good": ("choose", "find", "write", "finish", "buy", "want", "make"),
    "bad": ("choose", "find", "write", "finish", "make", "order"),
    "ripe": ("choose", "buy", "see", "bring", "cut"),
    "cold": ("see", "finish", "clean"),
}
# One says whether one likes old books, but not "this old book", out of the blue.
_NOT_WITH_ADJECTIVE = ("like", "prefer", "need", "hate")


def objects(verb: Verb, noun: Noun, *, definite: bool = False) -> list[NounPhrase]:
    """The noun phrases that `verb` takes with `noun`.

    Args:
        definite: leave out "a" and "some", which a negation would turn into "de".
    """
    phrases: list[NounPhrase] = []
    for determiner in verb.determiners:
        if determiner == "a" and not noun.mass and not definite:
            phrases.append(NounPhrase(noun, "a"))
        elif determiner == "some" and not definite and (noun.mass or noun.fits(("several",))):
            phrases.append(NounPhrase(noun, "some", plural=not noun.mass))
        elif determiner == "the":
            phrases.append(NounPhrase(noun, "the"))
            if noun.fits(_PLURAL_OBJECTS):
                phrases.append(NounPhrase(noun, "the", plural=True))
        elif determiner == "this":
            phrases.append(NounPhrase(noun, "this"))
        elif determiner == "own" and not noun.fits(("public",)):
            phrases.append(NounPhrase(noun, "own"))
        elif determiner == "all":
            phrases.append(NounPhrase(noun, "all", plural=not noun.mass))
    return phrases


def fitting(subjects: Sequence[Subject], verb: Verb, noun: Noun, tense: Tense, form: Form) -> Sequence[Subject]:
    """Those of `subjects` with whom French has one answer and the sentence makes sense."""
    # "I read a book" and "we read a book" do not show their tense: "he read a book" does.
    if verb.same_past and tense == "past" and form == "statement":
        subjects = [subject for subject in subjects if subject.agreement == "it"]
    if noun.english in ("dress", "skirt"):
        return [subject for subject in subjects if subject.readings[-1].gender == "f"]
    return subjects


def is_natural(verb: Verb, tense: Tense, form: Form) -> bool:
    """Whether one says such a thing: neither "he wants to lose his key" nor "he does not prefer tea"."""
    if verb.sudden:
        return tense in ("past", "future")
    if verb.english == "look for":
        return tense != "going to"  # "aller chercher" is to fetch
    return form == "statement" or verb.english != "prefer"


def _drawn(verbs: tuple[Verb, ...], draws: tuple[Draw, ...], wanted: Form) -> Iterator[Sentence]:
    for verb in verbs:
        natural = [draw for draw in draws if is_natural(verb, draw[0], draw[1])]
        for noun in nouns(*verb.objects):
            for tense, form, count, who in choose(natural, _DRAWS, "draws", verb.english, noun.english):
                if form != wanted:
                    continue
                # "Il ne veut pas acheter de" or "une voiture": both are right. "the" leaves no choice.
                definite = form == "negative" and (tense in ("want to", "can") or bool(verb.particle))
                options = product(objects(verb, noun, definite=definite), fitting(who, verb, noun, tense, form))
                for phrase, subject in choose(options, count, verb.english, noun.english, tense, form, who[0].english):
                    yield say(Clause(subject, verb, phrase, tense, form), verb.english, noun.english)


def action() -> Iterator[Sentence]:
    """As in "Paul will open the door."."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "statement")


def action_negative() -> Iterator[Sentence]:
    """As in "Paul did not open the door."."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "negative")


def action_question() -> Iterator[Sentence]:
    """As in "Is Paul opening the door?"."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "question")


def state() -> Iterator[Sentence]:
    """As in "Paul wants an apple."."""
    return _drawn(STATES, _STATE_DRAWS, "statement")


def state_negative() -> Iterator[Sentence]:
    """As in "Paul does not want an apple."."""
    return _drawn(STATES, _STATE_DRAWS, "negative")


def state_question() -> Iterator[Sentence]:
    """As in "Does Paul want an apple?"."""
    return _drawn(STATES, _STATE_DRAWS, "question")


def action_they() -> Iterator[Sentence]:
    """As in "They opened the door.", with "ils" and with "elles"."""
    for verb in ACTIONS:
        if not verb.same_past:
            tenses: tuple[Tense, ...] = ("past",) if verb.sudden else ("past", "past", "can", "going to", "want to")
            for noun in choose(nouns(*verb.objects), 5, verb.english, "they"):
                for tense in choose(tenses, 1, verb.english, noun.english, "they"):
                    for phrase in choose(objects(verb, noun), 1, verb.english, noun.english, "they"):
                        yield say(Clause(THEY, verb, phrase, tense), verb.english, noun.english)


def question_to_you() -> Iterator[Sentence]:
    """As in "Do you want an apple?", with "tu" and with "vous"."""
    for verb in (*STATES, *ACTIONS):
        tenses: tuple[Tense, ...] = ("past",) if verb.sudden else ("past", "want to", "can")
        if verb.stative:
            tenses = ("present",)
        for noun in choose(nouns(*verb.objects), 10 if verb.stative else 4, verb.english, "you"):
            for tense in choose(tenses, 1, verb.english, noun.english, "you"):
                for phrase in choose(objects(verb, noun), 1, verb.english, noun.english, "you"):
                    yield say(Clause(YOU, verb, phrase, tense, "question"), verb.english, noun.english)


def habit() -> Iterator[Sentence]:
    """As in "She never drinks wine.", "He often eats bread.", "He eats bread every day."."""
    forms: tuple[tuple[Form, tuple[str, str]], ...] = (
        ("never", ("", "")),
        ("often", ("", "")),
        ("statement", ("every day", "tous les jours")),
        ("statement", ("in the morning", "le matin")),
        ("statement", ("in the evening", "le soir")),
    )
    for verb in ACTIONS[:2]:
        for noun in nouns(*verb.objects):
            for form, adverb in forms:
                phrase = NounPhrase(noun, "some", plural=not noun.mass)
                for subject in choose(PLAIN, 4, verb.english, noun.english, form, adverb[0]):
                    clause = Clause(subject, verb, phrase, "habit", form, adverb)
                    yield say(clause, verb.english, noun.english)


def _describable(verb: Verb, adjective: Adjective) -> bool:
    if adjective.english in _ONLY_WITH:
        return verb.english in _ONLY_WITH[adjective.english]
    return verb.english not in _NOT_WITH_ADJECTIVE


def described_object() -> Iterator[Sentence]:
    """As in "She bought a red car."; what may be held out is the adjective with the noun."""
    tenses: tuple[Tense, ...] = ("present", "past", "future")
    for adjective in ADJECTIVES:
        if adjective.only_predicate:
            continue
        for noun in nouns(*adjective.fits):
            if noun.mass:
                continue
            options: list[tuple[Verb, NounPhrase, Tense]] = [
                (verb, phrase, tense)
                for verb in (*ACTIONS, *STATES)
                if noun.fits(verb.objects) and _describable(verb, adjective) and not verb.same_past
                for phrase in objects(verb, noun)
                for tense in (tenses if not verb.stative else tenses[:1])
                if is_natural(verb, tense, "statement")
            ]
            for verb, bare, tense in choose(options, 3, adjective.english, noun.english):
                phrase = NounPhrase(noun, bare.determiner, bare.plural, adjective)
                subjects = fitting(SINGULAR if tense == "future" else PLAIN, verb, noun, tense, "statement")
                for subject in choose(subjects, 1, verb.english, noun.english, adjective.english, tense):
                    yield say(Clause(subject, verb, phrase, tense), adjective.english, noun.english)
