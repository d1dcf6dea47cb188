"""Patterns about people: how they are, what they do, whom they know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import english as en
from . import french as fr
from .adjectives import ADJECTIVES, Adjective
from .clause import NOTHING, Clause, Form, Tense, Text
from .noun_phrase import NounPhrase
from .nouns import NOUN, nouns
from .phrase import Sentence, choose, say
from .subjects import HE, KIN, NAMES, SHE, SINGULAR, THEY, WE, YOU, I, Reading, Subject, the
from .verbs import BE, INTRANSITIVE, PEOPLE_ACTIONS, PEOPLE_STATES, Verb

PEOPLE: tuple[Subject, ...] = (*NAMES, *KIN, *(the(noun) for noun in nouns("person")))
_PRONOUNS = (HE, SHE)
_PERSONAL = tuple(adjective for adjective in ADJECTIVES if "kin" in adjective.fits)
_COMPARATIVES = {
    "tall": "taller", "young": "younger", "rich": "richer", "strong": "stronger", "kind": "kinder",
    "happy": "happier", "calm": "calmer", "shy": "shyer", "serious": "more serious", "jealous": "more jealous",
    "intelligent": "more intelligent", "tired": "more tired", "sad": "sadder",
}  # fmt: skip

# French says these states with "avoir", so nothing agrees.
_AVOIR_STATES = (("hungry", "faim"), ("thirsty", "soif"), ("sleepy", "sommeil"), ("afraid", "peur"),
                 ("cold", "froid"), ("hot", "chaud"), ("right", "raison"), ("wrong", "tort"))

_JOBS = (
    ("baker", "boulanger", "boulangère"), ("nurse", "infirmier", "infirmière"), ("lawyer", "avocat", "avocate"),
    ("actor", "acteur", ""), ("actress", "", "actrice"), ("singer", "chanteur", "chanteuse"),
    ("student", "étudiant", "étudiante"), ("dentist", "dentiste", "dentiste"), ("doctor", "médecin", "médecin"),
    ("journalist", "journaliste", "journaliste"), ("musician", "musicien", "musicienne"),
    ("farmer", "agriculteur", "agricultrice"), ("dancer", "danseur", "danseuse"),
    ("mechanic", "mécanicien", "mécanicienne"), ("pharmacist", "pharmacien", "pharmacienne"),
    ("hairdresser", "coiffeur", "coiffeuse"),
)  # fmt: skip

_LANGUAGES = (("French", "français"), ("English", "anglais"), ("Spanish", "espagnol"), ("Italian", "italien"),
              ("German", "allemand"), ("Japanese", "japonais"), ("Arabic", "arabe"), ("Greek", "grec"),
              ("Russian", "russe"), ("Chinese", "chinois"))

_GAMES = (("the piano", "du piano"), ("the violin", "du violon"), ("the flute", "de la flûte"),
          ("the guitar", "de la guitare"), ("the organ", "de l'orgue"), ("the harp", "de la harpe"),
          ("tennis", "au tennis"), ("football", "au football"), ("chess", "aux échecs"), ("cards", "aux cartes"),
          ("hockey", "au hockey"), ("basketball", "au basket"))

# English object pronoun, French clitic, and the subject that would be the same person.
_OBJECT_PRONOUNS = (("me", "me", I), ("him", "le", None), ("her", "la", None), ("us", "nous", WE),
                    ("them", "les", None))


@dataclass(frozen=True)
class Quality:
    """An adjective as a complement of "be": it agrees with the subject."""

    adjective: Adjective
    very: bool = False

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The adjective."""
        return (self.adjective.english,)

    def english(self, subject: Subject | None = None) -> str:
        """The adjective, with "very" if asked for."""
        return ("very " if self.very else "") + self.adjective.english

    def french(self, reading: Reading | None = None, *, negated: bool = False, after_de: bool = False) -> str:
        """The adjective, agreeing with `reading`."""
        gender, plural = (reading.gender, reading.plural) if reading else ("m", False)
        return ("très " if self.very else "") + self.adjective.agree(gender, plural)


def person_is_adjective() -> Iterator[Sentence]:
    """"Marie is tired.", "My brother is not very tall.", "Is she happy?"."""
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for adjective in _PERSONAL:
        for subject in (*PEOPLE, *_PRONOUNS):
            options = [(form, very) for form in forms for very in (False, True)]
            if adjective.english in ("ready", "sick"):
                options = [option for option in options if not option[1]]
            count = 4 if subject.lemma else 6
            for form, very in choose(options, count, adjective.english, subject.english):
                clause = Clause(subject, BE, Quality(adjective, very), "present", form)
                pair = (subject.lemma, adjective.english) if subject.lemma else ()
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, adjective.english), pair)


def open_reference() -> Iterator[Sentence]:
    """"You are tired.", "They are tired.": every gender, number and politeness that English leaves open."""
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for adjective in _PERSONAL:
        for subject, count in ((I, 2), (WE, 2), (YOU, 2), (THEY, 1)):
            for form in choose(forms, count, adjective.english, subject.english):
                clause = Clause(subject, BE, Quality(adjective), "present", form)
                yield Sentence(clause.source, clause.targets, (adjective.english,))


