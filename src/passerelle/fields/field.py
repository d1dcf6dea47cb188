"""A field: one named input or output of a model, which converts values to arrays and back."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Self

from passerelle.ragged import Ragged

__all__ = ["FIELD_KINDS", "Columns", "Field", "OutputField", "field_from_json"]

Columns = Mapping[str, Sequence[Any]]
"""Rows by column: column name -> one value for each row."""

FIELD_KINDS: dict[str, type["Field"]] = {}
"""All kinds of fields by name. Defining a subclass of `Field` with a `kind` adds it."""


class Field(ABC):
    """One named input or output of a model.

    A field is fitted to the training rows (it builds a vocabulary, or computes a mean and a scale), encodes and decodes
    values, and converts itself to JSON and back. To add a kind of field, define a subclass with a new `kind` and add
    its encoder to `models.encoders.ENCODERS`.

    Args:
        name: the name of the field, of its column and of its array.
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
        """Encode the field as an input: the arrays for the network, by name."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Return the facts that a network needs about the field, as JSON values: `kind` and sizes."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return everything that `from_json` needs as JSON values, including `kind`."""

    @classmethod
    @abstractmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> Self:
        """Create a field from the result of `to_json`.

        Raises:
            ValueError, KeyError, TypeError or DataError: if `content` does not describe a field of this kind.
        """

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        """Return the distinct parts of the value of a row that the training rows did not contain, as text."""
        return ()

    def keys(self, columns: Columns) -> Sequence[Hashable]:
        """Return a value for each row; it is equal for rows that are the same to the field."""
        return list(zip(*(columns[name] for name in self.columns), strict=True))

    def trimmed(self, columns: Columns) -> set[int]:
        """Return the rows of which the field ignores some whitespace or separators; see `Tokenizer.trim`."""
        return set()

    def differences(self, other: "Field") -> list[str]:
        """Return the names of the properties in which `other` differs; empty if both encode in the same way."""
        mine, theirs = self.to_json(), other.to_json()
        return [name for name in mine if mine[name] != theirs.get(name)]


class OutputField(Field):
    """A field that can also be an output of a model."""

    @abstractmethod
    def encode_targets(self, columns: Columns) -> Ragged:
        """Encode the field as an output: the sequence that a decoder writes for each row.

        Args:
            columns: the column of the output and those of the inputs.
        """

    def encode_copies(self, columns: Columns) -> dict[str, Ragged]:
        """Encode further arrays that the network needs for this output, by name; from the input columns."""
        return {}

    def links(self) -> dict[str, Any]:
        """Return the entries that `to_json` adds for an output: how it depends on the inputs."""
        return {}

    def link(self, inputs: Mapping[str, Field], content: Mapping[str, Any]) -> None:
        """Connect an output that was restored from JSON to the inputs.

        Args:
            inputs: the input fields by name.
            content: `to_json` and `links` of the output.

        Raises:
            ValueError, KeyError or TypeError: if the inputs do not have what the output depends on.
        """


def field_from_json(name: str, content: Any) -> Field:
    """Create a field of any known kind from the result of its `to_json`.

    Raises:
        ValueError: if the kind is unknown.
        ValueError, KeyError, TypeError or DataError: see `Field.from_json`.
    """
    kind = content["kind"]
    if not isinstance(kind, str) or kind not in FIELD_KINDS:
        raise ValueError(f"field {name!r} has an unknown kind, received: {kind!r:.40}")
    return FIELD_KINDS[kind].from_json(name, content)
