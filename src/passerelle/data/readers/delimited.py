"""Rows of fields between separators, where quoted fields may contain the separator and line ends."""

import csv
from collections.abc import Iterable, Iterator

from passerelle.data.line_limit import LineLimit
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_delimited"]


def read_delimited(
    lines: Iterable[str],
    separator: str,
    name: str,
    *,
    first: int = 1,
    skip_blanks: bool = False,
    max_line: int = MAX_LINE,
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its first line and the fields of each row; an empty line is a row without fields.

    Args:
        lines: lines with their line ends.
        separator: one character.
        name: name of the file, for messages.
        first: number of the first line.
        skip_blanks: ignore blanks after a separator.
        max_line: maximum number of characters of a row.

    Raises:
        DataError: if the quotes are invalid, or a row is too long.

    Source: RFC 4180.
    """
    limit = LineLimit(name, max_line, advice="Close the quotes of its fields")
    length = number = 0

    def counted() -> Iterator[str]:
        nonlocal length
        for line in lines:
            length += len(line)
            if length > max_line + 2:  # the line end does not count
                limit.check(length, number)
            yield line

    csv.field_size_limit(max(csv.field_size_limit(), max_line))  # of all CSV files in this process
    rows = csv.reader(counted(), delimiter=separator, strict=True, skipinitialspace=skip_blanks)
    while True:
        number, length = rows.line_num + first, 0
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
