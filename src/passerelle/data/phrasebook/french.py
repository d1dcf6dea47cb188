"""French spelling: elision, contraction, agreement, determiners and typography."""

from __future__ import annotations

from typing import Literal

__all__ = [
    "CONTRACTED",
    "ELIDED",
    "NARROW_SPACE",
    "POSSESSIVES",
    "Gender",
    "agree",
    "begins_with_vowel_sound",
    "compose",
    "definite",
    "demonstrative",
    "feminize",
    "indefinite",
    "partitive",
    "pluralize",
    "possessive",
    "sentence",
]

Gender = Literal["m", "f"]

NARROW_SPACE = "\u202f"
"""NARROW NO-BREAK SPACE, which precedes "?" and "!" in French."""

ELIDED = frozenset({"je", "me", "te", "se", "ne", "le", "la", "de", "que"})
"""Words whose final vowel is elided before a vowel sound."""

CONTRACTED = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}

# Words without elision or liaison before them, although they begin with a vowel letter or h.
_UNJOINED = ("hamster", "hérisson", "harpe", "hockey", "huit", "onze")

_VOWEL_LETTERS = frozenset("aàâeéèêiîïoôœuùûh")

POSSESSIVES = (
    ("mon", "ma", "mes"),
    ("ton", "ta", "tes"),
    ("son", "sa", "ses"),
    ("notre", "notre", "nos"),
    ("votre", "votre", "vos"),
    ("leur", "leur", "leurs"),
)
"""Possessives as (masculine, feminine, plural), in the order of the six grammatical persons of the owner."""


def begins_with_vowel_sound(word: str) -> bool:
    """Whether `word` begins with a vowel or a mute h and requires elision; y and aspirated h do not."""
    word = word.lower()
    return word[:1] in _VOWEL_LETTERS and not word.startswith(_UNJOINED)


def compose(*parts: str) -> str:
    """Join words with spaces, with elision ("je ai": "j'ai") and contraction ("à le": "au").

    A part may consist of several words or none. "le" and "les" are treated as articles; the grammar never generates
    an object pronoun after "à" or "de", which would not be contracted.
    """
    following = ""
    composed: list[str] = []
    # From right to left, so that elision comes first: "de le hôtel" becomes "de l'hôtel" and is not contracted.
    for word in reversed(" ".join(parts).split()):
        if word in ELIDED and following and begins_with_vowel_sound(following):
            composed[-1] = following = f"{word[:-1]}'{following}"
        elif (word, following) in CONTRACTED:
            composed[-1] = following = CONTRACTED[word, following]
        else:
            composed.append(word)
            following = word
    return " ".join(reversed(composed))


def sentence(text: str, mark: str = ".") -> str:
    """Capitalize `text` and append `mark`, with a narrow no-break space before "?" and "!"."""
    space = "" if mark == "." else NARROW_SPACE
    return text[0].upper() + text[1:] + space + mark


def pluralize(word: str) -> str:
    """Return the regular plural: "chat", "chats"; "bras", "bras"; "oiseau", "oiseaux"; "journal", "journaux"."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "eu")) and word != "bleu":
        return word + "x"
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + "s"


def feminize(word: str) -> str:
    """Return the regular feminine of an adjective or past participle: "grand", "grande"; "jeune", "jeune"."""
    if word.endswith("eux"):
        return word[:-1] + "se"
    return word if word.endswith("e") else word + "e"


def agree(participle: str, gender: Gender, plural: bool) -> str:
    """Make a past participle agree with its subject: ("allé", "f", True) gives "allées"."""
    word = feminize(participle) if gender == "f" else participle
    return pluralize(word) if plural else word


def definite(gender: Gender, plural: bool) -> str:
    """Return the definite article, before elision and contraction."""
    if plural:
        return "les"
    return "le" if gender == "m" else "la"


def indefinite(gender: Gender, plural: bool) -> str:
    """Return the indefinite article."""
    if plural:
        return "des"
    return "un" if gender == "m" else "une"


def partitive(gender: Gender) -> str:
    """Return the partitive article, before elision and contraction: "de le pain" becomes "du pain"."""
    return "de " + definite(gender, plural=False)


def demonstrative(gender: Gender, plural: bool, following: str) -> str:
    """Return "ce", "cet", "cette" or "ces"; `following` is the next word."""
    if plural:
        return "ces"
    if gender == "f":
        return "cette"
    return "cet" if begins_with_vowel_sound(following) else "ce"


def possessive(owner: int, gender: Gender, plural: bool, following: str) -> str:
    """Return the possessive for an owner in one of the six persons (0 to 5); `following` is the next word.

    Before a vowel sound the feminine singular has the masculine form: "mon école", "son amie".
    """
    masculine, feminine, plurals = POSSESSIVES[owner]
    if plural:
        return plurals
    return masculine if gender == "m" or begins_with_vowel_sound(following) else feminine
