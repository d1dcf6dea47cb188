"""Heads: from the output of a decoder's layers to tokens or numbers, by kind of the output field."""

from passerelle.models.heads.head import Head
from passerelle.models.heads.numbers import NumbersHead
from passerelle.models.heads.text import TextHead

__all__ = ["HEADS"]

HEADS: dict[str, type[Head]] = {
    "text": TextHead,
    "numbers": NumbersHead,
}
"""Head class for each `Field.kind` that can be an output; see `Head` for the arguments."""
