"""Patterns with a verb and its object: "She bought a car."; what may be held out is the verb with the object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import english as en
from . import french as fr
from .adjectives import ADJECTIVES, Adjective
from .clause import Clause, Form, Tense
from .noun_phrase import NounPhrase
from .nouns import Noun, nouns
from .phrase import Sentence, choose, say
from .subjects import PLAIN, SINGULAR, THEY, YOU, Subject
from .verbs import ACTIONS, STATES, Verb

_PLURAL_OBJECTS = ("several", "clothes", "key", "window", "door", "plate", "cup", "pet")

# How often each (verb, object) is drawn in each tense and form.
_ACTION_DRAWS: tuple[tuple[Tense, Form, int], ...] = (
    ("present", "statement", 4),
    ("past", "statement", 5),
    ("future", "statement", 4),
    ("going to", "statement", 3),
    ("want to", "statement", 3),
    ("can", "statement", 2),
    ("must", "statement", 3),
    ("present", "negative", 2),
    ("past", "negative", 3),
    ("future", "negative", 2),
    ("want to", "negative", 1),
    ("can", "negative", 1),
    ("present", "question", 2),
    ("past", "question", 2),
    ("future", "question", 1),
    ("want to", "question", 1),
    ("can", "question", 1),
)
_STATE_DRAWS: tuple[tuple[Tense, Form, int], ...] = (
    ("present", "statement", 8),
    ("present", "negative", 5),
    ("present", "question", 5),
)

# Nobody wants to buy a dirty dress: these qualities go with verbs that find them, or do something about them.
_FAULTS = {
    "dirty": ("wash", "clean", "look at", "see"),
    "broken": ("repair", "look at", "find"),
    "empty": ("fill", "look at", "close", "find"),
    "dangerous": ("see", "look at", "cross"),
    "boring": ("read", "finish", "hate", "forget"),
    "bad": ("read", "finish", "hate", "forget", "write"),
    "heavy": ("open", "sell", "buy", "take"),
    "cold": ("hate", "finish", "eat"),
}
# "to finish a long book", but not "to want one".
_NOT_WITH_ADJECTIVE = ("like", "prefer", "hate", "need", "learn", "understand", "listen to", "wait for", "build")


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
        elif determiner == "all" and (noun.mass or not noun.fits(("city",))):
            phrases.append(NounPhrase(noun, "all", plural=not noun.mass))
    return phrases


def _subjects(verb: Verb, tense: Tense, form: Form) -> Sequence[Subject]:
    # "I read a book" and "we read a book" do not show their tense: "he read a book" does.
    if verb.same_past and tense == "past" and form == "statement":
        return SINGULAR
    return PLAIN


def _clauses(verb: Verb, noun: Noun, tense: Tense, form: Form, subjects: Sequence[Subject]) -> Iterator[Clause]:
    # "Il ne veut pas acheter de voiture" and "... une voiture" are both right, and so is "pas besoin d'une".
    definite = form == "negative" and (tense in ("want to", "can", "must", "going to") or bool(verb.particle))
    for phrase in objects(verb, noun, definite=definite):
        for subject in subjects:
            yield Clause(subject, verb, phrase, tense, form)


def _drawn(verbs: tuple[Verb, ...], draws: tuple[tuple[Tense, Form, int], ...], wanted: Form) -> Iterator[Sentence]:
    for verb in verbs:
        for noun in nouns(*verb.objects):
            for tense, form, count in draws:
                if form == wanted:
                    clauses = _clauses(verb, noun, tense, form, _subjects(verb, tense, form))
                    for clause in choose(clauses, count, verb.english, noun.english, tense, form):
                        yield say(clause, verb.english, noun.english)


def action() -> Iterator[Sentence]:
    """"Paul will open the door."."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "statement")


