"""The columns of several outputs: `fr=2,de=3`, or names of columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from passerelle.errors import SettingsError

__all__ = ["MAX_OUTPUTS", "Outputs", "check_output_names", "output_columns"]

MAX_OUTPUTS = 8
"""Maximum number of outputs of a model."""

_RESERVED = ("source", "target", "tags")

Outputs = str | Sequence[str] | Mapping[str, Any] | None
"""Several outputs: `fr=2,de=3`, names, or a mapping of names to columns; None for one output."""


def output_columns(outputs: Outputs, *, numbered: bool) -> dict[str, str]:
    """Return the column of each output by its name, in order; empty for one output.

    Args:
        outputs: `NAME=COLUMN` of each output, with commas, or names only; a sequence of such texts; or a mapping. An
            output without a column has the column of its name.
        numbered: whether the columns of the format have numbers by default. Then, if all outputs are a sequence of
            names without columns, as those of a trained model, they are the columns after the first.

    Raises:
        SettingsError: if it has another form, or names are invalid.
    """
    if not outputs:
        return {}
    found: dict[str, str] = {}
    if isinstance(outputs, Mapping):
        found = {name: str(column) for name, column in outputs.items()}
        names: list[Any] = list(outputs)
    else:
        parts = outputs.split(",") if isinstance(outputs, str) else list(outputs)
        if not all(isinstance(part, str) for part in parts):
            raise SettingsError(f"outputs must be names, or NAME=COLUMN, received: {outputs!r:.80}")
        names = []
        for number, part in enumerate(parts, start=2):
            name, equals, column = (text.strip() for text in part.partition("="))
            names.append(name)
            found[name] = column if equals else str(number) if numbered and not isinstance(outputs, str) else name
    check_output_names(names)
    return found


def check_output_names(names: Sequence[Any]) -> None:
    """Check the names of several outputs.

    Raises:
        SettingsError: if there are fewer than two or too many, or a name is not an identifier or is used twice.
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
    if not 2 <= len(names) <= MAX_OUTPUTS:
        raise SettingsError(
            f"outputs are 2 to {MAX_OUTPUTS} names, received: {', '.join(names)}. A model with one output needs "
            f"columns only."
        )
