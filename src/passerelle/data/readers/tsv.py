"""Reader for tab-separated text: source, tab, target; without a header, unless columns are given by name."""

import os
from collections.abc import Callable, Generator, Sequence
from itertools import chain

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.anki import is_anki_header, read_anki
from passerelle.data.readers.columns import column_numbers, find_columns
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_tsv"]


def read_tsv(
    path: str | os.PathLike[str],
    columns: Sequence[str] = ("1", "2"),
    max_line: int = MAX_LINE,
    *,
    several: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Generator[Row, None, None]:
    """Yield one row per line; columns that are not requested are ignored.

    A file that begins with Anki's header lines, such as `#separator:tab`, is read by `read_anki`.

    Args:
        path: text with tabs between the columns.
        columns: numbers, from 1, of the columns of source, target and optionally tags; or their names, if the first
            line contains names.
        max_line: maximum number of characters of a line.
        several: whether there are several targets, so that columns at the end of a line may be missing.
        progress: see `data.files.open_input`.

    Raises:
        DataError: if the file cannot be read, or a line has too few columns.
    """
    name = input_name(path)
    lines = read_lines(path, progress=progress, max_line=max_line)
    first = next(lines, None)
    if first is None:
        return
    lines = chain([first], lines)
    if is_anki_header(first):
        yield from read_anki(path, columns, lines, max_line=max_line)
        return
    numbered = enumerate(lines, start=1)
    indices = column_numbers(columns)
    if indices is None:
        number, header = next(((number, line) for number, line in numbered if line.strip()), (1, ""))
        names = header.removeprefix("#").split("\t")
        indices = find_columns(columns, names, f"{name}, line {number}")
    width = max(indices) + 1
    required = indices[0] + 1 if several else width
    for number, line in numbered:
        fields = line.split("\t", width)
        if len(fields) < required:
            if line.strip():
                raise _too_few(fields, line, indices, f"{name}, line {number}")
            yield Row(number, "", "")
            continue
        yield Row.of(number, [fields[index] if index < len(fields) else None for index in indices])


def _too_few(fields: list[str], line: str, indices: list[int], where: str) -> DataError:
    """Return the error for a line that lacks a column."""
    if len(fields) == 1:
        return DataError(
            f"{where}: no tab between source and target: {line[:40]!r}. Each line must contain source, tab, target."
        )
    if len(fields) > max(indices[:2]):
        return DataError(
            f"{where}: {len(fields)} columns, but tags are read from column {indices[2] + 1}: {line[:40]!r}. Add the "
            f"tags, or set another tag_column."
        )
    return DataError(
        f"{where}: {len(fields)} columns, but column {max(indices) + 1} is read: {line[:40]!r}. Complete the line, or "
        f"set other columns."
    )
