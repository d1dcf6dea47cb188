"""CSV with a header, as spreadsheets and databases write it."""

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
    """Yields the rows below the header.

    Fields in double quotes may hold the separator and line ends; a quote inside is doubled. The separator is the
    comma, semicolon or tab, whichever the header's first line has most of.

    Args:
        path: UTF-8 text.
        columns: names of source, target and perhaps tags in the header; others are ignored.

    Raises:
        DataError: if the file cannot be read, the header lacks a column, a row has more or fewer fields than the
            header, or quotes are wrong.

    Source: RFC 4180.
    """
    name = input_name(path)
    lines = read_lines(path, ends=True)
    first = next(lines, None)
    if first is None:
        return
    separator = max(",;\t", key=first.count)
    rows = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    width, places = 0, []
    while True:
        number = rows.line_num + 1
        try:
            fields = next(rows, None)
        except csv.Error as error:
            reason = str(error).partition(" - ")[0]  # what follows is for programmers
            raise DataError(
                f"{name}, line {number}: {reason}. A field with {separator!r}, a quote or a line end needs quotes "
                f"around it, and quotes inside it doubled."
            ) from None
        if fields is None:
            return
        if number == 1:
            places = find_columns(columns, fields, f"{name}, line 1")
            width = len(fields)
        elif not fields:
            yield Row(number, "", "")
        elif len(fields) != width:
            raise DataError(
                f"{name}, line {number}: {len(fields)} fields, and the header has {width}. A field with "
                f"{separator!r} inside needs quotes around it."
            )
        else:
            yield Row(number, *[fields[place] for place in places])
