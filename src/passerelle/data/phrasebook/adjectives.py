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
    _adjective("big", "grand", "", "building home room table bed garden park town tree window", before=True),
    _adjective(
        "small",
        "petit",
        "",
        "vehicle home room furniture container vessel animal town garden church castle key fruit",
        before=True,
    ),
    _adjective(
        "beautiful",
        "beau",
        "belle",
        "home animal plant garden town church hotel castle story poem novel concert dress ring mirror lamp",
        before=True,
        before_vowel="bel",
    ),
    _adjective(
        "old",
        "vieux",
        "vieille",
        "vehicle transport building home furniture clothes animal appliance tree book bag box umbrella",
        before=True,
        before_vowel="vieil",
    ),
    _adjective(
        "new",
        "nouveau",
        "nouvelle",
        "vehicle transport building home clothes appliance furniture book novel article film opera bag umbrella",
        before=True,
        before_vowel="nouvel",
        only_attribute=True,
    ),
    _adjective(
        "good",
        "bon",
        "bonne",
        "book novel article show cake pizza omelette sandwich soup salad juice cream honey wine beer cheese bread "
        "meat school coffee hotel restaurant",
        before=True,
    ),
    _adjective(
        "bad",
        "mauvais",
        "",
        "novel article poem show cake pizza omelette sandwich soup salad wine beer coffee school hotel restaurant",
        before=True,
    ),
    # Colours: after the noun, as are all that follow.
    _adjective("red", "rouge", "", "coloured clothes apple tomato onion strawberry wine"),
    _adjective(
        "green",
        "vert",
        "",
        "vehicle furniture clothes door bag box pen cup bowl plate umbrella apple pear banana tomato olive",
    ),
    _adjective("blue", "bleu", "", "coloured clothes bird"),
    _adjective("white", "blanc", "blanche", "coloured clothes pet farm wine"),
    _adjective(
        "black",
        "noir",
        "",
        "vehicle furniture clothes container umbrella pen pet horse phone computer spider bear bird olive",
    ),
    _adjective("yellow", "jaune", "", "coloured clothes apple pear banana lemon bird"),
    _adjective(
        "grey",
        "gris",
        "",
        "vehicle furniture clothes pet horse goat duck donkey elephant bird door bag box plate umbrella",
    ),
    _adjective(
        "brown",
        "marron",
        "marron",
        "furniture clothes bag box horse goat cow rabbit dog bear spider door umbrella",
        invariable=True,
    ),
    # What things are like
    _adjective(
        "expensive",
        "cher",
        "chère",
        "vehicle home clothes appliance furniture hotel restaurant wine meat fish cheese ring ticket",
    ),
    _adjective("dirty", "sale", "", "vehicle dish clothes furniture room beach window dog"),
    _adjective("empty", "vide", "", "vessel container home wardrobe bus train plane church castle theatre"),
    _adjective("interesting", "intéressant", "", "text show museum town library"),
    _adjective("hot", "chaud", "", "hot milk bread water pizza omelette plate"),
    _adjective("cold", "froid", "", "hot drink room meat fish rice pizza"),
    _adjective("French", "français", "", "vehicle show text wine cheese bank restaurant city"),
    _adjective("Spanish", "espagnol", "", "vehicle show text wine bank restaurant city orange olive"),
    _adjective("German", "allemand", "", "vehicle show text beer bank restaurant city"),
    _adjective("fresh", "frais", "fraîche", "fruit egg tomato carrot onion olive bread fish salad cream juice"),
    _adjective("ripe", "mûr", "", "fruit tomato"),
    _adjective("heavy", "lourd", "", "furniture container bottle door"),
    _adjective("modern", "moderne", "", "building home appliance furniture bus train kitchen"),
    _adjective("comfortable", "confortable", "", "seat bed home vehicle train hotel clothes"),
    _adjective("strange", "étrange", "", "animal text show town castle home clock"),
    _adjective("round", "rond", "", "table mirror carpet clock plate bowl box basket lamp window"),
    # Before the noun or after it
    _adjective(
        "broken", "cassé", "", "dish seat appliance window umbrella lamp mirror shelf clock", only_predicate=True
    ),
    _adjective("delicious", "délicieux", "", "food drink", only_predicate=True),
    # Only "est ouvert", "est fermé": before or after a noun they would often mislead.
    _adjective("open", "ouvert", "", "business opening container station factory", only_predicate=True),
    _adjective("closed", "fermé", "", "business opening container station school factory castle", only_predicate=True),
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
    _adjective("rich", "riche", "", "person kin", only_predicate=True),
    _adjective("polite", "poli", "", "person kin", only_predicate=True),
    _adjective("shy", "timide", "", "person kin", only_predicate=True),
    _adjective("lazy", "paresseux", "", "person kin farm", only_predicate=True),
    _adjective("brave", "courageux", "", "person kin", only_predicate=True),
    _adjective("curious", "curieux", "", "person kin pet", only_predicate=True),
    _adjective("honest", "honnête", "", "person kin", only_predicate=True),
    _adjective("patient", "patient", "", "person kin", only_predicate=True),
)

ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}
"""Every adjective by its English form."""
