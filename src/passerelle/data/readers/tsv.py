"""Reader for tab-separated text without a header: source, tab, target."""

import os
from collections.abc import Generator

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_tsv"]


def read_tsv(path: str | os.PathLike[str], tag_column: int | None = None) -> Generator[Row, None, None]:
    """Yield one row per line; further columns are ignored (Anki files have some).

    Args:
        path: UTF-8 text with source and target in the first two columns.
        tag_column: number of the column with the tags, at least 3; None reads no tags.

    Raises:
        DataError: if the file cannot be read, or a line has too few columns.
    """
    name = input_name(path)
    for number, line in enumerate(read_lines(path), start=1):
        columns = line.split("\t", tag_column or 2)
        if not line.strip():
            yield Row(number, "", "")
            continue
        if len(columns) < 2:
            raise DataError(
                f"{name}, line {number}: no tab between source and target: {line[:40]!r}. "
                f"Each line must contain source, tab, target."
            )
        if tag_column and len(columns) < tag_column:
            raise DataError(
                f"{name}, line {number}: {len(columns)} columns, but tags are read from column {tag_column}: "
                f"{line[:40]!r}. Add the tags, or set another tag_column."
            )
        yield Row(number, columns[0], columns[1], columns[tag_column - 1] if tag_column else None)
