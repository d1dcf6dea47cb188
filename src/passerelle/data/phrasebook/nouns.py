"""The nouns, with French gender, and semantic classes that determine suitable verbs and adjectives."""

from __future__ import annotations

from dataclasses import dataclass

from . import english as en
from . import french as fr

__all__ = ["NOUN", "NOUNS", "Noun", "nouns"]


@dataclass(frozen=True)
class Noun:
    """A noun with its English and French forms.

    Attributes:
        english: singular; also the lemma of the noun.
        french: singular.
        gender: gender of the French noun.
        classes: semantic classes. Verbs and adjectives list the classes, or the nouns, that they can be combined with.
        english_plural, french_plural: irregular plurals; empty if regular.
        mass: whether it is a mass noun, without plural and with the partitive article in French ("du pain").
    """

    english: str
    french: str
    gender: fr.Gender
    classes: frozenset[str]
    english_plural: str = ""
    french_plural: str = ""
    mass: bool = False

    def english_form(self, plural: bool) -> str:
        """Return the English singular or plural."""
        return (self.english_plural or en.with_s(self.english)) if plural else self.english

    def french_form(self, plural: bool) -> str:
        """Return the French singular or plural."""
        return (self.french_plural or fr.pluralize(self.french)) if plural else self.french

    def fits(self, names: tuple[str, ...]) -> bool:
        """Whether `names` contains this noun or one of its classes."""
        return self.english in names or not self.classes.isdisjoint(names)


def _noun(english: str, french: str, gender: fr.Gender, classes: str, *plurals: str, mass: bool = False) -> Noun:
    english_plural, french_plural = (*plurals, "", "")[:2]
    return Noun(english, french, gender, frozenset(classes.split()), english_plural, french_plural, mass)


