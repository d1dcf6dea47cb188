"""Patterns about time: the clock, timetables, days, months and ages."""

from __future__ import annotations

from collections.abc import Iterator

from . import english as en
from . import french as fr
from .clause import NOTHING, Clause, Form, Tense, Text
from .noun_phrase import NUMBERS
from .nouns import nouns
from .phrase import Sentence, choose, say
from .subjects import HE, KIN, NAMES, PLAIN, SHE, WE, I, the
from .verbs import ROUTINE, Verb

# English before the hour, French after it, and whether English counts towards the next hour.
_MINUTES = (
    ("", "", False), ("five past", "cinq", False), ("ten past", "dix", False), ("quarter past", "et quart", False),
    ("twenty past", "vingt", False), ("half past", "et demie", False), ("twenty to", "moins vingt", True),
    ("quarter to", "moins le quart", True), ("ten to", "moins dix", True), ("five to", "moins cinq", True),
)  # fmt: skip
_HOURS = {word: number for number, (word, _) in NUMBERS.items() if number < 12}

_DAYS = (("Monday", "lundi"), ("Tuesday", "mardi"), ("Wednesday", "mercredi"), ("Thursday", "jeudi"),
         ("Friday", "vendredi"), ("Saturday", "samedi"), ("Sunday", "dimanche"))
_MONTHS = (("January", "janvier"), ("February", "février"), ("March", "mars"), ("April", "avril"), ("May", "mai"),
           ("June", "juin"), ("July", "juillet"), ("August", "août"), ("September", "septembre"),
           ("October", "octobre"), ("November", "novembre"), ("December", "décembre"))
_SEASONS = (("spring", "au printemps"), ("summer", "en été"), ("autumn", "en automne"), ("winter", "en hiver"))

LEAVE, COME_BACK = Verb("leave", "partir", "left"), Verb("come back", "revenir", "came")
ARRIVE, GO_OUT = Verb("arrive", "arriver"), Verb("go out", "sortir", "went")
"""Verbs without complement, all with "être"."""


def clock(minutes: str, hour: str) -> tuple[str, str]:
    """English and French of a time of day; `minutes` as in English ("half past"), `hour` an English number."""
    words, after, _ = next(entry for entry in _MINUTES if entry[0] == minutes)
    number = _HOURS[hour]
    french_hour = "une heure" if number == 1 else f"{NUMBERS[number][1]} heures"
    if not words:
        return f"{hour} o'clock", french_hour
    english = f"a {words} {hour}" if words.startswith("quarter") else f"{words} {hour}"
    return english, f"{french_hour} {after}"


def _times() -> Iterator[tuple[str, str]]:
    for minutes, _, _ in _MINUTES:
        for hour in _HOURS:
            yield minutes, hour


def _pair(minutes: str, hour: str) -> tuple[str, str]:
    # "five past two" has the lemmas "five past" and "two".
    return (minutes or "o'clock", hour)


def time_of_day() -> Iterator[Sentence]:
    """"It is half past three.", "It is ten to six in the morning."; minutes and hour may be held out."""
    for minutes, hour in _times():
        english, french = clock(minutes, hour)
        pair = _pair(minutes, hour)
        parts = [("", ""), (" in the morning", " du matin"), (" already", " déjà")]
        number = _HOURS[hour]
        parts.append((" in the afternoon", " de l'après-midi") if number < 6 else (" in the evening", " du soir"))
        for part_en, part_fr in parts:
            if part_en == " already":
                source, target = f"it is already {english}", f"il est déjà {french}"
            else:
                source, target = f"it is {english}{part_en}", f"il est {french}{part_fr}"
            yield Sentence(en.sentence(source), (fr.sentence(target),), pair, pair)
    for english, french in (("noon", "midi"), ("midnight", "minuit")):
        for before_en, before_fr in (("it is", "il est"), ("it is already", "il est déjà")):
            target = fr.sentence(f"{before_fr} {french}")
            yield Sentence(en.sentence(f"{before_en} {english}"), (target,), (english,))


def timetable() -> Iterator[Sentence]:
    """"The train leaves at ten past two.", "The bank opens at nine o'clock."."""
    verbs = ((LEAVE, ("transport",)), (ARRIVE, ("transport",)), (Verb("open", "ouvrir"), ("business", "library")),
             (Verb("close", "fermer"), ("business", "library")), (Verb("begin", "commencer"), ("film",)))
    for verb, classes in verbs:
        for noun in nouns(*classes):
            for minutes, hour in choose(_times(), 12, verb.english, noun.english):
                english, french = clock(minutes, hour)
                pair = _pair(minutes, hour)
                complement = Text(f"at {english}", f"à {french}", pair)
                yield say(Clause(the(noun), verb, complement, "habit"), *pair)


