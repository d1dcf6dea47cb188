"""Patterns that describe things: "These cars are red."; the combination of adjective and noun may be held out."""

from __future__ import annotations

from collections.abc import Iterator

from . import english as en
from . import french as fr
from .adjectives import ADJECTIVES, Adjective
from .noun_phrase import NUMBERS, Determiner, NounPhrase
from .nouns import Noun, nouns
from .phrase import Sentence, sample
from .subjects import HE, NAMES, SHE, WE, I, Subject

__all__ = ["SINGULAR_ONLY", "belonging", "counted", "exclamation", "noun_is_adjective", "price", "this_is"]

SINGULAR_ONLY = ("glass",)
"""Nouns whose plural is ambiguous: "glasses" can also be "lunettes"."""

_EXCESSIVE = frozenset({"big", "small", "old", "expensive", "dirty", "hot", "cold", "heavy"})
_GRADED = _EXCESSIVE | {"beautiful", "good", "interesting", "fresh", "comfortable", "modern", "strange"}
_OWNERS: tuple[Subject, ...] = (I, WE, HE, SHE)


def _pairs(*, predicate: bool) -> Iterator[tuple[Adjective, Noun]]:
    for adjective in ADJECTIVES:
        if adjective.attributive_only if predicate else adjective.predicative_only:
            continue
        for noun in nouns(*adjective.fits):
            if (predicate or not noun.mass) and not noun.fits(("person", "kin")):
                yield adjective, noun


def _is(adjective: Adjective, noun: Noun, determiner: Determiner, plural: bool, owner: Subject, form: str) -> Sentence:
    """Return a sentence such as "The car is (not, very) red." or "Is the car red?"."""
    phrase = NounPhrase(noun, determiner, plural)
    subject_en, subject_fr = phrase.english(owner), phrase.french(owner.readings[0])
    be, être = ("are", "sont") if plural else ("is", "est")
    quality = adjective.agree(noun.gender, plural)
    translation = {
        "negative": fr.compose(subject_fr, "ne", être, "pas", quality),
        "very": fr.compose(subject_fr, être, "très", quality),
        "too": fr.compose(subject_fr, être, "trop", quality),
        "question": fr.compose("est-ce que", subject_fr, être, quality),
    }.get(form) or fr.compose(subject_fr, être, quality)
    word = {"negative": "not ", "very": "very ", "too": "too "}.get(form, "")
    if form == "question":
        source, mark = f"{be} {subject_en} {adjective.english}", "?"
    else:
        source, mark = f"{subject_en} {be} {word}{adjective.english}", "."
    pair = (adjective.english, noun.english)
    return Sentence(en.sentence(source, mark), (fr.sentence(translation, mark),), pair, pair)


def noun_is_adjective() -> Iterator[Sentence]:
    """Yield sentences such as "The chair is grey.", "The cars are too old.", "Is her car French?"."""
    for adjective, noun in _pairs(predicate=True):
        subjects: list[tuple[Determiner, bool, Subject]] = [
            ("the", False, I),
            ("the", False, I),
            ("this", False, I),
        ]
        if not noun.mass and not noun.fits(SINGULAR_ONLY):
            subjects.extend([("the", True, I), ("this", True, I)])
        if not noun.fits(("public",)):
            subjects.extend(("own", False, owner) for owner in _OWNERS)
        forms = ["statement"] * 3 + ["negative"] * 2 + ["question"]
        if adjective.english in _GRADED:
            forms.append("very")
        if adjective.english in _EXCESSIVE:
            forms.append("too")
        options = [(*subject, form) for subject in dict.fromkeys(subjects) for form in dict.fromkeys(forms)]
        for option in sample(options, 4, adjective.english, noun.english):
            yield _is(adjective, noun, *option)


def this_is() -> Iterator[Sentence]:
    """Yield sentences such as "This is a red chair.", "These are not red cars."."""
    for adjective, noun in _pairs(predicate=False):
        numbers = (False,) if noun.fits(SINGULAR_ONLY) else (False, True)
        options = [(plural, negative) for plural in numbers for negative in (False, True)]
        for plural, negative in sample(options, 1, "this is", adjective.english, noun.english):
            phrase = NounPhrase(noun, "some" if plural else "a", plural, adjective)
            # After "ce n'est pas" the article does not become "de".
            être = {
                (False, False): "c'est",
                (False, True): "ce n'est pas",
                (True, False): "ce sont",
                (True, True): "ce ne sont pas",
            }[plural, negative]
            source = f"{'these are' if plural else 'this is'}{' not' if negative else ''} {phrase.english()}"
            target = fr.sentence(fr.compose(être, phrase.french()))
            yield Sentence(en.sentence(source), (target,), phrase.lemmas, phrase.lemmas)


