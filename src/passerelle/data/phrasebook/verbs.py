"""The verbs: English and French forms, what each takes as its object, and in which tenses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import english as en
from .conjugation import Conjugation, conjugate

__all__ = ["ACTIONS", "BE", "INTRANSITIVE", "PEOPLE_ACTIONS", "PEOPLE_STATES", "ROUTINE", "STATES", "Verb"]


@dataclass(frozen=True)
class Verb:
    """A verb of both languages.

    Attributes:
        english: base form, a particle included ("look for"); also the verb's lemma.
        french: infinitive, "se" included where it is reflexive.
        past, ing: English forms of the first word, empty where regular.
        particle: what follows the French verb ("besoin de", "à").
        stative: takes the English simple present instead of the progressive, and no past here: French
            would have to choose between the imparfait and the passé composé.
        same_past: the English past is spelt like the present ("read"), so only "he" and "she" show the tense.
        sudden: over in a moment and not chosen ("lose"): neither progressive nor modal.
        objects: classes of nouns, or nouns, that it takes as object.
        determiners: with which determiners it takes them (see `noun_phrase.Determiner`).
    """

    english: str
    french: str
    past: str = ""
    ing: str = ""
    particle: str = ""
    stative: bool = False
    same_past: bool = False
    sudden: bool = False
    objects: tuple[str, ...] = ()
    determiners: tuple[str, ...] = ()

    @property
    def reflexive(self) -> bool:
        """Whether the French verb takes a reflexive pronoun."""
        return self.french.startswith(("se ", "s'"))

    @cached_property
    def conjugation(self) -> Conjugation:
        """The French forms, without the reflexive pronoun."""
        return conjugate(self.french.removeprefix("se ").removeprefix("s'"))

    def english_form(self, form: str) -> str:
        """One of "base", "third", "past" and "ing", the particle included."""
        head, _, particle = self.english.partition(" ")
        if form == "third":
            head = en.third_person(head)
        elif form == "past":
            head = self.past or en.with_ed(head)
        elif form == "ing":
            head = self.ing or en.with_ing(head)
        return f"{head} {particle}" if particle else head


def _action(
    english: str,
    french: str,
    past: str,
    ing: str,
    objects: str,
    determiners: str,
    *,
    same_past: bool = False,
    sudden: bool = False,
) -> Verb:
    return Verb(
        english,
        french,
        past,
        ing,
        same_past=same_past,
        sudden=sudden,
        objects=tuple(objects.split()),
        determiners=tuple(determiners.split()),
    )


def _state(english: str, french: str, objects: str, determiners: str, *, particle: str = "") -> Verb:
    return Verb(
        english,
        french,
        particle=particle,
        stative=True,
        objects=tuple(objects.split()),
        determiners=tuple(determiners.split()),
    )


ACTIONS: tuple[Verb, ...] = (
    _action("eat", "manger", "ate", "", "food", "a some the"),
    _action("drink", "boire", "drank", "", "drink", "some the"),
    _action(
        "buy",
        "acheter",
        "bought",
        "",
        "vehicle clothes appliance fruit bread cheese meat book house flower newspaper",
        "a some this",
    ),
    _action("sell", "vendre", "sold", "", "vehicle farm furniture house", "the own this"),
    _action("read", "lire", "read", "", "text", "a the this", same_past=True),
    _action("write", "écrire", "wrote", "", "letter book story", "a the"),
    _action("finish", "finir", "", "", "text cake", "the own"),
    _action("open", "ouvrir", "", "", "opening container letter book umbrella", "the this own"),
    _action("close", "fermer", "", "", "opening container book umbrella", "the this own"),
    _action("wash", "laver", "", "", "dish clothes car bike dog window", "the own this"),
    _action("paint", "peindre", "", "", "door house chair kitchen bedroom table", "the this"),
    _action("lose", "perdre", "lost", "", "personal", "own the", sudden=True),
    _action("find", "trouver", "found", "", "personal dog cat hamster", "the own a", sudden=True),
    _action("look for", "chercher", "", "", "personal hotel station bank dog cat", "the own a"),
    _action("choose", "choisir", "chose", "", "clothes book film cake car bike flower", "a this the"),
    _action("wear", "porter", "wore", "", "clothes", "a this the"),
    _action("take", "prendre", "took", "", "transport key bag umbrella", "the this"),
    _action("visit", "visiter", "", "", "museum church city house school", "the this"),
)

STATES: tuple[Verb, ...] = (
    _state(
        "have",
        "avoir",
        "vehicle pet clothes appliance home bag umbrella key garden pen horse",
        "a",
    ),
    _state("want", "vouloir", "vehicle pet clothes food drink appliance pen umbrella horse", "a some this"),
    _state(
        "need",
        "avoir",
        "vehicle clothes appliance bread water bag umbrella key",
        "a some the this",
        particle="besoin de",
    ),
    _state("like", "aimer", "animal food drink clothes show text museum plant", "all this"),
    _state("prefer", "préférer", "animal food drink clothes show text plant", "all this"),
    _state("see", "voir", "animal plant vehicle transport building", "a the this"),
)

PEOPLE_ACTIONS: tuple[Verb, ...] = (
    _action("help", "aider", "", "", "person kin", "the own"),
    _action("invite", "inviter", "", "", "person kin", "the own"),
    _action("listen to", "écouter", "", "", "person kin", "the own"),
    _action("look for", "chercher", "", "", "person kin", "the own"),
    _action("wait for", "attendre", "", "", "person kin", "the own"),
)

PEOPLE_STATES: tuple[Verb, ...] = (
    _state("know", "connaître", "person", "the"),
    _state("see", "voir", "person kin", "the own"),
)

INTRANSITIVE: tuple[Verb, ...] = (
    Verb("sleep", "dormir", "slept"),
    Verb("work", "travailler"),
    Verb("sing", "chanter", "sang"),
    Verb("dance", "danser"),
    Verb("swim", "nager", "swam", "swimming"),
    Verb("run", "courir", "ran", "running"),
    Verb("cry", "pleurer"),
    Verb("laugh", "rire"),
    Verb("eat", "manger", "ate"),
)

ROUTINE: tuple[Verb, ...] = (
    Verb("get up", "se lever", "got", "getting"),
    Verb("wake up", "se réveiller", "woke"),
    Verb("go to bed", "se coucher", "went"),
    Verb("get dressed", "s'habiller", "got", "getting"),
)

BE = Verb("be", "être", stative=True)
