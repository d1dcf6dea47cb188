"""JSON lines: one object a line."""

import json
import os
from collections.abc import Generator, Sequence

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.columns import find_columns
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_json_lines"]


def read_json_lines(path: str | os.PathLike[str], columns: Sequence[str]) -> Generator[Row, None, None]:
    """Yields a row for each object.

    Args:
        path: UTF-8 text.
        columns: keys of source, target and perhaps tags; others are ignored.

    Raises:
        DataError: if the file cannot be read, a line is no object, lacks a key, or holds half a surrogate pair.
    """
    wanted = set(columns)
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            yield Row(number, "", "")
            continue
        place = f"{input_name(path)}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "too large"
            raise DataError(f"{place}: not JSON ({reason}): {line[:40]!r}. Each line needs one object.") from None
        if not isinstance(row, dict):
            raise DataError(f"{place}: no object: {line[:40]!r}. Write it so: {_example(columns)}")
        if not wanted <= row.keys():
            find_columns(columns, list(row), place)
        values = [row[column] for column in columns]
        if "\\u" in line:  # the one way for half a character to come in
            for value in values:
                _require_whole(value, place)
        yield Row(number, *values)


def _example(columns: Sequence[str]) -> str:
    return json.dumps(dict(zip(columns, ("Go.", "Va !", "tag"), strict=False)))


def _require_whole(value: object, place: str) -> None:
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: {error.object[error.start]!r} is half a character. Write characters themselves, as UTF-8."
        ) from None
