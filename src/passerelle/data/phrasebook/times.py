"""Patterns about time: the clock, timetables, days, months and ages."""

from __future__ import annotations

from collections.abc import Iterator

from . import english as en
from . import french as fr
from .clause import NO_COMPLEMENT, Clause, FixedComplement, Tense, TenseForm
from .noun_phrase import NUMBERS
from .nouns import nouns
from .phrase import Sentence, sample, to_sentence
from .subjects import COMMON_SUBJECTS, HE, KIN, NAMES, QUESTION_SUBJECTS, SHE, SINGULAR_SUBJECTS, WE, I, the
from .verbs import ROUTINE, Verb

__all__ = ["age", "clock", "day", "month", "routine", "routine_without_time", "time_of_day", "timetable"]

# English text before the hour, French text after it: "ten to six" is "six heures moins dix".
_MINUTES = {
    "": "", "five past": "cinq", "ten past": "dix", "quarter past": "et quart", "twenty past": "vingt",
    "half past": "et demie", "twenty to": "moins vingt", "quarter to": "moins le quart",
    "ten to": "moins dix", "five to": "moins cinq",
}  # fmt: skip
_ROUND = ("", "half past")
_NOON = (("noon", "midi"), ("midnight", "minuit"))
_HOURS = {word: number for number, (word, _) in NUMBERS.items() if number < 12}

_DAYS = (
    ("Monday", "lundi"),
    ("Tuesday", "mardi"),
    ("Wednesday", "mercredi"),
    ("Thursday", "jeudi"),
    ("Friday", "vendredi"),
    ("Saturday", "samedi"),
    ("Sunday", "dimanche"),
)
_MONTHS = (
    ("January", "janvier"),
    ("February", "février"),
    ("March", "mars"),
    ("April", "avril"),
    ("May", "mai"),
    ("June", "juin"),
    ("July", "juillet"),
    ("August", "août"),
    ("September", "septembre"),
    ("October", "octobre"),
    ("November", "novembre"),
    ("December", "décembre"),
)
_SEASONS = (
    ("spring", "au printemps"),
    ("summer", "en été"),
    ("autumn", "en automne"),
    ("winter", "en hiver"),
)

LEAVE, COME_BACK = Verb("leave", "partir", "left"), Verb("come back", "revenir", "came")
ARRIVE, GO_OUT = Verb("arrive", "arriver"), Verb("go out", "sortir", "went")
"""Verbs without complement, all with the auxiliary "être"."""


def clock(minutes: str, hour: str) -> tuple[str, str]:
    """Return a time of day in English and French; `minutes` is a key of `_MINUTES`, `hour` an English number."""
    number = _HOURS[hour]
    french_hour = "une heure" if number == 1 else f"{NUMBERS[number][1]} heures"
    if not minutes:
        return f"{hour} o'clock", french_hour
    english = f"a {minutes} {hour}" if minutes.startswith("quarter") else f"{minutes} {hour}"
    return english, f"{french_hour} {_MINUTES[minutes]}"


def _times() -> Iterator[tuple[str, str]]:
    for minutes in _MINUTES:
        for hour in _HOURS:
            yield minutes, hour


def _pair(minutes: str, hour: str) -> tuple[str, str]:
    # The lemmas of "five past two" are "five past" and "two".
    return (minutes or "o'clock", hour)


