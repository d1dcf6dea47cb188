"""The adjectives, their French forms, where French puts them, and what they can describe."""

from __future__ import annotations

from dataclasses import dataclass

from . import french as fr


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

    @property
    def has_one_gender_form(self) -> bool:
        """Whether masculine and feminine are spelt alike, so that the gender need not be known."""
        return self.masculine == self.feminine


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
        "vehicle home room furniture container animal town garden shop church key",
        before=True,
    ),
    _adjective(
        "beautiful",
        "beau",
        "belle",
        "home animal plant castle garden bridge city church hotel photo song story",
        before=True,
        before_vowel="bel",
    ),
    _adjective(
        "old",
        "vieux",
        "vieille",
        "vehicle transport building home furniture clothes animal appliance tree bridge book",
        before=True,
        before_vowel="vieil",
    ),
    _adjective(
        "new",
        "nouveau",
        "nouvelle",
        "vehicle transport building home clothes appliance book film song bag",
        before=True,
        before_vowel="nouvel",
        only_attribute=True,
    ),
    _adjective(
        "good",
        "bon",
        "bonne",
        "book show cake wine cheese bread restaurant school coffee hotel",
        before=True,
    ),
    _adjective("bad", "mauvais", "", "book show cake wine restaurant coffee hotel", before=True),
    _adjective("long", "long", "longue", "letter story film street bridge song", before=True),
    # Colours: after the noun, as are all that follow.
    _adjective("red", "rouge", "", "coloured clothes apple wine"),
    _adjective("green", "vert", "", "vehicle furniture clothes door bag plate pen apple"),
    _adjective("blue", "bleu", "", "coloured clothes bird"),
    _adjective("white", "blanc", "blanche", "coloured clothes pet farm wine"),
    _adjective("black", "noir", "", "vehicle furniture clothes container umbrella pen pet cow horse phone"),
    _adjective("yellow", "jaune", "", "vehicle clothes door chair bird flower bag cup banana"),
    _adjective("brown", "marron", "marron", "clothes bag box horse dog rabbit cow door", invariable=True),
    # What things are like
    _adjective(
        "expensive",
        "cher",
        "chère",
        "vehicle home clothes appliance ring hotel restaurant wine meat",
    ),
    _adjective("dirty", "sale", "", "vehicle dish clothes room street beach window dog"),
    _adjective("broken", "cassé", "", "dish chair lamp phone umbrella window"),
    _adjective("empty", "vide", "", "vessel container home bus street restaurant church"),
    _adjective("interesting", "intéressant", "", "text film museum city photo"),
    _adjective("dangerous", "dangereux", "", "street bridge forest dog horse city"),
    _adjective("delicious", "délicieux", "", "food"),
    _adjective("hot", "chaud", "", "hot soup milk bread sandwich water"),
    _adjective("cold", "froid", "", "hot soup water milk beer room meat"),
    _adjective("French", "français", "", "vehicle film song newspaper wine cheese restaurant book"),
    _adjective("Italian", "italien", "italienne", "vehicle film song cheese restaurant clothes"),
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
    _adjective("rich", "riche", "", "person kin", only_predicate=True),
    _adjective("strong", "fort", "", "person kin", only_predicate=True),
    _adjective("kind", "gentil", "gentille", "person kin", only_predicate=True),
    _adjective("jealous", "jaloux", "jalouse", "person kin", only_predicate=True),
    _adjective("intelligent", "intelligent", "", "person kin", only_predicate=True),
)

ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}
"""Every adjective by its English form."""
