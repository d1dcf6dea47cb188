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
"""NARROW NO-BREAK SPACE, which French sets before "?" and "!"."""

ELIDED = frozenset({"je", "me", "te", "se", "ne", "le", "la", "de", "que"})
"""Words that lose their vowel before a vowel sound."""

CONTRACTED = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}

# No elision or liaison before these, although they begin with a vowel letter or with h.
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
    """Whether `word` asks for elision: a vowel or a mute h. Letters y and aspirated h do not."""
    word = word.lower()
    return word[:1] in _VOWEL_LETTERS and not word.startswith(_UNJOINED)


def compose(*parts: str) -> str:
    """Joins words with spaces, eliding ("je ai": "j'ai") and contracting ("à le": "au") as French does.

    Parts may hold several words or none. "le" and "les" are taken for articles: this grammar never puts
    an object pronoun after "à" or "de", where there would be no contraction.
    """
    following = ""
    composed: list[str] = []
    # From the right, so that elision goes first: "de le hôtel" is "de l'hôtel", nothing left to contract.
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
    """Capitalizes `text` and ends it with `mark`, after a narrow no-break space if it is "?" or "!"."""
    space = "" if mark == "." else NARROW_SPACE
    return text[0].upper() + text[1:] + space + mark


def pluralize(word: str) -> str:
    """The regular plural: "chat", "chats"; "bras", "bras"; "oiseau", "oiseaux"; "journal", "journaux"."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "eu")) and word != "bleu":
        return word + "x"
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + "s"


def feminize(word: str) -> str:
    """The regular feminine of an adjective or a past participle: "grand", "grande"; "jeune", "jeune"."""
    if word.endswith("eux"):
        return word[:-1] + "se"
    return word if word.endswith("e") else word + "e"


def agree(participle: str, gender: Gender, plural: bool) -> str:
    """A past participle agreeing with its subject: ("allé", "f", True) gives "allées"."""
    word = feminize(participle) if gender == "f" else participle
    return pluralize(word) if plural else word


def definite(gender: Gender, plural: bool) -> str:
    """The definite article before elision and contraction."""
    if plural:
        return "les"
    return "le" if gender == "m" else "la"


def indefinite(gender: Gender, plural: bool) -> str:
    """The indefinite article."""
    if plural:
        return "des"
    return "un" if gender == "m" else "une"


def partitive(gender: Gender) -> str:
    """The partitive article before elision and contraction: "de le pain" becomes "du pain"."""
    return "de " + definite(gender, plural=False)


def demonstrative(gender: Gender, plural: bool, following: str) -> str:
    """The demonstrative, one of "ce", "cet", "cette" and "ces", by the word that follows."""
    if plural:
        return "ces"
    if gender == "f":
        return "cette"
    return "cet" if begins_with_vowel_sound(following) else "ce"


def possessive(owner: int, gender: Gender, plural: bool, following: str) -> str:
    """The possessive for an owner in one of the six persons (0 to 5), by the word that follows.

    Before a vowel sound the feminine singular borrows the masculine: "mon école", "son amie".
    """
    masculine, feminine, plurals = POSSESSIVES[owner]
    if plural:
        return plurals
    return masculine if gender == "m" or begins_with_vowel_sound(following) else feminine