def time_of_day() -> Iterator[Sentence]:
    """Yield sentences such as "It is half past three."; the combination of minutes and hour may be held out."""
    for minutes, hour in _times():
        english, french = clock(minutes, hour)
        pair = _pair(minutes, hour)
        texts = [
            (f"it is {english}", f"il est {french}"),
            (f"it is already {english}", f"il est déjà {french}"),
            (f"it will soon be {english}", f"il sera bientôt {french}"),
        ]
        if not minutes:
            texts.append((f"it is {english} in the morning", f"il est {french} du matin"))
            evening = _HOURS[hour] > 5
            part_en, part_fr = ("evening", "du soir") if evening else ("afternoon", "de l'après-midi")
            texts.append((f"it is {english} in the {part_en}", f"il est {french} {part_fr}"))
        for source, target in texts:
            yield Sentence(en.sentence(source), (fr.sentence(target),), pair, pair)
    for english, french in _NOON:
        for before_en, before_fr in (("it is", "il est"), ("it is already", "il est déjà")):
            target = fr.sentence(f"{before_fr} {french}")
            yield Sentence(en.sentence(f"{before_en} {english}"), (target,), (english,))


def timetable() -> Iterator[Sentence]:
    """Yield sentences such as "The train leaves at half past two.", "The bank opens at nine o'clock."."""
    shops = ("bank", "museum")
    hours = range(1, 12)
    verbs = (
        (LEAVE, ("transport",), hours),
        (ARRIVE, ("transport",), hours),
        (Verb("open", "ouvrir"), shops, (7, 8, 9, 10)),
        (Verb("close", "fermer"), shops, (5, 6, 7, 8)),
        (Verb("begin", "commencer"), ("film",), hours),
    )
    for verb, classes, opening_hours in verbs:
        for noun in nouns(*classes):
            for minutes, hour in sample(
                [time for time in _times() if time[0] in _ROUND and _HOURS[time[1]] in opening_hours],
                10,
                verb.english,
                noun.english,
            ):
                english, french = clock(minutes, hour)
                pair = _pair(minutes, hour)
                complement = FixedComplement(f"at {english}", f"à {french}", pair)
                yield to_sentence(Clause(the(noun), verb, complement, "habit"), *pair)
    for english, french in _NOON:
        complement = FixedComplement(f"at {english}", f"à {french}", (english,))
        for noun in nouns("transport"):
            yield to_sentence(Clause(the(noun), LEAVE, complement, "habit"))
        for subject in COMMON_SUBJECTS:
            yield to_sentence(Clause(subject, ARRIVE, complement, "future"))


def routine() -> Iterator[Sentence]:
    """Yield sentences such as "We get up at seven o'clock.", "Marc woke up at half past six."."""
    for verb in (*ROUTINE, LEAVE, ARRIVE):
        for minutes, hour in _times():
            if minutes not in _ROUND:
                continue
            number = _HOURS[hour]
            if verb in ROUTINE and number not in ((8, 9, 10, 11) if verb.english == "go to bed" else (5, 6, 7, 8, 9)):
                continue
            english, french = clock(minutes, hour)
            pair = _pair(minutes, hour)
            complement = FixedComplement(f"at {english}", f"à {french}", pair)
            tenses: tuple[Tense, ...] = ("habit", "past", "future")
            for tense in tenses:
                subjects = COMMON_SUBJECTS if tense == "habit" else SINGULAR_SUBJECTS
                for subject in sample(subjects, 2, verb.english, tense, *pair):
                    yield to_sentence(Clause(subject, verb, complement, tense), *pair)


def routine_without_time() -> Iterator[Sentence]:
    """Yield sentences such as "Is Paul getting dressed?", "He did not wake up.", "He wants to go to bed."."""
    options: tuple[TenseForm, ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("past", "statement"),
        ("past", "negative"), ("past", "question"), ("want to", "statement"), ("must", "statement"),
    )  # fmt: skip
    for verb in (*ROUTINE, LEAVE, ARRIVE, COME_BACK, GO_OUT):
        for subject in (*NAMES, HE, SHE, I, WE):
            known = options if subject not in (I, WE) else [option for option in options if option[0] != "past"]
            if subject is I:
                known = [option for option in known if option[1] != "question"]
            if verb is ARRIVE:
                known = [option for option in known if option[0] in ("present", "past")]
            for tense, form in sample(known, 4, verb.english, subject.english):
                pair = (subject.lemma, verb.english) if subject.lemma else ()
                yield to_sentence(Clause(subject, verb, NO_COMPLEMENT, tense, form), *pair)