def action_negative() -> Iterator[Sentence]:
    """"Paul did not open the door."."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "negative")


def action_question() -> Iterator[Sentence]:
    """"Is Paul opening the door?"."""
    return _drawn(ACTIONS, _ACTION_DRAWS, "question")


def state() -> Iterator[Sentence]:
    """"Paul wants an apple."."""
    return _drawn(STATES, _STATE_DRAWS, "statement")


def state_negative() -> Iterator[Sentence]:
    """"Paul does not want an apple."."""
    return _drawn(STATES, _STATE_DRAWS, "negative")


def state_question() -> Iterator[Sentence]:
    """"Does Paul want an apple?"."""
    return _drawn(STATES, _STATE_DRAWS, "question")


def action_they() -> Iterator[Sentence]:
    """"They opened the door.", with "ils" and with "elles"."""
    for verb in ACTIONS:
        if not verb.same_past:
            tenses: tuple[Tense, ...] = ("past", "future", "present", "can")
            for noun in choose(nouns(*verb.objects), 5, verb.english, "they"):
                for tense in choose(tenses, 1, verb.english, noun.english, "they"):
                    for phrase in choose(objects(verb, noun), 1, verb.english, noun.english, "they"):
                        yield say(Clause(THEY, verb, phrase, tense), verb.english, noun.english)


def question_to_you() -> Iterator[Sentence]:
    """"Do you want an apple?", with "tu" and with "vous"."""
    for verb in (*STATES, *ACTIONS):
        tenses: tuple[Tense, ...] = ("present",) if verb.stative else ("past", "want to", "can")
        for noun in choose(nouns(*verb.objects), 5, verb.english, "you"):
            for tense in choose(tenses, 1, verb.english, noun.english, "you"):
                for phrase in choose(objects(verb, noun), 1, verb.english, noun.english, "you"):
                    yield say(Clause(YOU, verb, phrase, tense, "question"), verb.english, noun.english)


def habit() -> Iterator[Sentence]:
    """"She never drinks wine.", "He often eats bread.", "He eats bread every day."."""
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
                for subject in choose(PLAIN, 5, verb.english, noun.english, form, adverb[0]):
                    clause = Clause(subject, verb, phrase, "habit", form, adverb)
                    yield say(clause, verb.english, noun.english)


def _describable(verb: Verb, adjective: Adjective) -> bool:
    if adjective.english in _FAULTS:
        return verb.english in _FAULTS[adjective.english]
    return verb.english not in _NOT_WITH_ADJECTIVE


def described_object() -> Iterator[Sentence]:
    """"She bought a red car."; what may be held out is the adjective with the noun."""
    tenses: tuple[Tense, ...] = ("present", "past", "future", "want to")
    for adjective in ADJECTIVES:
        if adjective.only_predicate:
            continue
        for noun in nouns(*adjective.fits):
            if noun.mass:
                continue
            clauses = [
                Clause(subject, verb, NounPhrase(noun, phrase.determiner, phrase.plural, adjective), tense)
                for verb in (*ACTIONS, *STATES)
                if noun.fits(verb.objects) and _describable(verb, adjective) and not verb.same_past
                for phrase in objects(verb, noun)
                for tense in (tenses if not verb.stative else tenses[:1])
                for subject in choose(PLAIN, 2, verb.english, noun.english, adjective.english, tense)
            ]
            for clause in choose(clauses, 8, adjective.english, noun.english):
                yield say(clause, adjective.english, noun.english)


def proposal() -> Iterator[Sentence]:
    """"Let's open the door!", the one imperative that leaves nothing open."""
    for verb in ACTIONS:
        for noun in nouns(*verb.objects):
            if verb.english not in ("lose", "forget", "break"):
                phrases = [phrase for phrase in objects(verb, noun) if phrase.determiner != "own"]
                for phrase in choose(phrases, 1, "let's", verb.english, noun.english):
                    source = f"Let's {verb.english} {phrase.english()}"
                    target = fr.compose(verb.conjugation.present[3], phrase.french())
                    yield Sentence(
                        en.sentence(source, "!"),
                        (fr.sentence(target, "!"),),
                        (verb.english, noun.english),
                        (verb.english, noun.english),
                    )


def order() -> Iterator[Sentence]:
    """"Open the door!" and "Do not open the door!", said to one friend or to others."""
    for verb in ACTIONS:
        if verb.english in ("lose", "forget", "find", "wear", "rent"):
            continue
        for noun in choose(nouns(*verb.objects), 4, "order", verb.english):
            phrases = [phrase for phrase in objects(verb, noun, definite=True) if phrase.determiner != "own"]
            for phrase in choose(phrases, 1, "order", verb.english, noun.english):
                familiar, polite = verb.conjugation.present[1], verb.conjugation.present[4]
                if familiar.endswith("es"):
                    familiar = familiar[:-1]  # "tu ouvres", but "ouvre"
                positive = [fr.compose(form, phrase.french()) for form in (familiar, polite)]
                negative = [fr.compose("ne", form, "pas", phrase.french()) for form in (familiar, polite)]
                for english, answers in (("", positive), ("do not ", negative)):
                    yield Sentence(
                        en.sentence(f"{english}{verb.english} {phrase.english()}", "!"),
                        tuple(fr.sentence(answer, "!") for answer in answers),
                        (verb.english, noun.english),
                        (verb.english, noun.english),
                    )
