"""Syntax trees of regular expressions."""

from dataclasses import dataclass

from passerelle.constraints.code_points import ALL_CODE_POINTS, Ranges

__all__ = [
    "ANY_TEXT",
    "Alternation",
    "Characters",
    "Concatenation",
    "Expression",
    "Repeat",
    "literal",
]


@dataclass(frozen=True)
class Characters:
    """One character in these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Concatenation:
    """One part after the other; the empty text if there is no part."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Alternation:
    """Any one of the parts."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeat:
    """The part, repeated `least` to `most` times; without an upper bound if `most` is None."""

    part: "Expression"
    least: int
    most: int | None


Expression = Characters | Concatenation | Alternation | Repeat

ANY_TEXT = Repeat(Characters(ALL_CODE_POINTS), 0, None)


def literal(text: str) -> Concatenation:
    """Return the expression that matches exactly `text`."""
    return Concatenation(tuple(Characters(((ord(character), ord(character)),)) for character in text))