def routine() -> Iterator[Sentence]:
    """"Julie gets up at seven o'clock.", "He woke up at half past six."."""
    for verb in (*ROUTINE, LEAVE, ARRIVE):
        for minutes, hour in _times():
            number = _HOURS[hour]
            if verb in ROUTINE and number not in ((8, 9, 10, 11) if verb.english == "go to bed" else (5, 6, 7, 8, 9)):
                continue
            english, french = clock(minutes, hour)
            pair = _pair(minutes, hour)
            complement = Text(f"at {english}", f"à {french}", pair)
            tenses: tuple[Tense, ...] = ("habit", "past", "future")
            for tense in choose(tenses, 2, verb.english, *pair):
                subjects = (HE, SHE, *NAMES, *KIN) if tense == "past" else PLAIN
                for subject in choose(subjects, 2, verb.english, tense, *pair):
                    yield say(Clause(subject, verb, complement, tense), *pair)


def routine_without_time() -> Iterator[Sentence]:
    """"Is Paul getting dressed?", "She does not wake up.", "He wants to go to bed."."""
    options: tuple[tuple[Tense, Form], ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("past", "statement"),
        ("past", "negative"), ("past", "question"), ("want to", "statement"), ("must", "statement"),
    )  # fmt: skip
    for verb in (*ROUTINE, LEAVE, ARRIVE, COME_BACK, GO_OUT):
        for subject in (*NAMES, *KIN, HE, SHE, I, WE):
            known = options if subject not in (I, WE) else [option for option in options if option[0] != "past"]
            for tense, form in choose(known, 4, verb.english, subject.english):
                pair = (subject.lemma, verb.english) if subject.lemma else ()
                yield say(Clause(subject, verb, NOTHING, tense, form), *pair)


def day() -> Iterator[Sentence]:
    """"Marie arrived on Monday.", "The bank is closed on Sunday.", "It will snow on Friday."."""
    options: tuple[tuple[Tense, Form], ...] = (
        ("past", "statement"), ("future", "statement"), ("past", "negative"), ("past", "question"),
        ("future", "question"), ("want to", "statement"),
    )  # fmt: skip
    for english, french in _DAYS:
        complement = Text(f"on {english}", french, (english,))
        for verb in (LEAVE, ARRIVE, COME_BACK, GO_OUT):
            for tense, form in options:
                subjects = (HE, SHE, *NAMES, *KIN) if tense == "past" else PLAIN
                for subject in choose(subjects, 4, verb.english, english, tense, form):
                    yield say(Clause(subject, verb, complement, tense, form), verb.english, english)
        for source, target in (("it will rain", "il pleuvra"), ("it will snow", "il neigera"),
                               ("it rained", "il a plu"), ("it snowed", "il a neigé")):
            yield Sentence(f"{source.capitalize()} on {english}.", (fr.sentence(f"{target} {french}"),), (english,))


def month() -> Iterator[Sentence]:
    """"Paul was born in May.", "It is cold in winter.", "We will go to Rome in June."."""
    born = Verb("be born in", "naître", "was")
    for english, french in _MONTHS:
        complement = Text(english, f"en {french}", (english,))
        for subject in (*NAMES, *KIN, HE, SHE):
            pair = (subject.lemma, english) if subject.lemma else ()
            for form in choose(("statement", "negative", "question"), 2, subject.english, english):
                yield say(Clause(subject, born, complement, "past", form), *pair)
        for verb in (LEAVE, ARRIVE, COME_BACK):
            for subject in choose(PLAIN, 4, verb.english, english):
                when = Text(f"in {english}", f"en {french}", (english,))
                yield say(Clause(subject, verb, when, "future"), verb.english, english)
    seasons = [(english, french) for english, french in _SEASONS]
    for english, french in (*seasons, *((name, f"en {month}") for name, month in _MONTHS)):
        for name, source, target in (("cold", "it is cold", "il fait froid"), ("hot", "it is hot", "il fait chaud"),
                                     ("cold", "it is not cold", "il ne fait pas froid"),
                                     ("hot", "it is not hot", "il ne fait pas chaud")):
            pair = (name, english)
            yield Sentence(en.sentence(f"{source} in {english}"), (fr.sentence(f"{target} {french}"),), pair, pair)


def age() -> Iterator[Sentence]:
    """"Paul is ten years old.", "I will be thirty years old."; French has years."""
    have = Verb("be", "avoir", stative=True)
    people = (*NAMES, *KIN, *(the(noun) for noun in nouns("man", "woman")))
    children = (*NAMES, *(the(noun) for noun in nouns("boy", "girl")))
    for number, (english, french) in NUMBERS.items():
        if number == 1:
            continue
        subjects = (people if number >= 20 else children) + (HE, SHE)
        if number >= 10:
            subjects += (I, WE)
        complement = Text(f"{english} years old", f"{french} ans", (english,))
        options: tuple[tuple[Tense, Form], ...] = (("present", "statement"), ("present", "negative"),
                                                   ("present", "question"), ("future", "statement"))
        for subject in subjects:
            for tense, form in choose(options, 2, english, subject.english):
                pair = (subject.lemma, english) if subject.lemma else ()
                clause = Clause(subject, have, complement, tense, form)
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)
