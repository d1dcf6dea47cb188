"""Imperative patterns: "Let's open the door!", "Close the window!"."""

from __future__ import annotations

from collections.abc import Iterator

from . import english as en
from . import french as fr
from .actions import objects
from .nouns import nouns
from .phrase import Sentence, sample
from .verbs import ACTIONS

__all__ = ["order", "proposal"]


def proposal() -> Iterator[Sentence]:
    """Yield sentences such as "Let's paint the door!", the only imperative with one French translation."""
    for verb in ACTIONS:
        for noun in nouns(*verb.objects):
            if not verb.sudden:
                phrases = [phrase for phrase in objects(verb, noun) if phrase.determiner != "own"]
                for phrase in sample(phrases, 1, "let's", verb.english, noun.english):
                    source = f"Let's {verb.english} {phrase.english()}"
                    target = fr.compose(verb.conjugation.present[3], phrase.french())
                    yield Sentence(
                        en.sentence(source, "!"),
                        (fr.sentence(target, "!"),),
                        (verb.english, noun.english),
                        (verb.english, noun.english),
                    )


def order() -> Iterator[Sentence]:
    """Yield sentences such as "Open this door!" and "Do not open this door!", with familiar and polite translations."""
    for verb in ACTIONS:
        if verb.sudden or verb.english == "wear":
            continue
        for noun in sample(nouns(*verb.objects), 5, "order", verb.english):
            phrases = [phrase for phrase in objects(verb, noun, definite=True) if phrase.determiner != "own"]
            for phrase in sample(phrases, 1, "order", verb.english, noun.english):
                familiar, polite = verb.conjugation.present[1], verb.conjugation.present[4]
                if familiar.endswith("es"):
                    familiar = familiar[:-1]  # "tu ouvres", but "ouvre"
                positive = [fr.compose(form, phrase.french()) for form in (familiar, polite)]
                negative = [fr.compose("ne", form, "pas", phrase.french()) for form in (familiar, polite)]
                for english, translations in (("", positive), ("do not ", negative)):
                    yield Sentence(
                        en.sentence(f"{english}{verb.english} {phrase.english()}", "!"),
                        tuple(fr.sentence(translation, "!") for translation in translations),
                        (verb.english, noun.english),
                        (verb.english, noun.english),
                    )