def exclamation() -> Iterator[Sentence]:
    """Yield sentences such as "What a beautiful hotel!", "What small goats!"."""
    for adjective, noun in _pairs(predicate=False):
        if adjective.english not in _GRADED:
            continue
        numbers = (False,) if noun.fits(SINGULAR_ONLY) else (False, True)
        for plural in sample(numbers, 1, "what", adjective.english, noun.english):
            phrase = NounPhrase(noun, "some" if plural else "a", plural, adjective)
            _, _, words = NounPhrase(noun, "the", plural, adjective).french().partition(" ")
            quel = fr.agree("quel", "m", plural) if noun.gender == "m" else "quelles" if plural else "quelle"
            target = fr.sentence(fr.compose(quel, words), "!")
            yield Sentence(en.sentence(f"what {phrase.english()}", "!"), (target,), phrase.lemmas, phrase.lemmas)


def belonging() -> Iterator[Sentence]:
    """Yield sentences such as "This is Anne's cat.", "Anne's dress is red."."""
    for noun in nouns("vehicle", "home", "clothes", "pet", "appliance", "bag", "umbrella", "garden", "bedroom", "key"):
        for owner in sample(NAMES, 4, noun.english, "belonging"):
            if noun.english in ("dress", "skirt") and owner.possessive == "his":
                continue
            possessed = fr.compose(NounPhrase(noun, "the").french(), "de", owner.english)
            pair = (owner.english, noun.english)
            source, target = f"{owner.english}'s {noun.english}", possessed
            for before_en, before_fr, after in (("this is ", "c'est ", "."), ("where is ", "où est ", "?")):
                text = fr.sentence(before_fr + target, after)
                yield Sentence(en.sentence(before_en + source, after), (text,), pair, pair)
            suitable = [a for a in ADJECTIVES if noun.fits(a.fits) and not a.attributive_only]
            for adjective in sample(suitable, 2, noun.english, owner.english):
                quality = adjective.agree(noun.gender, plural=False)
                text = fr.sentence(fr.compose(possessed, "est", quality))
                lemmas = (*pair, adjective.english)
                yield Sentence(en.sentence(f"{source} is {adjective.english}"), (text,), lemmas, pair)


def counted() -> Iterator[Sentence]:
    """Yield sentences such as "There are three cows here."; the combination of number and noun may be held out."""
    # English text before and after the phrase, French text before and after it, and the lemma of the verb
    frames = (
        ("there are", "here", "il y a", "ici", "be"),
        ("I see", "", "je vois", "", "see"),
        ("we have", "", "nous avons", "", "have"),
    )
    classes = {"we have": ("several", "pet", "farm", "vehicle", "clothes", "dish", "seat", "key")}
    for noun in nouns(
        "several",
        "animal",
        "vehicle",
        "clothes",
        "dish",
        "furniture",
        "key",
        "pen",
        "tree",
        "boy",
        "girl",
        "man",
        "woman",
        "house",
        "window",
    ):
        if noun.fits(SINGULAR_ONLY):
            continue
        for number in sample(range(2, 13), 5, noun.english, "counted"):
            phrase = NounPhrase(noun, "some", True, number=number)
            pair = (NUMBERS[number][0], noun.english)
            suitable = [frame for frame in frames if noun.fits(classes.get(frame[0], (noun.english,)))]
            for frame in sample(suitable, 1, noun.english, pair[0]):
                source = " ".join(f"{frame[0]} {phrase.english()} {frame[1]}".split())
                target = fr.compose(frame[2], phrase.french(), frame[3])
                yield Sentence(en.sentence(source), (fr.sentence(target),), (frame[4], *pair), pair)


_CHEAP = ("food", "newspaper", "letter", "flower", "pen", "dish")


def price() -> Iterator[Sentence]:
    """Yield sentences such as "This bowl costs ten euros."; the combination of number and noun may be held out."""
    for noun in nouns(
        "fruit",
        "egg",
        "cake",
        "flower",
        "book",
        "newspaper",
        "clothes",
        "dish",
        "bag",
        "umbrella",
        "pen",
        "chair",
    ):
        for number in sample(
            [n for n in NUMBERS if n > 1 and (n <= 10) == noun.fits(_CHEAP)], 6, noun.english, "price"
        ):
            phrase = NounPhrase(noun, sample(("the", "this"), 1, noun.english, str(number))[0])
            english, french = NUMBERS[number]
            pair = (english, noun.english)
            target = fr.sentence(fr.compose(phrase.french(), "coûte", french, "euros"))
            yield Sentence(en.sentence(f"{phrase.english()} costs {english} euros"), (target,), pair, pair)
