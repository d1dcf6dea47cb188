"""English spelling: articles, plurals and verb forms."""

from __future__ import annotations

from typing import Literal

__all__ = ["BE", "Agreement", "sentence", "third_person", "with_article", "with_ed", "with_ing", "with_s"]

Agreement = Literal["I", "it", "they"]
"""How a verb agrees: "I am", "it is", "they are" (also "we" and "you")."""

BE = {"I": "am", "it": "is", "they": "are"}

_VOWELS = "aeiou"


def with_article(phrase: str) -> str:
    """Puts "a" or "an" before `phrase`, by its first letter; "hour" and "useful" must not occur."""
    return ("an " if phrase[0].lower() in _VOWELS else "a ") + phrase


def with_s(word: str) -> str:
    """The -s form of a noun or of a verb: "cat", "cats"; "box", "boxes"; "carry", "carries"."""
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    return word + "s"


def with_ed(word: str) -> str:
    """The regular past: "open", "opened"; "close", "closed"; "study", "studied"."""
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ied"
    return word + "ed"


def with_ing(word: str) -> str:
    """The regular -ing form: "open", "opening"; "close", "closing"; "see", "seeing"."""
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1] + "ing"
    return word + "ing"


def third_person(word: str) -> str:
    """The third person singular of the present: "go", "goes"; "have", "has"."""
    return {"have": "has", "go": "goes", "do": "does"}.get(word) or with_s(word)


def sentence(text: str, mark: str = ".") -> str:
    """Capitalizes `text` and ends it with `mark`."""
    return text[0].upper() + text[1:] + mark
