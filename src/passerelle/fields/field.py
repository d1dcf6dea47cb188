"""A field: one named input or output of a model, which turns people's values into arrays and back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from passerelle.ragged import Ragged

__all__ = ["FIELD_KINDS", "Columns", "Field", "field_from_json"]

Columns = Mapping[str, Sequence[Any]]
"""Rows by column: for each column's name as many values as there are rows."""

FIELD_KINDS: dict[str, type["Field"]] = {}
"""Every kind of field by its name. Defining a subclass of `Field` with a `kind` adds it."""


class Field(ABC):
    """One named input or output of a model.

    A field learns what it must from the training rows when it is made (a vocabulary; a mean and a scale), encodes and
    decodes values, and saves and loads itself. To add a kind, subclass this with a `kind` of its own and add an encoder
    for it to `models.encoders.ENCODERS`.

    Args:
        name: the field's, which is also the name of its column and of its array.
    """

    kind: ClassVar[str] = ""

    def __init__(self, name: str):
        self.name = name

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if cls.kind:
            FIELD_KINDS[cls.kind] = cls

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `encode` reads."""
        return (self.name,)

    @abstractmethod
    def encode(self, columns: Columns) -> dict[str, Ragged]:
        """Encodes the field as an input: arrays by name, as the network takes them."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Returns what a network must know of the field, as JSON values: `kind`, and sizes."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Returns everything that `from_json` needs, as JSON values; `kind` is among them."""

    @classmethod
    @abstractmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> Self:
        """Makes the field that `to_json` described.

        Raises:
            ValueError, KeyError, TypeError or DataError: if the content is not of this kind.
        """

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        """Returns the distinct parts of a row's value that training never showed, as people read them."""
        return ()

    def differences(self, other: "Field") -> list[str]:
        """Names the properties in which `other` differs; empty if both encode alike."""
        mine, theirs = self.to_json(), other.to_json()
        return [name for name in mine if mine[name] != theirs.get(name)]


def field_from_json(name: str, content: Any) -> Field:
    """Makes a field of any known kind from what its `to_json` returned.

    Raises:
        ValueError: if the kind is unknown; and what `Field.from_json` raises.
    """
    kind = content["kind"]
    if not isinstance(kind, str) or kind not in FIELD_KINDS:
        raise ValueError(f"field {name!r} is of an unknown kind ({kind!r:.40})")
    return FIELD_KINDS[kind].from_json(name, content)
