"""The verbs: English and French forms, possible objects and tenses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import english as en
from .conjugation import Conjugation, conjugate

__all__ = ["ACTIONS", "BE", "INTRANSITIVE", "PEOPLE_ACTIONS", "PEOPLE_STATES", "ROUTINE", "STATES", "Verb"]


@dataclass(frozen=True)
class Verb:
    """A verb with its English and French forms.

    Attributes:
        english: base form, with its particle ("look for"); also the lemma of the verb.
        french: infinitive, with "se" if it is reflexive.
        past, ing: English forms of the first word; empty if regular.
        particle: words between the French verb and its complement ("besoin de", "à").
        stative: whether English uses the simple present instead of the progressive. Such verbs have no past in this
            grammar, because French would allow both imparfait and passé composé.
        same_past: whether the English past is spelt like the present ("read"), so that only the third person singular
            shows the tense.
        sudden: whether it is instantaneous and involuntary ("lose"), and thus neither progressive nor modal.
        objects: nouns, or classes of nouns, that can be its object.
        determiners: possible determiners of its object (see `noun_phrase.Determiner`).
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
        """Whether the French verb is reflexive."""
        return self.french.startswith(("se ", "s'"))

    @cached_property
    def conjugation(self) -> Conjugation:
        """The French forms, without the reflexive pronoun."""
        return conjugate(self.french.removeprefix("se ").removeprefix("s'"))

    def english_form(self, form: str) -> str:
        """Return the form "base", "third", "past" or "ing", with the particle."""
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
        "vehicle clothes appliance food furniture book home flower tulip newspaper ticket ring bottle box",
        "a some this",
    ),
    _action(
        "sell", "vendre", "sold", "", "vehicle farm furniture appliance home ring restaurant factory", "the own this"
    ),
    _action("read", "lire", "read", "", "text", "a the this", same_past=True),
    _action("write", "écrire", "wrote", "", "letter book article story novel poem message", "a the"),
    _action("finish", "finir", "", "", "text cake sandwich pizza omelette soup", "the own"),
    _action("open", "ouvrir", "", "", "opening container letter book umbrella", "the this own"),
    _action("close", "fermer", "", "", "opening container book umbrella", "the this own"),
    _action("wash", "laver", "", "", "dish clothes vehicle dog window fruit tomato carrot", "the own this"),
    _action("paint", "peindre", "", "", "door home chair kitchen bedroom table window wardrobe box", "the this"),
    _action("lose", "perdre", "lost", "", "personal", "own the", sudden=True),
    _action("find", "trouver", "found", "", "personal pet restaurant hotel box basket", "the own a", sudden=True),
    _action(
        "look for",
        "chercher",
        "",
        "",
        "personal hotel station bank restaurant library factory dog cat rabbit mouse",
        "the own a",
    ),
    _action(
        "choose",
        "choisir",
        "chose",
        "",
        "clothes book novel poem film cake fruit vehicle furniture flower hotel restaurant",
        "a this the",
    ),
    _action("wear", "porter", "wore", "", "clothes", "a this the"),
    _action("take", "prendre", "took", "", "transport key bag umbrella box basket knife spoon ticket", "the this"),
    _action("visit", "visiter", "", "", "building home town", "the this"),
    _action(
        "bring",
        "apporter",
        "brought",
        "",
        "fruit olive bread cheese meat water milk coffee wine beer soup salad cake pizza "
        "dish letter newspaper flower chair umbrella lamp basket juice cream honey",
        "a some the",
    ),
    _action(
        "cut",
        "couper",
        "cut",
        "cutting",
        "bread cheese meat ham butter cake pizza omelette fruit tomato carrot onion tree flower tulip",
        "the this",
        same_past=True,
    ),
    _action(
        "make",
        "faire",
        "made",
        "",
        "soup salad jam coffee tea lemonade juice cider bread cheese butter cake pizza sandwich omelette",
        "a some",
    ),
    _action(
        "order", "commander", "", "", "meat ham fish soup salad rice cake pizza sandwich omelette drink", "a some the"
    ),
    _action(
        "break",
        "casser",
        "broke",
        "",
        "dish vessel seat window appliance umbrella lamp mirror",
        "the this own",
        sudden=True,
    ),
    _action("repair", "réparer", "", "", "vehicle appliance furniture umbrella door window bag", "the own this"),
    _action("clean", "nettoyer", "", "", "room vehicle furniture window castle", "the own this"),
    _action("forget", "oublier", "forgot", "", "personal", "own the", sudden=True),
    _action("hide", "cacher", "hid", "", "personal box bread chocolate jam bottle", "the own"),
    _action("fill", "remplir", "", "", "vessel container glass", "the this own"),
    _action(
        "build", "construire", "built", "", "home hotel school church castle factory library theatre", "a the this"
    ),
    _action("draw", "dessiner", "drew", "", "animal plant fruit home castle", "a the this"),
    _action("watch", "regarder", "", "", "animal film train plane", "a the this"),
    _action("borrow", "emprunter", "", "", "vehicle text pen umbrella appliance knife", "a the this"),
    _action("peel", "éplucher", "", "", "fruit carrot onion tomato", "a the this"),
    _action("catch", "attraper", "caught", "", "animal", "a the this"),
    _action("send", "envoyer", "sent", "", "letter book article message novel poem flower ticket key", "a the this"),
    _action("push", "pousser", "", "", "vehicle furniture door", "the own this"),
    _action("steal", "voler", "stole", "", "vehicle personal animal pet bread cheese meat", "a the"),
    _action("taste", "goûter", "", "", "food drink", "the this"),
    _action("feed", "nourrir", "fed", "", "animal", "the this own"),
    _action("photograph", "photographier", "", "", "building animal plant", "a the this"),
)

