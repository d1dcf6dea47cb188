"""Arguments that the commands of forecasting share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.errors import SettingsError

if TYPE_CHECKING:
    from passerelle.data.layout import Layout
    from passerelle.forecaster import Forecaster

__all__ = ["Adapt", "CommaSeparated", "load_forecaster", "names_in", "series_layout"]

CommaSeparated = str | None
"""Type of a flag with names of columns, separated by commas."""

Adapt = Annotated[bool, Parameter(group=IN_GROUP["Search"], show_default=False)]
"""Type of the flag that turns the adaptation of intervals off."""


def names_in(value: CommaSeparated) -> tuple[str, ...]:
    """Return the names in a flag."""
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


def series_layout(
    file: str, *, targets: Sequence[str], history: int | None, horizon: int | None, **columns
) -> "Layout | None":
    """Return the layout of a file of time series; None for a file of arrays, which needs none.

    Raises:
        SettingsError: if a flag is missing, or a column has two uses.
    """
    from passerelle.data.layout import Layout

    if file.endswith(".npz"):
        return None
    for name, value in (("--target", targets), ("--history", history), ("--horizon", horizon)):
        if not value:
            raise SettingsError(f"{file} is a file of time series, which needs {name}. Add {name}.")
    if (history or 0) < 1 or (horizon or 0) < 1:
        raise SettingsError(f"--history and --horizon must be at least 1, received: {history} and {horizon}")
    named = [
        columns["time"],
        *targets,
        *columns["inputs"],
        *columns["known"],
        *([columns["series"]] if columns["series"] else []),
    ]
    for name in named:
        if named.count(name) > 1:
            raise SettingsError(f"the column {name!r} is named twice. Name it once.")
    return Layout(targets=tuple(targets), history=history or 1, horizon=horizon or 1, **columns)


def load_forecaster(path: str) -> "Forecaster":
    """Load a forecaster."""
    from passerelle.forecaster import Forecaster

    return Forecaster.load(path)