def day() -> Iterator[Sentence]:
    """Yield sentences such as "He arrived on Monday.", "It will snow on Friday."."""
    options: tuple[TenseForm, ...] = (
        ("past", "statement"), ("future", "statement"), ("past", "negative"), ("past", "question"),
        ("future", "question"), ("want to", "statement"),
    )  # fmt: skip
    for english, french in _DAYS:
        complement = FixedComplement(f"on {english}", french, (english,))
        for verb in (LEAVE, ARRIVE, COME_BACK, GO_OUT):
            for tense, form in options:
                subjects = (
                    SINGULAR_SUBJECTS
                    if tense == "past"
                    else QUESTION_SUBJECTS
                    if form == "question"
                    else COMMON_SUBJECTS
                )
                for subject in sample(subjects, 3, verb.english, english, tense, form):
                    yield to_sentence(Clause(subject, verb, complement, tense, form), verb.english, english)
        for source, target in (
            ("it will rain", "il pleuvra"),
            ("it will snow", "il neigera"),
            ("it rained", "il a plu"),
            ("it snowed", "il a neigé"),
        ):
            yield Sentence(f"{source.capitalize()} on {english}.", (fr.sentence(f"{target} {french}"),), (english,))


def month() -> Iterator[Sentence]:
    """Yield sentences such as "Paul was born in May.", "It is cold in winter.", "He will leave in June."."""
    born = Verb("be born in", "naître", "was")
    seasons_and_months = (*_SEASONS, *((name, f"en {french}") for name, french in _MONTHS))
    for english, french in seasons_and_months:
        complement = FixedComplement(english, french, (english,))
        for subject in (*NAMES, HE, SHE):
            pair = (subject.lemma, english) if subject.lemma else ()
            for form in sample(("statement", "negative", "question"), 2, subject.english, english):
                yield to_sentence(Clause(subject, born, complement, "past", form), *pair)
        for verb in (LEAVE, ARRIVE, COME_BACK):
            for subject in sample(COMMON_SUBJECTS, 4, verb.english, english):
                when = FixedComplement(f"in {english}", french, (english,))
                yield to_sentence(Clause(subject, verb, when, "future"), verb.english, english)
    for english, french in seasons_and_months:
        for name, source, target in (
            ("cold", "it is cold", "il fait froid"),
            ("hot", "it is hot", "il fait chaud"),
            ("cold", "it is not cold", "il ne fait pas froid"),
            ("hot", "it is not hot", "il ne fait pas chaud"),
        ):
            pair = (name, english)
            yield Sentence(en.sentence(f"{source} in {english}"), (fr.sentence(f"{target} {french}"),), pair, pair)


def age() -> Iterator[Sentence]:
    """Yield sentences such as "Paul is ten years old.", "Marc will be thirty years old."; French uses "avoir"."""
    have = Verb("be", "avoir", stative=True)
    people = (*NAMES, *KIN, *(the(noun) for noun in nouns("man", "woman")))
    children = (*NAMES, *(the(noun) for noun in nouns("boy", "girl")))
    for number, (english, french) in NUMBERS.items():
        if number == 1:
            continue
        subjects = (people if number >= 20 else children) + (HE, SHE)
        if number >= 10:
            subjects += (I, WE)
        complement = FixedComplement(f"{english} years old", f"{french} ans", (english,))
        options: tuple[TenseForm, ...] = (
            ("present", "statement"),
            ("present", "negative"),
            ("present", "question"),
            ("future", "statement"),
        )
        for subject in subjects:
            known = options if subject not in (I, WE) else options[:2]
            for tense, form in sample(known, 2, english, subject.english):
                pair = (subject.lemma, english) if subject.lemma else ()
                clause = Clause(subject, have, complement, tense, form)
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)
