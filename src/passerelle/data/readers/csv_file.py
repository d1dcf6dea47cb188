"""Reader for CSV files with a header."""

import csv
import os
from collections.abc import Generator, Sequence
from itertools import chain

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.columns import find_columns
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_csv"]


def read_csv(path: str | os.PathLike[str], columns: Sequence[str]) -> Generator[Row, None, None]:
    """Yield the rows below the header.

    Fields in double quotes may contain the separator and line ends; a double quote inside is doubled. The separator
    is the comma, semicolon or tab, whichever is most frequent in the first line.

    Args:
        path: UTF-8 text.
        columns: names, as in the header, of the columns of source, target and optionally tags; others are ignored.

    Raises:
        DataError: if the file cannot be read, a column is missing from the header, a row has more or fewer fields than
            the header, or the quotes are invalid.

    Source: RFC 4180.
    """
    name = input_name(path)
    lines = read_lines(path, keep_ends=True)
    first = next(lines, None)
    if first is None:
        return
    separator = max(",;\t", key=first.count)
    rows = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    width, indices = 0, []
    while True:
        number = rows.line_num + 1
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
        if number == 1:
            indices = find_columns(columns, fields, f"{name}, line 1")
            width = len(fields)
        elif not fields:
            yield Row(number, "", "")
        elif len(fields) != width:
            raise DataError(
                f"{name}, line {number}: {len(fields)} fields, but the header has {width}. Quote fields that contain "
                f"{separator!r}."
            )
        else:
            yield Row(number, *[fields[index] for index in indices])
