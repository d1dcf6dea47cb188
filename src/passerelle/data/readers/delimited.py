"""Rows of fields between separators, where quoted fields may contain the separator and line ends."""

import csv
from collections.abc import Iterable, Iterator

from passerelle.errors import DataError

__all__ = ["read_delimited"]


def read_delimited(
    lines: Iterable[str], separator: str, name: str, *, first: int = 1, skip_blanks: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its first line and the fields of each row; an empty line is a row without fields.

    Args:
        lines: lines with their line ends.
        separator: one character.
        name: name of the file, for messages.
        first: number of the first line.
        skip_blanks: ignore blanks after a separator.

    Raises:
        DataError: if the quotes are invalid.

    Source: RFC 4180.
    """
    rows = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=skip_blanks)
    while True:
        number = rows.line_num + first
        try:
            fields = next(rows, None)
        except csv.Error as error:
            reason = str(error).partition(" - ")[0]  # the rest is advice for programmers
            raise DataError(
                f"{name}, line {number}: {reason}. Quote fields that contain {separator!r}, a double quote or a line "
                f"end, and double the quotes inside."
            ) from None
        if fields is None:
            return
        yield number, fields