NOUNS: tuple[Noun, ...] = (
    # Vehicles
    _noun("car", "voiture", "f", "vehicle coloured inside"),
    _noun("bike", "vélo", "m", "vehicle coloured"),
    _noun("truck", "camion", "m", "vehicle coloured"),
    _noun("motorbike", "moto", "f", "vehicle coloured"),
    _noun("bus", "bus", "m", "transport coloured public"),
    _noun("train", "train", "m", "transport public"),
    _noun("plane", "avion", "m", "transport public"),
    # Buildings
    _noun("house", "maison", "f", "building home coloured beside"),
    _noun("hotel", "hôtel", "m", "building place business beside public"),
    _noun("school", "école", "f", "building beside public"),
    _noun("church", "église", "f", "building place beside public"),
    _noun("hospital", "hôpital", "m", "building place beside public"),
    _noun("bank", "banque", "f", "building place business beside public"),
    _noun("museum", "musée", "m", "building place business beside public"),
    _noun("library", "bibliothèque", "f", "building place business beside public"),
    _noun("restaurant", "restaurant", "m", "building place business beside public"),
    _noun("theatre", "théâtre", "m", "building place business beside public"),
    _noun("factory", "usine", "f", "building place beside public"),
    _noun("castle", "château", "m", "building place beside public"),
    _noun("cinema", "cinéma", "m", "building place business beside public"),
    _noun("stadium", "stade", "m", "building place beside public"),
    _noun("supermarket", "supermarché", "m", "building place business beside public"),
    _noun("station", "gare", "f", "building place beside public"),
    _noun("airport", "aéroport", "m", "building place beside public"),
    _noun("apartment", "appartement", "m", "home"),
    # Rooms and open places
    _noun("kitchen", "cuisine", "f", "room inside"),
    _noun("bedroom", "chambre", "f", "room inside"),
    _noun("garden", "jardin", "m", "inside outdoors"),
    _noun("park", "parc", "m", "inside outdoors public"),
    _noun("market", "marché", "m", "place public"),
    _noun("beach", "plage", "f", "place outdoors public"),
    _noun("city", "ville", "f", "town public"),
    _noun("island", "île", "f", "town public"),
    # Parts of a house, furniture
    _noun("door", "porte", "f", "opening coloured beside"),
    _noun("window", "fenêtre", "f", "opening beside"),
    _noun("table", "table", "f", "furniture coloured support"),
    _noun("chair", "chaise", "f", "furniture seat coloured support"),
    _noun("bed", "lit", "m", "furniture support"),
    _noun("sofa", "canapé", "m", "furniture seat coloured support"),
    _noun("lamp", "lampe", "f", "furniture coloured"),
    _noun("wardrobe", "armoire", "f", "furniture opening"),
    _noun("mirror", "miroir", "m", "furniture"),
    _noun("carpet", "tapis", "m", "furniture coloured support"),
    _noun("armchair", "fauteuil", "m", "furniture seat coloured support"),
    _noun("shelf", "étagère", "f", "furniture support", "shelves"),
    _noun("clock", "horloge", "f", "furniture"),
    # Clothes
    _noun("shirt", "chemise", "f", "clothes"),
    _noun("dress", "robe", "f", "clothes"),
    _noun("coat", "manteau", "m", "clothes"),
    _noun("hat", "chapeau", "m", "clothes small personal"),
    _noun("skirt", "jupe", "f", "clothes"),
    _noun("jacket", "veste", "f", "clothes"),
    _noun("sweater", "pull", "m", "clothes"),
    _noun("scarf", "écharpe", "f", "clothes small personal", "scarves"),
    # Things to hold
    _noun("glass", "verre", "m", "dish vessel small"),
    _noun("cup", "tasse", "f", "dish coloured small"),
    _noun("plate", "assiette", "f", "dish coloured small"),
    _noun("bowl", "bol", "m", "dish vessel coloured small"),
    _noun("bottle", "bouteille", "f", "dish vessel small"),
    _noun("knife", "couteau", "m", "dish small", "knives"),
    _noun("spoon", "cuillère", "f", "dish small"),
    _noun("key", "clé", "f", "small personal"),
    _noun("bag", "sac", "m", "container coloured small inside personal"),
    _noun("box", "boîte", "f", "container coloured small inside"),
    _noun("basket", "panier", "m", "container small inside"),
    _noun("umbrella", "parapluie", "m", "coloured small personal"),
    _noun("pen", "stylo", "m", "coloured small personal"),
    _noun("phone", "téléphone", "m", "appliance small personal"),
    _noun("computer", "ordinateur", "m", "appliance"),
    _noun("screen", "écran", "m", "appliance"),
    _noun("radio", "radio", "f", "appliance"),
    _noun("ring", "bague", "f", "small personal"),
    _noun("ticket", "billet", "m", "small personal several"),
    # Things to read, see or hear
    _noun("book", "livre", "m", "text small personal several"),
    _noun("newspaper", "journal", "m", "text small personal several"),
    _noun("letter", "lettre", "f", "text small personal several"),
    _noun("story", "histoire", "f", "text"),
    _noun("novel", "roman", "m", "text"),
    _noun("poem", "poème", "m", "text"),
    _noun("message", "message", "m", "text several"),
    _noun("article", "article", "m", "text"),
    _noun("opera", "opéra", "m", "show public"),
    _noun("film", "film", "m", "show"),
    _noun("concert", "concert", "m", "show"),
    # Animals and plants
    _noun("cat", "chat", "m", "animal pet"),
    _noun("dog", "chien", "m", "animal pet"),
    _noun("hamster", "hamster", "m", "animal pet"),
    _noun("horse", "cheval", "m", "animal farm"),
    _noun("rabbit", "lapin", "m", "animal pet"),
    _noun("mouse", "souris", "f", "animal pet", "mice"),
    _noun("cow", "vache", "f", "animal farm"),
    _noun("goat", "chèvre", "f", "animal farm"),
    _noun("duck", "canard", "m", "animal farm"),
    _noun("donkey", "âne", "m", "animal farm"),
    _noun("pig", "cochon", "m", "animal farm"),
    _noun("bird", "oiseau", "m", "animal public"),
    _noun("elephant", "éléphant", "m", "animal public"),
    _noun("bear", "ours", "m", "animal public"),
    _noun("spider", "araignée", "f", "animal public"),
    _noun("flower", "fleur", "f", "plant coloured several"),
    _noun("tulip", "tulipe", "f", "plant coloured several"),
    _noun("tree", "arbre", "m", "plant beside public"),
    # Food and drink
    _noun("apple", "pomme", "f", "food fruit several"),
    _noun("orange", "orange", "f", "food fruit several"),
    _noun("pear", "poire", "f", "food fruit several"),
    _noun("banana", "banane", "f", "food fruit several"),
    _noun("lemon", "citron", "m", "food fruit several"),
    _noun("apricot", "abricot", "m", "food fruit several"),
    _noun("strawberry", "fraise", "f", "food fruit several"),
    _noun("tomato", "tomate", "f", "food several", "tomatoes"),
    _noun("carrot", "carotte", "f", "food several"),
    _noun("onion", "oignon", "m", "food several"),
    _noun("olive", "olive", "f", "food several"),
    _noun("egg", "œuf", "m", "food several"),
    _noun("cake", "gâteau", "m", "food dishes several"),
    _noun("sandwich", "sandwich", "m", "food dishes several"),
    _noun("pizza", "pizza", "f", "food dishes several"),
    _noun("omelette", "omelette", "f", "food dishes several"),
    _noun("bread", "pain", "m", "food", mass=True),
    _noun("cheese", "fromage", "m", "food", mass=True),
    _noun("meat", "viande", "f", "food", mass=True),
    _noun("soup", "soupe", "f", "food hot", mass=True),
    _noun("salad", "salade", "f", "food", mass=True),
    _noun("jam", "confiture", "f", "food", mass=True),
    _noun("rice", "riz", "m", "food", mass=True),
    _noun("fish", "poisson", "m", "food", mass=True),
    _noun("butter", "beurre", "m", "food", mass=True),
    _noun("chocolate", "chocolat", "m", "food", mass=True),
    _noun("ham", "jambon", "m", "food", mass=True),
    _noun("cream", "crème", "f", "food", mass=True),
    _noun("honey", "miel", "m", "food", mass=True),
    _noun("water", "eau", "f", "drink", mass=True),
    _noun("milk", "lait", "m", "drink", mass=True),
    _noun("coffee", "café", "m", "drink hot", mass=True),
    _noun("tea", "thé", "m", "drink hot", mass=True),
    _noun("wine", "vin", "m", "drink", mass=True),
    _noun("beer", "bière", "f", "drink", mass=True),
    _noun("lemonade", "limonade", "f", "drink", mass=True),
    _noun("juice", "jus", "m", "drink", mass=True),
    _noun("cider", "cidre", "m", "drink", mass=True),
    # People
    _noun("man", "homme", "m", "person", "men"),
    _noun("woman", "femme", "f", "person", "women"),
    _noun("boy", "garçon", "m", "person"),
    _noun("girl", "fille", "f", "person"),
    _noun("king", "roi", "m", "person"),
    _noun("queen", "reine", "f", "person"),
    _noun("baby", "bébé", "m", "person"),
    _noun("prince", "prince", "m", "person"),
    _noun("princess", "princesse", "f", "person"),
    _noun("waiter", "serveur", "m", "person"),
    _noun("waitress", "serveuse", "f", "person"),
    _noun("father", "père", "m", "kin"),
    _noun("mother", "mère", "f", "kin"),
    _noun("brother", "frère", "m", "kin"),
    _noun("sister", "sœur", "f", "kin"),
    _noun("uncle", "oncle", "m", "kin"),
    _noun("aunt", "tante", "f", "kin"),
    _noun("son", "fils", "m", "kin"),
    _noun("grandmother", "grand-mère", "f", "kin"),
)

NOUN = {noun.english: noun for noun in NOUNS}
"""All nouns by English singular."""


def nouns(*names: str) -> tuple[Noun, ...]:
    """Return the nouns with these names, or in classes with these names, in the order of `NOUNS`."""
    return tuple(noun for noun in NOUNS if noun.fits(names))