def comparison() -> Iterator[Sentence]:
    """"Paul is taller than Marie.", "My sister is as tall as Adam."."""
    for english, comparative in _COMPARATIVES.items():
        adjective = next(a for a in _PERSONAL if a.english == english)
        for subject in (*NAMES, *KIN, *_PRONOUNS):
            reading = subject.readings[0]
            quality = adjective.agree(reading.gender, plural=False)
            others = [(other.english, other.readings[0].french, other.lemmas) for other in (*NAMES, *KIN)
                      if other is not subject]
            others.append(("me", "moi", ()))
            for other_en, other_fr, other_lemmas in choose(others, 3, english, subject.english):
                frames = ((f"is {comparative} than", "plus"), (f"is as {english} as", "aussi"))
                for frame, degree in choose(frames, 1, english, subject.english, other_en):
                    source = en.sentence(f"{subject.english} {frame} {other_en}")
                    target = fr.sentence(fr.compose(reading.french, "est", degree, quality, "que", other_fr))
                    pair = (subject.lemma, english) if subject.lemma else ()
                    yield Sentence(source, (target,), (*subject.lemmas, english, *other_lemmas), pair)


def state_with_avoir() -> Iterator[Sentence]:
    """"I am hungry.", "Marie will be cold.", "Is he right?"."""
    verb = Verb("be", "avoir", stative=True)
    options: tuple[tuple[Tense, Form], ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("present", "often"),
        ("future", "statement"), ("present", "never"),
    )  # fmt: skip
    for english, french in _AVOIR_STATES:
        complement = Text(english, french, (english,))
        for subject in (*PEOPLE, *_PRONOUNS, I, WE, YOU, THEY):
            for tense, form in choose(options, 3 if subject.lemma else 5, english, subject.english):
                clause = Clause(subject, verb, complement, tense, form)
                pair = (subject.lemma, english) if subject.lemma else ()
                yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)


def job() -> Iterator[Sentence]:
    """"Marie is a baker.", "My brother wants to be a doctor."; French has no article here."""
    options: tuple[tuple[Tense, Form], ...] = (
        ("present", "statement"), ("present", "negative"), ("present", "question"), ("future", "statement"),
        ("want to", "statement"),
    )  # fmt: skip
    for english, masculine, feminine in _JOBS:
        for subject in (*NAMES, *KIN, *_PRONOUNS):
            french = masculine if subject.readings[0].gender == "m" else feminine
            if french:
                complement = Text(en.with_article(english), french, (english,))
                for tense, form in choose(options, 3 if subject.lemma else 5, english, subject.english):
                    clause = Clause(subject, BE, complement, tense, form)
                    pair = (subject.lemma, english) if subject.lemma else ()
                    yield Sentence(clause.source, clause.targets, (*subject.lemmas, english), pair)


def language() -> Iterator[Sentence]:
    """"Anne speaks Greek.", "Adam is learning Arabic."."""
    speak, learn = Verb("speak", "parler", stative=True), Verb("learn", "apprendre")
    understand = Verb("understand", "comprendre", stative=True)
    forms: tuple[Form, ...] = ("statement", "negative", "question")
    for english, french in _LANGUAGES:
        article = fr.compose("le", french)
        for subject in (*NAMES, *KIN, *_PRONOUNS, I, WE):
            options: list[tuple[Verb, Tense, Form]] = [(speak, "present", form) for form in forms]
            options += [(understand, "present", form) for form in forms]
            options += [(learn, "present", "statement"), (learn, "want to", "statement"), (learn, "future", "statement")]
            for verb, tense, form in choose(options, 4, english, subject.english):
                spoken = Text(english, french if verb is speak else article, (english,))
                pair = (subject.lemma, english) if subject.lemma else ()
                yield say(Clause(subject, verb, spoken, tense, form), *pair)


def playing() -> Iterator[Sentence]:
    """"Julie plays the violin.", "Louis is playing chess."."""
    play = Verb("play", "jouer")
    options: tuple[tuple[Tense, Form], ...] = (
        ("present", "statement"), ("habit", "statement"), ("habit", "negative"), ("habit", "question"),
        ("habit", "often"), ("habit", "never"), ("past", "statement"), ("want to", "statement"), ("can", "question"),
    )  # fmt: skip
    for english, french in _GAMES:
        complement = Text(english, french, (english.removeprefix("the "),))
        for subject in (*NAMES, *KIN, *_PRONOUNS, I, WE):
            for tense, form in choose(options, 4, english, subject.english):
                pair = (subject.lemma, complement.lemmas[0]) if subject.lemma else ()
                yield say(Clause(subject, play, complement, tense, form), *pair)


