"""The adjectives, their French forms, where French puts them, and what they can describe."""

from __future__ import annotations

from dataclasses import dataclass

from . import french as fr

__all__ = ["ADJECTIVE", "ADJECTIVES", "Adjective"]


@dataclass(frozen=True)
class Adjective:
    """An adjective of both languages.

    Attributes:
        english: also the adjective's lemma.
        masculine, feminine: French singular forms.
        fits: the classes of nouns, or the nouns, that it can describe.
        before: whether it stands before the French noun.
        before_vowel: the masculine singular before a vowel sound ("bel"), empty where it is the usual one.
        invariable: one form for all ("marron").
        only_predicate: for "the shop is open", never for "an open shop".
        only_attribute: for "a new car"; "the car is new" would be "neuve".
    """

    english: str
    masculine: str
    feminine: str
    fits: tuple[str, ...]
    before: bool = False
    before_vowel: str = ""
    invariable: bool = False
    only_predicate: bool = False
    only_attribute: bool = False

    def agree(self, gender: fr.Gender, plural: bool, following: str = "") -> str:
        """The form for a gender and number; `following` is the next word if it is the noun described."""
        if self.invariable:
            return self.masculine
        if gender == "f":
            return fr.pluralize(self.feminine) if plural else self.feminine
        if plural:
            return fr.pluralize(self.masculine)
        if self.before_vowel and following and fr.begins_with_vowel_sound(following):
            return self.before_vowel
        return self.masculine


def _adjective(
    english: str,
    masculine: str,
    feminine: str,
    fits: str,
    *,
    before: bool = False,
    before_vowel: str = "",
    invariable: bool = False,
    only_predicate: bool = False,
    only_attribute: bool = False,
) -> Adjective:
    return Adjective(
        english,
        masculine,
        feminine or fr.feminize(masculine),
        tuple(fits.split()),
        before,
        before_vowel,
        invariable,
        only_predicate,
        only_attribute,
    )


ADJECTIVES: tuple[Adjective, ...] = (
    # Before the noun. "big" fits only what is "grand": a big dog would be "gros" as well.
    _adjective("big", "grand", "", "building home room table bed garden park city tree window", before=True),
    _adjective(
        "small",
        "petit",
        "",
        "vehicle home room furniture container animal town garden church key",
        before=True,
    ),
    _adjective(
        "beautiful",
        "beau",
        "belle",
        "home animal plant garden city church hotel story",
        before=True,
        before_vowel="bel",
    ),
    _adjective(
        "old",
        "vieux",
        "vieille",
        "vehicle transport building home furniture clothes animal appliance tree book",
        before=True,
        before_vowel="vieil",
    ),
    _adjective(
        "new",
        "nouveau",
        "nouvelle",
        "vehicle transport building home clothes appliance book film bag",
        before=True,
        before_vowel="nouvel",
        only_attribute=True,
    ),
    _adjective(
        "good",
        "bon",
        "bonne",
        "book show cake wine cheese bread school coffee hotel",
        before=True,
    ),
    # Colours: after the noun, as are all that follow.
    _adjective("red", "rouge", "", "coloured clothes apple wine"),
    _adjective("green", "vert", "", "vehicle furniture clothes door bag pen apple"),
    _adjective("blue", "bleu", "", "coloured clothes bird"),
    _adjective("white", "blanc", "blanche", "coloured clothes pet farm wine"),
    _adjective("black", "noir", "", "vehicle furniture clothes container umbrella pen pet horse phone"),
    _adjective("brown", "marron", "marron", "clothes bag horse dog door", invariable=True),
    # What things are like
    _adjective(
        "expensive",
        "cher",
        "chère",
        "vehicle home clothes appliance hotel wine meat",
    ),
    _adjective("dirty", "sale", "", "vehicle dish clothes room beach window dog"),
    _adjective("empty", "vide", "", "vessel container home bus church"),
    _adjective("interesting", "intéressant", "", "text film museum city"),
    _adjective("hot", "chaud", "", "hot milk bread water"),
    _adjective("cold", "froid", "", "hot water milk room meat"),
    _adjective("French", "français", "", "vehicle film newspaper wine cheese book story letter bank city"),
    # Only "est ouvert", "est fermé": before or after a noun they would often mislead.
    _adjective("open", "ouvert", "", "business opening container station", only_predicate=True),
    _adjective("closed", "fermé", "", "business opening container station school", only_predicate=True),
    # What people are like
    _adjective("tall", "grand", "", "person kin", only_predicate=True),
    _adjective("young", "jeune", "", "person kin", only_predicate=True),
    _adjective("happy", "heureux", "", "person kin", only_predicate=True),
    _adjective("sad", "triste", "", "person kin", only_predicate=True),
    _adjective("tired", "fatigué", "", "person kin", only_predicate=True),
    _adjective("sick", "malade", "", "person kin animal", only_predicate=True),
    _adjective("strong", "fort", "", "person kin", only_predicate=True),
    _adjective("kind", "gentil", "gentille", "person kin", only_predicate=True),
    _adjective("intelligent", "intelligent", "", "person kin", only_predicate=True),
)

ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}
"""Every adjective by its English form."""
