"""The adjectives: French forms, position, and the nouns that they can describe."""

from __future__ import annotations

from dataclasses import dataclass

from . import french as fr

__all__ = ["ADJECTIVE", "ADJECTIVES", "Adjective"]


@dataclass(frozen=True)
class Adjective:
    """An adjective with its English and French forms.

    Attributes:
        english: English form; also the lemma of the adjective.
        masculine, feminine: French singular forms.
        fits: nouns, or classes of nouns, that it can describe.
        before: whether it precedes the French noun.
        before_vowel: masculine singular before a vowel sound ("bel"); empty if it is the same as `masculine`.
        invariable: whether all forms are the same ("marron").
        predicative_only: whether it is used only as in "the shop is open", not as in "an open shop".
        attributive_only: whether it is used only as in "a new car"; in "the car is new" French uses "neuve".
    """

    english: str
    masculine: str
    feminine: str
    fits: tuple[str, ...]
    before: bool = False
    before_vowel: str = ""
    invariable: bool = False
    predicative_only: bool = False
    attributive_only: bool = False

    def agree(self, gender: fr.Gender, plural: bool, following: str = "") -> str:
        """Return the form for a gender and number; `following` is the next word if that is the described noun."""
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
    predicative_only: bool = False,
    attributive_only: bool = False,
) -> Adjective:
    return Adjective(
        english,
        masculine,
        feminine or fr.feminize(masculine),
        tuple(fits.split()),
        before,
        before_vowel,
        invariable,
        predicative_only,
        attributive_only,
    )


ADJECTIVES: tuple[Adjective, ...] = (
    # Before the noun. "big" describes only nouns for which it is "grand"; a big dog would also be "gros".
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
        attributive_only=True,
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
    # Colours: after the noun, like all adjectives below.
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
    # Qualities of things
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
    # Before or after the noun
    _adjective(
        "broken", "cassé", "", "dish seat appliance window umbrella lamp mirror shelf clock", predicative_only=True
    ),
    _adjective("delicious", "délicieux", "", "food drink", predicative_only=True),
    # Only "est ouvert" and "est fermé": as attributes they would often be misleading.
    _adjective("open", "ouvert", "", "business opening container station factory", predicative_only=True),
    _adjective(
        "closed", "fermé", "", "business opening container station school factory castle", predicative_only=True
    ),
    # Qualities of people
    _adjective("tall", "grand", "", "person kin", predicative_only=True),
    _adjective("young", "jeune", "", "person kin", predicative_only=True),
    _adjective("happy", "heureux", "", "person kin", predicative_only=True),
    _adjective("sad", "triste", "", "person kin", predicative_only=True),
    _adjective("tired", "fatigué", "", "person kin", predicative_only=True),
    _adjective("sick", "malade", "", "person kin animal", predicative_only=True),
    _adjective("strong", "fort", "", "person kin", predicative_only=True),
    _adjective("kind", "gentil", "gentille", "person kin", predicative_only=True),
    _adjective("intelligent", "intelligent", "", "person kin", predicative_only=True),
    _adjective("rich", "riche", "", "person kin", predicative_only=True),
    _adjective("polite", "poli", "", "person kin", predicative_only=True),
    _adjective("shy", "timide", "", "person kin", predicative_only=True),
    _adjective("lazy", "paresseux", "", "person kin farm", predicative_only=True),
    _adjective("brave", "courageux", "", "person kin", predicative_only=True),
    _adjective("curious", "curieux", "", "person kin pet", predicative_only=True),
    _adjective("honest", "honnête", "", "person kin", predicative_only=True),
    _adjective("patient", "patient", "", "person kin", predicative_only=True),
)

ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}
"""All adjectives by English form."""
