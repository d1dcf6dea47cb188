"""Windows in files: cut from time series, as arrays, and as an exact copy."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from passerelle.data.layout import Layout
from passerelle.data.series import read_series
from passerelle.data.series_windows import past_of, windows_of
from passerelle.data.windows import Windows
from passerelle.data.writing import write_atomically
from passerelle.errors import DataError

__all__ = ["read_arrays", "read_copied_windows", "read_windows", "write_windows"]

ARRAYS = ("history", "future", "known", "static")


def read_windows(file: str, layout: Layout | None, *, stride: int = 1) -> tuple[Windows, Layout | None]:
    """Read windows from a file of time series, or of arrays if there is no layout.

    Args:
        file: path of the file.
        layout: columns of the time series; None for a .npz file of arrays.
        stride: steps from one window to the next, for time series.

    Returns:
        The windows and the layout with all that the file tells; None for a file of arrays.

    Raises:
        DataError: if the file cannot be read, or is too short.
        SettingsError: if the stride is below 1.
    """
    if layout is None:
        arrays = read_arrays(file)
        for name in ("history", "future"):
            if name not in arrays:
                raise DataError(f"{file}: there is no array {name!r}. Save it with numpy.savez.")
        return Windows(**arrays, name=file), None
    series, layout = read_series(file, layout)
    if layout.series and not layout.names:
        layout = replace(layout, names=tuple(each.name for each in series))
    past = [past_of(each, layout) for each in series]
    return windows_of([each for each in past if len(each.times)], layout, stride=stride, name=file), layout


def read_arrays(file: str) -> dict[str, Any]:
    """Read the arrays of a .npz file by name; nothing in it is executed.

    Raises:
        DataError: if the file cannot be read, or has other arrays.
    """
    arrays = _stored(file)
    for name, array in arrays.items():
        if name not in ARRAYS:
            raise DataError(f"{file}: unknown array {name!r}. Known: {', '.join(ARRAYS)}.")
        if array.dtype.kind not in "fiubU":
            raise DataError(f"{file}: the array {name!r} must have numbers, received: the type {array.dtype}.")
    return {name: array.tolist() if array.dtype.kind == "U" else array for name, array in arrays.items()}


def write_windows(path: str | os.PathLike[str], windows: Windows) -> None:
    """Write an exact copy of windows to a .npz file, atomically; `read_copied_windows` reads it.

    A column whose rows have different lengths has its rows one after the other, and their lengths. Texts and all that
    is no array are JSON.

    Raises:
        OutputError: if it cannot be written.
    """
    facts: dict[str, Any] = {"name": windows.name, "names": windows.names, "texts": {}}
    facts["targets"] = None if windows.targets is None else [int(target) for target in windows.targets]
    arrays: dict[str, Any] = {}
    if windows.positions is not None:
        arrays["positions"] = np.asarray(windows.positions, np.int64)
    for name, column in windows.columns.items():
        if isinstance(column[0], str):
            facts["texts"][name] = list(column)
            continue
        rows = [np.asarray(row, np.float64) for row in column]
        if len({row.shape for row in rows}) == 1:
            arrays[name] = np.stack(rows)
        else:
            arrays[name] = np.concatenate(rows)
            arrays[f"{name}_lengths"] = np.array([len(row) for row in rows], np.int64)
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))


def read_copied_windows(path: str | os.PathLike[str]) -> Windows:
    """Read the windows that `write_windows` wrote.

    Raises:
        DataError: if the file is missing or damaged.
    """
    arrays = _stored(path)
    try:
        facts = json.loads(arrays["facts"].tobytes())
        columns: dict[str, Any] = dict(facts["texts"])
        for name in (name for name in ARRAYS if name in arrays):
            lengths: Sequence[int] | None = arrays.get(f"{name}_lengths")  # pyright: ignore[reportAssignmentType]
            columns[name] = arrays[name] if lengths is None else np.split(arrays[name], np.cumsum(lengths)[:-1])
        return Windows(
            **columns,
            targets=facts["targets"],
            names=facts["names"],
            positions=arrays.get("positions"),
            name=str(facts["name"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError, DataError) as error:
        raise DataError(f"{os.fspath(path)} is damaged: {error!s:.100}. Start another run.") from None


def _stored(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{os.fspath(path)} cannot be read as .npz: {str(error).splitlines()[0]:.100}") from None