def intransitive() -> Iterator[Sentence]:
    """"The boy is sleeping.", "She sings well.", "Why is Paul crying?"."""
    adverbs = (("a lot", "beaucoup"), ("too much", "trop"), ("every day", "tous les jours"))
    skilled = (("well", "bien"), ("badly", "mal"), ("very well", "très bien"))
    animals = tuple(the(noun) for noun in nouns("pet", "farm", "bird", "mouse", "hedgehog"))
    for verb in INTRANSITIVE:
        subjects = [*PEOPLE, *_PRONOUNS, I, WE]
        if verb.english in ("sleep", "run", "eat"):
            subjects += animals
        options: list[tuple[Tense, Form, tuple[str, str], tuple[str, str]]] = [
            ("present", "statement", ("", ""), ("", "")),
            ("present", "negative", ("", ""), ("", "")),
            ("present", "question", ("", ""), ("", "")),
            ("present", "question", ("", ""), ("why", "pourquoi")),
            ("future", "statement", ("tomorrow", "demain"), ("", "")),
            ("habit", "never", ("", ""), ("", "")),
            ("habit", "often", ("", ""), ("", "")),
        ]
        fitting = adverbs + (skilled if verb.english in ("sing", "dance", "swim", "sleep", "work") else ())
        options += [("habit", "statement", adverb, ("", "")) for adverb in fitting]
        for subject in subjects:
            for tense, form, adverb, opening in choose(options, 4, verb.english, subject.english):
                clause = Clause(subject, verb, NOTHING, tense, form, adverb, opening=opening)
                yield say(clause, *((subject.lemma, verb.english) if subject.lemma else ()))


def object_pronoun() -> Iterator[Sentence]:
    """"She knows him.", "I do not hear them.": the pronoun stands before the French verb."""
    draws: tuple[tuple[Tense, Form], ...] = (("present", "statement"), ("present", "negative"),
                                             ("present", "question"), ("future", "statement"))
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for english, clitic, same in _OBJECT_PRONOUNS:
            complement = Text(english, "", (english,))
            for tense, form in draws:
                if not (verb.stative and tense == "future"):
                    subjects = [subject for subject in (*_PRONOUNS, *NAMES, *KIN, I, WE) if subject is not same]
                    for subject in choose(subjects, 4, verb.english, english, tense, form):
                        clause = Clause(subject, verb, complement, tense, form, clitic=clitic)
                        yield say(clause, verb.english, english)


def person_object() -> Iterator[Sentence]:
    """"Paul is helping his sister.", "Anne knows the king.", "He did not invite Alice."."""
    action: tuple[tuple[Tense, Form], ...] = (
        ("present", "statement"), ("past", "statement"), ("future", "statement"), ("want to", "statement"),
        ("past", "negative"), ("past", "question"), ("must", "statement"), ("going to", "statement"),
    )  # fmt: skip
    state: tuple[tuple[Tense, Form], ...] = (("present", "statement"), ("present", "negative"), ("present", "question"))
    subjects = (*NAMES, HE, SHE, I, WE)
    for verb in (*PEOPLE_ACTIONS, *PEOPLE_STATES):
        for tense, form in state if verb.stative else action:
            for noun in nouns(*verb.objects):
                determiner = "own" if noun.fits(("kin",)) else "the"
                key = (verb.english, noun.english, tense, form)
                for subject in choose(subjects, 2, *key):
                    clause = Clause(subject, verb, NounPhrase(NOUN[noun.english], determiner), tense, form)
                    yield say(clause, verb.english, noun.english)
            for other in NAMES:
                complement = Text(other.english, other.english, other.lemmas)
                for subject in choose([s for s in subjects if s is not other], 2, verb.english, other.english, tense, form):
                    yield say(Clause(subject, verb, complement, tense, form), verb.english, other.english)


def giving() -> Iterator[Sentence]:
    """"Paul is giving a book to the girl.", "She showed the photo to Anne."."""
    verbs = (Verb("give", "donner", "gave"), Verb("show", "montrer"), Verb("lend", "prêter", "lent"),
             Verb("send", "envoyer", "sent"))
    things = {"give": ("several", "ring", "pen", "hat", "dog", "cat", "key", "bag"), "show": ("photo", "letter",
              "poem", "car", "house", "ring", "dress"), "lend": ("vehicle", "pen", "umbrella", "book", "dress",
              "phone"), "send": ("letter", "photo", "poem", "book")}
    receivers = [*NAMES, *(the(noun) for noun in nouns("person"))]
    tenses: tuple[Tense, ...] = ("present", "past", "future", "want to")
    for verb in verbs:
        for noun in nouns(*things[verb.english]):
            determiners = ("the", "own") if verb.english == "show" else ("a", "own", "the")
            for receiver in choose(receivers, 6, verb.english, noun.english):
                givers = [s for s in (*NAMES, HE, SHE, I, WE) if s is not receiver]
                for subject in choose(givers, 1, verb.english, noun.english, receiver.english):
                    key = (verb.english, noun.english, receiver.english, subject.english)
                    phrase = NounPhrase(noun, choose(determiners, 1, *key)[0])
                    adverb = (f"to {receiver.english}", "à " + receiver.readings[0].french)
                    clause = Clause(subject, verb, phrase, choose(tenses, 1, "tense", *key)[0], adverb=adverb)
                    lemmas = (*clause.lemmas, receiver.lemma)
                    yield Sentence(clause.source, clause.targets, lemmas, (verb.english, noun.english))
