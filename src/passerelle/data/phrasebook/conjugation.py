"""French conjugation: regular verbs in -er, -ir and -re, and a table of irregular verbs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

__all__ = ["PERSONS", "Conjugation", "conjugate"]

PERSONS = ("je", "tu", "il", "nous", "vous", "ils")
"""The six grammatical persons; all tuples of six forms are in this order."""

_FUTURE_ENDINGS = ("ai", "as", "a", "ons", "ez", "ont")


@dataclass(frozen=True)
class Conjugation:
    """The forms of one verb that this grammar needs.

    Attributes:
        infinitive: infinitive without a reflexive pronoun.
        present: six forms, in the order of `PERSONS`.
        participle: past participle, masculine singular.
        future: six forms, in the same order.
        with_etre: whether the auxiliary of compound tenses is "être"; the participle then agrees with the subject.
    """

    infinitive: str
    present: tuple[str, ...]
    participle: str
    future: tuple[str, ...]
    with_etre: bool = False


# infinitive: (six present forms, participle, stem of the future)
_IRREGULAR = {
    "aller": ("vais vas va allons allez vont", "allé", "ir"),
    "apprendre": ("apprends apprends apprend apprenons apprenez apprennent", "appris", "apprendr"),
    "appeler": ("appelle appelles appelle appelons appelez appellent", "appelé", "appeller"),
    "avoir": ("ai as a avons avez ont", "eu", "aur"),
    "boire": ("bois bois boit buvons buvez boivent", "bu", "boir"),
    "comprendre": ("comprends comprends comprend comprenons comprenez comprennent", "compris", "comprendr"),
    "connaître": ("connais connais connaît connaissons connaissez connaissent", "connu", "connaîtr"),
    "construire": (
        "construis construis construit construisons construisez construisent",
        "construit",
        "construir",
    ),
    "courir": ("cours cours court courons courez courent", "couru", "courr"),
    "devenir": ("deviens deviens devient devenons devenez deviennent", "devenu", "deviendr"),
    "devoir": ("dois dois doit devons devez doivent", "dû", "devr"),
    "dormir": ("dors dors dort dormons dormez dorment", "dormi", "dormir"),
    "écrire": ("écris écris écrit écrivons écrivez écrivent", "écrit", "écrir"),
    "envoyer": ("envoie envoies envoie envoyons envoyez envoient", "envoyé", "enverr"),
    "être": ("suis es est sommes êtes sont", "été", "ser"),
    "faire": ("fais fais fait faisons faites font", "fait", "fer"),
    "lire": ("lis lis lit lisons lisez lisent", "lu", "lir"),
    "naître": ("nais nais naît naissons naissez naissent", "né", "naîtr"),
    "ouvrir": ("ouvre ouvres ouvre ouvrons ouvrez ouvrent", "ouvert", "ouvrir"),
    "partir": ("pars pars part partons partez partent", "parti", "partir"),
    "peindre": ("peins peins peint peignons peignez peignent", "peint", "peindr"),
    "pouvoir": ("peux peux peut pouvons pouvez peuvent", "pu", "pourr"),
    "prendre": ("prends prends prend prenons prenez prennent", "pris", "prendr"),
    "revenir": ("reviens reviens revient revenons revenez reviennent", "revenu", "reviendr"),
    "rire": ("ris ris rit rions riez rient", "ri", "rir"),
    "sourire": ("souris souris sourit sourions souriez sourient", "souri", "sourir"),
    "sortir": ("sors sors sort sortons sortez sortent", "sorti", "sortir"),
    "venir": ("viens viens vient venons venez viennent", "venu", "viendr"),
    "voir": ("vois vois voit voyons voyez voient", "vu", "verr"),
    "vouloir": ("veux veux veut voulons voulez veulent", "voulu", "voudr"),
}

_WITH_ETRE = frozenset(
    {"aller", "arriver", "devenir", "naître", "partir", "rester", "revenir", "sortir", "tomber", "venir"}
)


def _first_group(infinitive: str) -> tuple[str, str, str]:
    """Return the forms of a verb in -er, with its spelling changes: mangeons, commençons, nettoie, achète, protège."""
    stem = infinitive[:-2]
    strong = stem  # before silent endings
    soft = stem  # before "-ons"
    future = infinitive
    if stem.endswith("g"):
        soft = stem + "e"
    elif stem.endswith("c"):
        soft = stem[:-1] + "ç"
    if stem.endswith(("oy", "uy")):
        strong = stem[:-1] + "i"
        future = strong + "er"
    elif stem[-2] in "eé" and stem[-1] not in "aeéiou":
        strong = stem[:-2] + "è" + stem[-1]
        # "achètera", but "préférera": only the mute e changes in the future.
        future = strong + "er" if stem[-2] == "e" else infinitive
    present = f"{strong}e {strong}es {strong}e {soft}ons {stem}ez {strong}ent"
    return present, stem + "é", future


def _regular(infinitive: str) -> tuple[str, str, str]:
    stem = infinitive[:-2]
    if infinitive.endswith("er"):
        return _first_group(infinitive)
    if infinitive.endswith("ir"):
        return f"{stem}is {stem}is {stem}it {stem}issons {stem}issez {stem}issent", stem + "i", infinitive
    if infinitive.endswith("re"):
        return f"{stem}s {stem}s {stem} {stem}ons {stem}ez {stem}ent", stem + "u", infinitive[:-1]
    raise ValueError(
        f"`infinitive` must end in -er, -ir or -re, or be in the table of irregular verbs, received: {infinitive!r}."
    )


@cache
def conjugate(infinitive: str) -> Conjugation:
    """Conjugate a verb.

    Raises:
        ValueError: if the verb is neither in the table of irregular verbs nor regular.
    """
    present, participle, future = _IRREGULAR.get(infinitive) or _regular(infinitive)
    return Conjugation(
        infinitive=infinitive,
        present=tuple(present.split()),
        participle=participle,
        future=tuple(future + ending for ending in _FUTURE_ENDINGS),
        with_etre=infinitive in _WITH_ETRE,
    )
