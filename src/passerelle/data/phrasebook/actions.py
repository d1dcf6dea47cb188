"""Patterns with a verb and an object: "She bought a car."; the combination of the two may be held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from .adjectives import ADJECTIVES, Adjective
from .clause import Clause, Form, Tense
from .noun_phrase import NounPhrase
from .nouns import Noun, nouns
from .phrase import Sentence, sample, to_sentence
from .subjects import COMMON_SUBJECTS, QUESTION_SUBJECTS, SINGULAR_SUBJECTS, THEY, WE, YOU, I, Subject
from .verbs import ACTIONS, STATES, Verb

__all__ = [
    "SampleSpec",
    "action",
    "action_negative",
    "action_question",
    "action_they",
    "described_object",
    "habit",
    "is_natural",
    "objects",
    "question_to_you",
    "state",
    "state_negative",
    "state_question",
    "suitable_subjects",
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

SampleSpec = tuple[Tense, Form, int, Sequence[Subject]]
"""Sentences to sample for a (verb, object): tense, form, number of sentences, and the subjects to sample from."""

# "I" and "we" have separate entries where their French verb forms differ from the third person. "we" has no future, so
# that difficult forms such as "nous nettoierons" do not occur.
_ACTION_SAMPLES: tuple[SampleSpec, ...] = (
    ("present", "statement", 2, (I, WE)),
    ("present", "statement", 2, SINGULAR_SUBJECTS),
    ("past", "statement", 1, (I, WE)),
    ("past", "statement", 2, SINGULAR_SUBJECTS),
    ("future", "statement", 2, (I,)),
    ("future", "statement", 1, SINGULAR_SUBJECTS),
    ("going to", "statement", 1, COMMON_SUBJECTS),
    ("want to", "statement", 1, COMMON_SUBJECTS),
    ("can", "statement", 1, COMMON_SUBJECTS),
    ("must", "statement", 1, COMMON_SUBJECTS),
    ("present", "negative", 1, SINGULAR_SUBJECTS),
    ("past", "negative", 1, COMMON_SUBJECTS),
    ("past", "question", 1, QUESTION_SUBJECTS),
)
_STATE_SAMPLES: tuple[SampleSpec, ...] = (
    ("present", "statement", 4, COMMON_SUBJECTS),
    ("present", "negative", 2, COMMON_SUBJECTS),
    ("present", "question", 1, QUESTION_SUBJECTS),
)

_SPECS_PER_OBJECT = 8
"""Number of the entries above that are used for each (verb, object), or all if there are fewer."""

# Adjectives that are natural only with some verbs: nobody buys a dirty dress, and "le bon hôtel" means the right one.
_ONLY_WITH = {
    "dirty": ("wash", "see"),
    "empty": ("close", "find", "see", "fill", "break", "bring"),
    "good": ("choose", "find", "write", "finish", "buy", "want", "make"),
    "bad": ("choose", "find", "write", "finish", "make", "order"),
    "ripe": ("choose", "buy", "see", "bring", "cut"),
    "cold": ("see", "finish", "clean"),
}
# Verbs whose objects have no adjective: "I like this old book" is unnatural without context.
_NOT_WITH_ADJECTIVE = ("like", "prefer", "need", "hate")


def objects(verb: Verb, noun: Noun, *, definite: bool = False) -> list[NounPhrase]:
    """Return the noun phrases with `noun` that can be the object of `verb`.

    Args:
        definite: leave out "a" and "some", which become "de" in French negations.
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


def suitable_subjects(
    subjects: Sequence[Subject], verb: Verb, noun: Noun, tense: Tense, form: Form
) -> Sequence[Subject]:
    """Return those of `subjects` with which the sentence has one French translation and makes sense."""
    # The tense of "I read a book" is ambiguous; that of "he read a book" is not.
    if verb.same_past and tense == "past" and form == "statement":
        subjects = [subject for subject in subjects if subject.agreement == "it"]
    if noun.english in ("dress", "skirt"):
        return [subject for subject in subjects if subject.readings[-1].gender == "f"]
    return subjects


def is_natural(verb: Verb, tense: Tense, form: Form) -> bool:
    """Whether the sentence is natural, unlike "he wants to lose his key" or "he does not prefer tea"."""
    if verb.sudden:
        return tense in ("past", "future")
    if verb.english == "look for":
        return tense != "going to"  # "aller chercher" means "to fetch"
    return form == "statement" or verb.english != "prefer"


