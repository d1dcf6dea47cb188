"""Reader for JSON Lines: one object per line."""

import json
import os
from collections.abc import Callable, Generator, Sequence

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.columns import find_columns
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["example", "read_json_lines", "reason_of", "reject_lone_surrogates"]


def read_json_lines(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    max_line: int = MAX_LINE,
    *,
    several: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Generator[Row, None, None]:
    """Yield a row for each object.

    Args:
        path: UTF-8 text.
        columns: keys of source, target and optionally tags; others are ignored.
        max_line: maximum number of characters of a line.
        several: whether there are several targets, so that objects may lack their keys.
        progress: see `data.files.open_input`.

    Raises:
        DataError: if the file cannot be read, or a line is not an object, lacks a key or contains a lone surrogate.
    """
    required = set(columns)
    for number, line in enumerate(read_lines(path, progress=progress, max_line=max_line), start=1):
        if not line.strip():
            yield Row(number, "", "")
            continue
        where = f"{input_name(path)}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            column = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            reason = f"{reason_of(error)}{column}"
            array = " A JSON array is read with format='json'." if number == 1 and line.lstrip().startswith("[") else ""
            raise DataError(
                f"{where}: not JSON ({reason}): {line[:40]!r}. Each line must be one object.{array}"
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"{where}: not an object: {line[:40]!r}. Each line must be like {example(columns)}")
        if several and columns[0] in row:
            values = [row.get(column) for column in columns]
        elif not required <= row.keys():
            keys = list(row)
            values = [row[keys[index]] for index in find_columns(columns, keys, where)]
        else:
            values = [row[column] for column in columns]
        if "\\u" in line:  # only an escape can produce a lone surrogate
            for value in values:
                reject_lone_surrogates(value, where)
        yield Row.of(number, values)


def reason_of(error: ValueError | RecursionError) -> str:
    """Return why a text is not JSON that can be read."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"


def example(columns: Sequence[str]) -> str:
    """Return an object with these keys, for messages."""
    return json.dumps(dict(zip(columns, ("Go.", "Va !", "tag"), strict=False)))


def reject_lone_surrogates(value: object, where: str) -> None:
    """Raise a `DataError` if a text contains half of a character, which UTF-8 cannot encode."""
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: {error.object[error.start]!r} is a lone surrogate, not a character. Write it as UTF-8."
        ) from None
