"""The columns of several outputs, `fr=2,length=3:numbers` or names of columns, and their values: texts or numbers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from passerelle.errors import DataError, SettingsError

__all__ = [
    "MAX_OUTPUTS", "NUMBERS", "Numbers", "OutputColumns", "OutputValues", "Outputs", "cell_text", "check_output_names",
    "output_columns",
]  # fmt: skip

MAX_OUTPUTS = 8
"""Maximum number of outputs of a model."""

NUMBERS = ":numbers"
"""Suffix of an output that has numbers."""

_RESERVED = ("source", "target", "tags")

Outputs = str | Sequence[str] | Mapping[str, Any] | None
"""Several outputs: `fr=2,length=3:numbers`, names, or a mapping of names to columns; None for one output."""

Numbers = tuple[tuple[float, ...], ...]
"""Numbers of a row: a tuple for each step. A single number is `((3.0,),)`."""


@dataclass(frozen=True)
class OutputColumns:
    """The columns of several outputs.

    Attributes:
        columns: the column of each output by its name, in order; empty for one output.
        numbers: the names of the outputs that have numbers.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()


def output_columns(outputs: Outputs, *, numbered: bool) -> OutputColumns:
    """Return the columns of several outputs; none for one output.

    Args:
        outputs: `NAME=COLUMN` of each output, with commas, or names only; a sequence of such texts; or a mapping. An
            output without a column has the column of its name. `:numbers` at the end marks an output of numbers.
        numbered: whether the columns of the format have numbers by default. Then, if all outputs are a sequence of
            names without columns, as those of a trained model, they are the columns after the first.

    Raises:
        SettingsError: if it has another form, or names are invalid.
    """
    if not outputs:
        return OutputColumns()
    if isinstance(outputs, Mapping):
        parts: list[Any] = [f"{name}={column}" if isinstance(name, str) else name for name, column in outputs.items()]
    else:
        parts = outputs.split(",") if isinstance(outputs, str) else list(outputs)
    if not all(isinstance(part, str) for part in parts):
        raise SettingsError(f"outputs must be names, or NAME=COLUMN, received: {outputs!r:.80}")
    names, numbers, found = [], set[str](), dict[str, str]()
    for number, part in enumerate(parts, start=2):
        text = part.strip()
        name, equals, column = (each.strip() for each in text.removesuffix(NUMBERS).partition("="))
        if text.endswith(NUMBERS):
            numbers.add(name)
        if (kind := column.partition(":"))[1] and kind[0].isdecimal():
            raise SettingsError(f"output {name!r}: unknown kind {kind[2]!r:.40}. Write {name}={kind[0]}{NUMBERS}")
        names.append(name)
        found[name] = column if equals else str(number) if numbered and not isinstance(outputs, str) else name
    check_output_names(names, numbers)
    return OutputColumns(found, frozenset(numbers))


def check_output_names(names: Sequence[Any], numbers: Collection[str] = ()) -> None:
    """Check the names of several outputs, of which some may have `numbers`.

    Raises:
        SettingsError: if there are fewer than two (unless it is one of numbers) or too many, or a name is not an
            identifier or is used twice.
    """
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or name in _RESERVED:
            raise SettingsError(
                f"the name of an output must consist of letters, digits and _, begin with a letter, and not be "
                f"{', '.join(_RESERVED[:-1])} or {_RESERVED[-1]}, received: {name!r:.40}. Write NAME=COLUMN if the "
                f"column has another name"
            )
        if names.count(name) > 1:
            raise SettingsError(f"the output {name!r} is named twice. Name it once.")
    if not (1 if numbers else 2) <= len(names) <= MAX_OUTPUTS:
        raise SettingsError(
            f"outputs are 2 to {MAX_OUTPUTS} names, received: {', '.join(names)}. A model with one output of text "
            f"needs columns only."
        )


class OutputValues:
    """Checks the values of several outputs, row by row. An output has texts, or numbers of the same shape in all rows.

    Args:
        numbers: the names of the outputs that have numbers, if they are known. Texts of these are read as numbers:
            `0.5`, several numbers with spaces between them, and steps with semicolons, such as `1 2; 3 4`.
    """

    def __init__(self, numbers: Collection[str] | None = None):
        self._numbers = numbers
        self._shapes: dict[str, tuple[int, int] | None] = {}

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the outputs that have numbers, among those seen."""
        return tuple(name for name, shape in self._shapes.items() if shape is not None)

    def checked(self, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the texts and numbers (`Numbers`) of a row, without missing and blank ones.

        Args:
            values: texts, or numbers of any form, by the name of the output; None where there is none.
            where: the place of the row, for messages.

        Raises:
            DataError: if a value is neither, or of another kind or shape than in the rows before.
        """
        found = {}
        for name, value in values.items():
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            checked = self._checked(name, value, where)
            shape = None if isinstance(checked, str) else (len(checked), len(checked[0]))
            known = self._shapes.setdefault(name, shape)
            if shape != known:
                raise DataError(
                    f"{where}: the output {name!r} must have {_shape_words(known)}, as in the rows before, received: "
                    f"{value!r:.40}"
                )
            found[name] = checked
        return found

    def _checked(self, name: str, value: Any, where: str) -> Any:
        if isinstance(value, str) and (self._numbers is None or name not in self._numbers):
            return value
        numbers: Any = value
        if isinstance(value, str):
            numbers = [step.split() for step in value.split(";")]
        elif self._numbers is not None and name not in self._numbers:
            raise DataError(f"{where}: expected a text, received: {value!r:.40}. Write it as a string.")
        try:
            array = np.empty(0) if isinstance(value, (bool, bytes, Mapping)) else np.asarray(numbers, np.float64)
        except (TypeError, ValueError):
            array = np.empty(0)
        if not array.size or array.ndim > 2:
            kind = "a text, or numbers" if self._numbers is None else "numbers"
            raise DataError(f"{where}: the output {name!r} must be {kind}, or missing, received: {value!r:.40}")
        if not np.isfinite(array).all():
            raise DataError(
                f"{where}: the output {name!r} must have finite numbers, received: {array.ravel().tolist()!r:.40}. "
                f"Leave out what is missing."
            )
        return tuple(map(tuple, array.reshape(1 if array.ndim < 2 else len(array), -1).tolist()))


def _shape_words(shape: tuple[int, int] | None) -> str:
    if shape is None:
        return "a text"
    steps, width = shape
    return f"{width} number{'s' * (width > 1)}{f' in each of {steps} steps' if steps > 1 else ''}"


def cell_text(value: Any) -> str:
    """Return a text, or numbers as a text that `OutputValues` reads again: `1.0 2.0; 3.0 4.0` for two steps."""
    return value if isinstance(value, str) else "; ".join(" ".join(map(repr, step)) for step in value)