def _sampled(verbs: tuple[Verb, ...], specs: tuple[SampleSpec, ...], requested_form: Form) -> Iterator[Sentence]:
    for verb in verbs:
        natural = [spec for spec in specs if is_natural(verb, spec[0], spec[1])]
        for noun in nouns(*verb.objects):
            # The key "draws" seeds the sample: another word would change the corpus.
            for tense, form, count, subjects in sample(natural, _SPECS_PER_OBJECT, "draws", verb.english, noun.english):
                if form != requested_form:
                    continue
                # "Il ne veut pas acheter de voiture" and "... une voiture" are both correct; "la" is unambiguous.
                definite = form == "negative" and (tense in ("want to", "can") or bool(verb.particle))
                options = product(
                    objects(verb, noun, definite=definite), suitable_subjects(subjects, verb, noun, tense, form)
                )
                for phrase, subject in sample(
                    options, count, verb.english, noun.english, tense, form, subjects[0].english
                ):
                    yield to_sentence(Clause(subject, verb, phrase, tense, form), verb.english, noun.english)


def action() -> Iterator[Sentence]:
    """Yield sentences such as "Adam will open his door."."""
    return _sampled(ACTIONS, _ACTION_SAMPLES, "statement")


def action_negative() -> Iterator[Sentence]:
    """Yield sentences such as "Alice did not close the door."."""
    return _sampled(ACTIONS, _ACTION_SAMPLES, "negative")


def action_question() -> Iterator[Sentence]:
    """Yield sentences such as "Did Paul find the dog?"."""
    return _sampled(ACTIONS, _ACTION_SAMPLES, "question")


def state() -> Iterator[Sentence]:
    """Yield sentences such as "Paul wants a hat."."""
    return _sampled(STATES, _STATE_SAMPLES, "statement")


def state_negative() -> Iterator[Sentence]:
    """Yield sentences such as "Adam does not want an apple."."""
    return _sampled(STATES, _STATE_SAMPLES, "negative")


def state_question() -> Iterator[Sentence]:
    """Yield sentences such as "Does Emma want a cake?"."""
    return _sampled(STATES, _STATE_SAMPLES, "question")


def action_they() -> Iterator[Sentence]:
    """Yield sentences such as "They painted the door.", with "ils" and with "elles"."""
    for verb in ACTIONS:
        if not verb.same_past:
            tenses: tuple[Tense, ...] = ("past",) if verb.sudden else ("past", "past", "can", "going to", "want to")
            for noun in sample(nouns(*verb.objects), 5, verb.english, "they"):
                for tense in sample(tenses, 1, verb.english, noun.english, "they"):
                    for phrase in sample(objects(verb, noun), 1, verb.english, noun.english, "they"):
                        yield to_sentence(Clause(THEY, verb, phrase, tense), verb.english, noun.english)


def question_to_you() -> Iterator[Sentence]:
    """Yield sentences such as "Do you want a table?", with "tu" and with "vous"."""
    for verb in (*STATES, *ACTIONS):
        tenses: tuple[Tense, ...] = ("past",) if verb.sudden else ("past", "want to", "can")
        if verb.stative:
            tenses = ("present",)
        for noun in sample(nouns(*verb.objects), 10 if verb.stative else 4, verb.english, "you"):
            for tense in sample(tenses, 1, verb.english, noun.english, "you"):
                for phrase in sample(objects(verb, noun), 1, verb.english, noun.english, "you"):
                    yield to_sentence(Clause(YOU, verb, phrase, tense, "question"), verb.english, noun.english)


def habit() -> Iterator[Sentence]:
    """Yield sentences such as "She never drinks tea.", "He often eats bread.", "I eat bread every day."."""
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
                for subject in sample(COMMON_SUBJECTS, 4, verb.english, noun.english, form, adverb[0]):
                    clause = Clause(subject, verb, phrase, "habit", form, adverb)
                    yield to_sentence(clause, verb.english, noun.english)


def _describable(verb: Verb, adjective: Adjective) -> bool:
    if adjective.english in _ONLY_WITH:
        return verb.english in _ONLY_WITH[adjective.english]
    return verb.english not in _NOT_WITH_ADJECTIVE


def described_object() -> Iterator[Sentence]:
    """Yield sentences such as "She bought a new truck."; the combination of adjective and noun may be held out."""
    tenses: tuple[Tense, ...] = ("present", "past", "future")
    for adjective in ADJECTIVES:
        if adjective.predicative_only:
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
            for verb, bare, tense in sample(options, 3, adjective.english, noun.english):
                phrase = NounPhrase(noun, bare.determiner, bare.plural, adjective)
                subjects = suitable_subjects(
                    SINGULAR_SUBJECTS if tense == "future" else COMMON_SUBJECTS, verb, noun, tense, "statement"
                )
                for subject in sample(subjects, 1, verb.english, noun.english, adjective.english, tense):
                    yield to_sentence(Clause(subject, verb, phrase, tense), adjective.english, noun.english)
