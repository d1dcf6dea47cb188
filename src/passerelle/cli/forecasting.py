"""Files of time series and of arrays, as the commands of forecasting read them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.errors import DataError, SettingsError

if TYPE_CHECKING:
    from passerelle.data.layout import Layout
    from passerelle.data.windows import Windows
    from passerelle.forecaster import Forecaster

__all__ = ["Adapt", "CommaSeparated", "load_forecaster", "names_in", "read_arrays", "read_windows", "series_layout"]

CommaSeparated = str | None
"""Type of a flag with names of columns, separated by commas."""

Adapt = Annotated[bool, Parameter(group=IN_GROUP["Search"], show_default=False)]
"""Type of the flag that turns the adaptation of intervals off."""

ARRAYS = ("history", "future", "known", "static")


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


def read_windows(file: str, layout: "Layout | None", *, stride: int = 1) -> "tuple[Windows, Layout | None]":
    """Read windows from a file of time series or of arrays; return them and the complete layout."""
    from dataclasses import replace

    from passerelle.data.series import read_series
    from passerelle.data.series_windows import past_of, windows_of
    from passerelle.data.windows import Windows

    if layout is None:
        arrays = read_arrays(file)
        for name in ("history", "future"):
            if name not in arrays:
                raise DataError(f"{file}: there is no array {name!r}. Save it with numpy.savez.")
        return Windows(**arrays, name=file), None
    if stride < 1:
        raise SettingsError(f"--stride must be at least 1, received: {stride}")
    series, layout = read_series(file, layout)
    if layout.series and not layout.names:
        layout = replace(layout, names=tuple(each.name for each in series))
    past = [past_of(each, layout) for each in series]
    return windows_of([each for each in past if len(each.times)], layout, stride=stride, name=file), layout


def read_arrays(file: str) -> dict:
    """Read the arrays of a .npz file; nothing in it is executed.

    Raises:
        DataError: if the file cannot be read, or has other arrays.
    """
    import zipfile

    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} cannot be read as .npz: {str(error).splitlines()[0]:.100}") from None
    for name, array in arrays.items():
        if name not in ARRAYS:
            raise DataError(f"{file}: unknown array {name!r}. Known: {', '.join(ARRAYS)}.")
        if array.dtype.kind not in "fiubU":
            raise DataError(f"{file}: the array {name!r} must have numbers, received: the type {array.dtype}.")
    return {name: array.tolist() if array.dtype.kind == "U" else array for name, array in arrays.items()}


def load_forecaster(path: str) -> "Forecaster":
    """Load a forecaster."""
    from passerelle.forecaster import Forecaster

    return Forecaster.load(path)
