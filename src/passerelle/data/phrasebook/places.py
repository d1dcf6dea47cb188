"""Patterns about places: movement, location of people and things, and weather."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import english as en
from . import french as fr
from .clause import Clause, FixedComplement, Form, TenseForm
from .noun_phrase import NounPhrase
from .nouns import Noun, nouns
from .phrase import Sentence, sample, to_sentence
from .subjects import HE, NAMES, SHE, THEY, WE, YOU, I
from .verbs import Verb

__all__ = [
    "ARRIVE",
    "BE_AT",
    "COME_BACK",
    "GO_TO",
    "REGIONS",
    "STAY",
    "Region",
    "movement",
    "movement_ambiguous_subject",
    "person_in_room",
    "position",
    "region",
    "weather",
    "where_is",
]

_AGREEING = (HE, SHE, *NAMES)  # subjects with a known gender, for participles with "être"

GO_TO = Verb("go to", "aller", "went", particle="à")
BE_AT = Verb("be at", "être", particle="à", stative=True)
COME_BACK = Verb("come back from", "revenir", "came", particle="de")
ARRIVE = Verb("arrive at", "arriver", particle="à")
STAY = Verb("stay at", "rester", particle="à")

_MOTION: tuple[TenseForm, ...] = (
    ("past", "statement"), ("future", "statement"), ("want to", "statement"), ("must", "statement"),
    ("past", "negative"), ("past", "question"),
)  # fmt: skip
_PRESENT: tuple[TenseForm, ...] = (("present", "statement"), ("present", "negative"), ("present", "question"))


@dataclass(frozen=True)
class Region:
    """A town or country, with the French text for "in" or "to" it (`there`) and for "from" it (`thence`)."""

    english: str
    there: str
    thence: str


def _town(english: str, french: str = "") -> Region:
    french = french or english
    return Region(english, f"à {french}", fr.compose("de", french))


def _country(english: str, french: str, gender: str) -> Region:
    if gender == "plural":
        return Region(english, f"aux {french}", f"des {french}")
    if gender == "m" and not fr.begins_with_vowel_sound(french):
        return Region(english, f"au {french}", f"du {french}")
    # Feminine names, and masculine ones that begin with a vowel sound, have "en" and "de" without article.
    return Region(english, f"en {french}", fr.compose("de", french))


REGIONS: tuple[Region, ...] = (
    _town("Paris"), _town("London", "Londres"), _town("Rome"), _town("Berlin"), _town("Athens", "Athènes"),
    _country("France", "France", "f"), _country("Italy", "Italie", "f"),
    _country("Germany", "Allemagne", "f"),
    _country("Japan", "Japon", "m"), _country("Canada", "Canada", "m"),
    _country("Iran", "Iran", "m"), _country("the United States", "États-Unis", "plural"),
    _town("Madrid"), _town("Oslo"), _country("Spain", "Espagne", "f"), _country("Greece", "Grèce", "f"),
    _country("Portugal", "Portugal", "m"), _country("Mexico", "Mexique", "m"),
    _country("the Netherlands", "Pays-Bas", "plural"), _country("the Philippines", "Philippines", "plural"),
)  # fmt: skip

_WEATHER: dict[str, tuple[tuple[str, str], ...]] = {
    "cold": (("it is cold", "il fait froid"), ("it is not cold", "il ne fait pas froid"),
             ("it will be cold", "il fera froid"), ("is it cold", "est-ce qu'il fait froid")),
    "hot": (("it is hot", "il fait chaud"), ("it is not hot", "il ne fait pas chaud"),
            ("it will be hot", "il fera chaud"), ("is it hot", "est-ce qu'il fait chaud")),
    "rain": (("it is raining", "il pleut"), ("it is not raining", "il ne pleut pas"),
             ("it will rain", "il pleuvra"), ("is it raining", "est-ce qu'il pleut"),
             ("it rained", "il a plu")),
    "snow": (("it is snowing", "il neige"), ("it is not snowing", "il ne neige pas"),
             ("it will snow", "il neigera"), ("is it snowing", "est-ce qu'il neige"),
             ("it snowed", "il a neigé")),
    "windy": (("it is windy", "il y a du vent"), ("it is not windy", "il n'y a pas de vent"),
              ("it will be windy", "il y aura du vent"), ("is it windy", "est-ce qu'il y a du vent")),
    "sunny": (("it is sunny", "il y a du soleil"), ("it is not sunny", "il n'y a pas de soleil"),
              ("it will be sunny", "il y aura du soleil"), ("is it sunny", "est-ce qu'il y a du soleil")),
    "foggy": (("it is foggy", "il y a du brouillard"), ("it is not foggy", "il n'y a pas de brouillard"),
              ("it will be foggy", "il y aura du brouillard"), ("is it foggy", "est-ce qu'il y a du brouillard")),
}  # fmt: skip

# English preposition, French preposition, things, and their possible places.
_POSITIONS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("on", "sur", ("key", "bag", "pen", "book", "hat", "cup", "cat", "apple", "phone"), ("support",)),
    ("under", "sous", ("key", "bag", "pen", "book", "pet"), ("support", "tree")),
    ("in", "dans", ("personal",), ("bag",)),
    ("in", "dans", ("pet", "bike", "chair", "table"), ("kitchen", "bedroom", "garden")),
    ("behind", "derrière", ("pet", "bike", "bag"), ("door", "tree", "house")),
    ("in front of", "devant", ("vehicle", "dog", "bus"), ("house", "school", "church", "hotel")),
    ("near", "près de", ("bike", "cat", "dog", "chair", "table"), ("window", "door", "bed", "tree")),
    ("near", "près de", ("hotel", "bank", "museum"), ("station", "church", "park", "market", "beach")),
)


def movement() -> Iterator[Sentence]:
    """Yield sentences such as "She went to the market.", "Julie came back from the bank."."""
    for verb in (GO_TO, COME_BACK, ARRIVE, STAY, BE_AT):
        for noun in nouns("place"):
            if verb in (STAY, BE_AT) and noun.english in ("market", "church"):
                continue
            moments = {GO_TO: (*_MOTION, *_PRESENT), BE_AT: (*_PRESENT, ("future", "statement"))}.get(verb, _MOTION)
            for tense, form in moments:
                if verb is ARRIVE and tense not in ("past", "future"):
                    continue
                agrees = tense == "past" or form == "question" or (tense == "future" and verb is not GO_TO)
                subjects = _AGREEING if agrees else (*_AGREEING, *(I, WE) * 4)
                for subject in sample(subjects, 2, verb.english, noun.english, tense, form):
                    yield to_sentence(
                        Clause(subject, verb, NounPhrase(noun, "the"), tense, form),
                        verb.english,
                        noun.english,
                    )


def movement_ambiguous_subject() -> Iterator[Sentence]:
    """Yield sentences such as "I arrived at the hotel.", whose French participle has a gender and number."""
    for verb in (GO_TO, COME_BACK, ARRIVE):
        for noun in nouns("place"):
            for subject in (I, WE, THEY, YOU):
                clause = Clause(subject, verb, NounPhrase(noun, "the"), "past")
                yield to_sentence(clause, verb.english, noun.english)


def region() -> Iterator[Sentence]:
    """Yield sentences such as "Alice lives in Canada.", "She comes from Germany.", "Marie was born in Rome."."""
    live = Verb("live in", "habiter", stative=True)
    be, born = Verb("be in", "être", stative=True), Verb("be born in", "naître", "was")
    go, come = Verb("go to", "aller", "went"), Verb("come from", "venir", stative=True)
    arrive = Verb("arrive in", "arriver")
    past: tuple[TenseForm, ...] = (("past", "statement"), ("past", "negative"), ("past", "question"))
    later: tuple[TenseForm, ...] = (("future", "statement"), ("want to", "statement"))
    moments = {
        live: (*_PRESENT, *later),
        be: _PRESENT,
        born: past,
        go: (*past, *_PRESENT[:1], *later),
        come: _PRESENT,
        arrive: (*past, *_PRESENT[:1], *later[:1]),
    }
    for place in REGIONS:
        for verb, options in moments.items():
            there = place.thence if verb is come else place.there
            complement = FixedComplement(place.english, there, (place.english,))
            for tense, form in options:
                agrees = tense in ("past", "future") or form == "question"
                subjects = _AGREEING if agrees else (*_AGREEING, *(I, WE) * 4)
                for subject in sample(
                    subjects, 1 if form == "question" else 2, verb.english, place.english, tense, form
                ):
                    yield to_sentence(Clause(subject, verb, complement, tense, form), verb.english, place.english)


def weather() -> Iterator[Sentence]:
    """Yield sentences such as "It is raining in Paris.", "It will be cold tomorrow.", "Is it windy in Japan?"."""
    times = (
        ("today", "aujourd'hui"),
        ("this morning", "ce matin"),
        ("this evening", "ce soir"),
        ("here", "ici"),
    )
    for name, forms in _WEATHER.items():
        for place in REGIONS:
            for source, target in forms:
                yield _weather(name, source, target, f"in {place.english}", place.there, place.english)
        for source, target in forms:
            if "will" in source:
                yield _weather(name, source, target, "tomorrow", "demain", "tomorrow")
            for english, french in times:
                yield _weather(name, source, target, english, french, english)


def _weather(name: str, source: str, target: str, where_en: str, where_fr: str, lemma: str) -> Sentence:
    mark = "?" if source.startswith("is") else "."
    pair = (name, lemma)
    return Sentence(en.sentence(f"{source} {where_en}", mark), (fr.sentence(f"{target} {where_fr}", mark),), pair, pair)


def position() -> Iterator[Sentence]:
    """Yield sentences such as "The key is under the bed.", "There is a cat in the kitchen."."""
    for preposition, french, things, supports in _POSITIONS:
        for thing in nouns(*things):
            for support in nouns(*supports):
                if thing is not support:
                    yield from _position(thing, support, preposition, french)


def _position(thing: Noun, support: Noun, preposition: str, french: str) -> Iterator[Sentence]:
    pair = (thing.english, support.english)
    where_en = f"{preposition} {NounPhrase(support, 'the').english()}"
    where_fr = fr.compose(french, NounPhrase(support, "the").french())
    a, definite = NounPhrase(thing, "a"), NounPhrase(thing, "the")
    own = definite if thing.fits(("public", "fruit")) else NounPhrase(thing, "own")
    options = (
        (f"there is {a.english()} {where_en}.", f"il y a {a.french()} {where_fr}."),
        (f"{own.english(I)} is {where_en}.", f"{own.french()} est {where_fr}."),
        (f"{definite.english()} is {where_en}.", f"{definite.french()} est {where_fr}."),
    )
    for source, target in options:
        text = fr.sentence(fr.compose(target[:-1]), target[-1])
        yield Sentence(en.sentence(source[:-1], source[-1]), (text,), pair, pair)


def person_in_room() -> Iterator[Sentence]:
    """Yield sentences such as "Adam is in the kitchen.", "Is she working in the garden?"."""
    verbs = (
        Verb("be", "être", stative=True),
        Verb("work", "travailler"),
        Verb("sing", "chanter"),
        Verb("eat", "manger"),
    )
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for noun in nouns("kitchen", "bedroom", "garden", "park", "car"):
        complement = FixedComplement(
            f"in the {noun.english}", f"dans {NounPhrase(noun, 'the').french()}", (noun.english,)
        )
        for subject in (*NAMES, HE, SHE, WE):
            for verb in verbs:
                for form in sample(forms, 1, noun.english, subject.english, verb.english):
                    clause = Clause(subject, verb, complement, "present", form)
                    lemmas = (
                        *subject.lemmas,
                        *((verb.english,) if verb.english != "be" else ()),
                        noun.english,
                    )
                    pair = (subject.lemma, noun.english) if subject.lemma else ()
                    yield Sentence(clause.source, clause.targets, lemmas, pair)


def where_is() -> Iterator[Sentence]:
    """Yield sentences such as "Where is the station?", "Where are my pens?"."""
    for noun in nouns("place", "personal", "pet", "vehicle", "kin", "dish", "school"):
        options = [NounPhrase(noun, "own" if noun.fits(("kin",)) else "the")]
        if not noun.fits(("public", "kin")):
            options.append(NounPhrase(noun, "own"))
        if noun.fits(("personal", "pet", "dish", "vehicle")) and noun.english != "glass":
            options += [NounPhrase(noun, "the", True), NounPhrase(noun, "own", True)]
        for phrase in options:
            owners = (I, HE, SHE, WE) if phrase.determiner == "own" else (I,)
            for owner in sample(owners, 2, noun.english, str(phrase.plural)):
                be, être = ("are", "sont") if phrase.plural else ("is", "est")
                target = fr.sentence(fr.compose("où", être, phrase.french(owner.readings[0])), "?")
                yield Sentence(en.sentence(f"where {be} {phrase.english(owner)}", "?"), (target,), (noun.english,))