STATES: tuple[Verb, ...] = (
    _state(
        "have",
        "avoir",
        "vehicle pet farm clothes appliance furniture home bag umbrella key garden pen ring ticket box basket",
        "a",
    ),
    _state(
        "want", "vouloir", "vehicle pet clothes food drink appliance furniture pen umbrella horse ring", "a some this"
    ),
    _state(
        "need",
        "avoir",
        "vehicle clothes appliance furniture dish bread butter rice soup water bag umbrella key ticket",
        "a some the this",
        particle="besoin de",
    ),
    _state("like", "aimer", "animal food drink clothes show text museum plant", "all this"),
    _state("prefer", "préférer", "animal food drink clothes show text plant", "all this"),
    _state("hate", "détester", "animal food drink clothes show text", "all this"),
    _state("see", "voir", "animal plant vehicle transport building", "a the this"),
)

PEOPLE_ACTIONS: tuple[Verb, ...] = (
    _action("help", "aider", "", "", "person kin", "the own"),
    _action("invite", "inviter", "", "", "person kin", "the own"),
    _action("listen to", "écouter", "", "", "person kin", "the own"),
    _action("look for", "chercher", "", "", "person kin", "the own"),
    _action("wait for", "attendre", "", "", "person kin", "the own"),
    _action("meet", "rencontrer", "met", "", "person kin", "the own"),
    _action("thank", "remercier", "", "", "person kin", "the own"),
    _action("watch", "regarder", "", "", "person kin", "the own"),
    _action("avoid", "éviter", "", "", "person kin", "the own"),
    _action("draw", "dessiner", "drew", "", "person kin", "the own"),
    _action("imitate", "imiter", "", "", "person kin", "the own"),
    _action("ignore", "ignorer", "", "", "person kin", "the own"),
    _action("encourage", "encourager", "", "", "person kin", "the own"),
    _action("protect", "protéger", "", "", "person kin", "the own"),
)

PEOPLE_STATES: tuple[Verb, ...] = (
    _state("know", "connaître", "person", "the"),
    _state("admire", "admirer", "person kin", "the own"),
    _state("hate", "détester", "person kin", "the own"),
    _state("adore", "adorer", "person kin", "the own"),
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
