"""English spelling: articles, plurals and verb forms."""

from __future__ import annotations

from typing import Literal

__all__ = ["BE", "Agreement", "sentence", "third_person", "with_article", "with_ed", "with_ing", "with_s"]

Agreement = Literal["I", "it", "they"]
"""Agreement of a verb with its subject: "I am", "it is", "they are" (also "we" and "you")."""

BE = {"I": "am", "it": "is", "they": "are"}

_VOWELS = "aeiou"


def with_article(phrase: str) -> str:
    """Prepend "a" or "an", chosen by the first letter only; do not use it for words such as "hour" and "useful"."""
    return ("an " if phrase[0].lower() in _VOWELS else "a ") + phrase


def with_s(word: str) -> str:
    """Return the -s form of a noun or verb: "cat", "cats"; "box", "boxes"; "carry", "carries"."""
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    return word + "s"


def with_ed(word: str) -> str:
    """Return the regular past: "open", "opened"; "close", "closed"; "study", "studied"."""
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ied"
    return word + "ed"


def with_ing(word: str) -> str:
    """Return the regular -ing form: "open", "opening"; "close", "closing"; "see", "seeing"."""
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1] + "ing"
    return word + "ing"


def third_person(word: str) -> str:
    """Return the third person singular of the present: "go", "goes"; "have", "has"."""
    return {"have": "has", "go": "goes", "do": "does"}.get(word) or with_s(word)


def sentence(text: str, mark: str = ".") -> str:
    """Capitalize `text` and append `mark`."""
    return text[0].upper() + text[1:] + mark
