"""Reader for CSV files."""

import os
import re
from collections.abc import Generator, Sequence
from itertools import chain, islice

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.columns import column_numbers, find_columns
from passerelle.data.readers.delimited import read_delimited
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_csv"]

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATORS = ",;\t|"
_LOOK_AHEAD = 10
"""Lines that choose the separator."""


def read_csv(
    path: str | os.PathLike[str], columns: Sequence[str], max_line: int = MAX_LINE
) -> Generator[Row, None, None]:
    """Yield the rows; those below the header, if columns are given by name.

    Fields in double quotes may contain the separator and line ends; a double quote inside is doubled. Excel's first
    line `sep=;` names the separator. Otherwise it is the comma, semicolon, tab or vertical bar that occurs in the first
    line, and equally often in most of the following ones. If blanks follow all separators of the first line, blanks
    after a separator are ignored everywhere.

    Args:
        path: text.
        columns: names, as in the header, of the columns of source, target and optionally tags; or their numbers, from
            1, if the file has no header. Others are ignored.
        max_line: maximum number of characters of a row.

    Raises:
        DataError: if the file cannot be read, a column is missing from the header, a row has more or fewer fields than
            the first, or the quotes are invalid.
    """
    name = input_name(path)
    lines = read_lines(path, keep_ends=True, max_line=max_line)
    start = list(islice(lines, _LOOK_AHEAD))
    match = _SEPARATOR_LINE.fullmatch(start[0]) if start else None
    line = 1
    if match:
        start, line = start[1:], 2
    if not start:
        return
    separator = match[1] if match else _separator(start)
    fields = _QUOTED.sub("", start[0]).rstrip("\r\n").split(separator)
    blanks = len(fields) > 1 and all(field.startswith(" ") for field in fields[1:])
    indices = column_numbers(columns)
    first = "header" if indices is None else "first row"
    width = 0
    for number, fields in read_delimited(
        chain(start, lines), separator, name, first=line, skip_blanks=blanks, max_line=max_line
    ):
        if indices is None:
            indices = find_columns(columns, fields, f"{name}, line {number}")
            width = len(fields)
        elif not fields:
            yield Row(number, "", "")
        elif len(fields) != (width := width or len(fields)):
            raise DataError(
                f"{name}, line {number}: {len(fields)} fields, but the {first} has {width}. Quote fields that "
                f"contain {separator!r}."
            )
        elif len(fields) <= max(indices):
            raise DataError(
                f"{name}, line {number}: {len(fields)} fields, but column {max(indices) + 1} is read. Set "
                f"other columns."
            )
        else:
            yield Row.of(number, [fields[index] for index in indices])


def _separator(lines: Sequence[str]) -> str:
    """Return the separator of the first line; of several, the one that most lines contain equally often."""
    counts = [[_QUOTED.sub("", line).count(separator) for line in lines] for separator in _SEPARATORS]
    scores = [(sum(count == own[0] for count in own) if own[0] else 0, own[0]) for own in counts]
    return _SEPARATORS[scores.index(max(scores))]
