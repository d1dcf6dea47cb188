"""Tab-separated text without a header: source, tab, target."""

import os
from collections.abc import Generator

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_tsv"]


def read_tsv(path: str | os.PathLike[str], tag_column: int | None = None) -> Generator[Row, None, None]:
    """Yields a row a line; columns that nobody asks for are ignored (Anki's files have them).

    Args:
        path: UTF-8 text, source and target in its first two columns.
        tag_column: the column, from 3 on, that holds tags.

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
                f"Each line needs source, tab, target."
            )
        if tag_column and len(columns) < tag_column:
            raise DataError(
                f"{name}, line {number}: {len(columns)} columns, and tags are to stand in column {tag_column}: "
                f"{line[:40]!r}."
            )
        yield Row(number, columns[0], columns[1], columns[tag_column - 1] if tag_column else None)
