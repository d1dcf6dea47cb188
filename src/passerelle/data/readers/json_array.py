"""Reader for JSON files: an array of objects or of pairs, or objects one after the other."""

import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count
from typing import Any

from passerelle.data.files import input_name, read_text
from passerelle.data.line_limit import LineLimit
from passerelle.data.readers.columns import column_numbers, find_columns
from passerelle.data.readers.json_lines import example, reason_of, reject_lone_surrogates
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_json"]

_BLANKS = " \t\n\r"
_DECODER = json.JSONDecoder()

_LONGEST_TOKEN = 16
"""A token that is cut, such as `fals` or half a pair of escapes, begins at most this far before the end."""


def read_json(
    path: str | os.PathLike[str], columns: Sequence[str], max_line: int = MAX_LINE, *, several: bool = False
) -> Generator[Row, None, None]:
    """Yield a row for each element, holding one element at a time.

    Args:
        path: text: an array whose elements are objects such as `{"source": "Go.", "target": "Va !"}` or pairs such as
            `["Go.", "Va !"]`; or such elements one after the other, as in JSON Lines.
        columns: keys of source, target and optionally tags; in pairs, their positions from 1, which are 1, 2 and 3
            unless numbers are given.
        max_line: maximum number of characters of an element.
        several: whether there are several targets, so that objects may lack their keys.

    Raises:
        DataError: if the file cannot be read or is not JSON, or an element is neither an object nor a pair, lacks a
            key or contains a lone surrogate; the message counts elements from 1.
    """
    name = input_name(path)
    positions = column_numbers(columns) or list(range(len(columns)))
    for number, (row, has_escapes) in enumerate(_elements(_Text(read_text(path)), name, max_line), start=1):
        where = f"{name}, row {number}"
        if isinstance(row, dict):
            keys = list(row)
            values = list(row.values())
            if all(column in row for column in columns[: 1 if several else None]):
                values = [row.get(column) for column in columns]
            else:
                values = [values[index] for index in find_columns(columns, keys, where)]
        elif isinstance(row, list) and len(row) > max(positions):
            values = [row[index] for index in positions]
        else:
            raise DataError(
                f"{where}: neither an object nor a pair: {str(row)[:40]!r}. Each row must be like {example(columns)}"
            )
        if has_escapes:
            for value in values:
                reject_lone_surrogates(value, where)
        yield Row.of(number, values)


class _Text:
    """The rest of a text that is read in pieces: `buffer` from `position` on."""

    def __init__(self, pieces: Iterator[str]):
        self._pieces = pieces
        self.buffer = ""
        self.position = 0

    def more(self) -> bool:
        """Append as much text as the buffer still has, so that long elements take linear time; False at the end."""
        parts, size = [self.buffer[self.position :]], 0
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= len(parts[0]):
                break
        self.buffer, self.position = "".join(parts), 0
        return size > 0

    def peek(self) -> str:
        """Skip blanks and return the next character; an empty string at the end."""
        while True:
            while self.position < len(self.buffer):
                character = self.buffer[self.position]
                if character not in _BLANKS:
                    return character
                self.position += 1
            if not self.more():
                return ""

    def second(self) -> str:
        """Return the character after the next one, blanks skipped; an empty string at the end."""
        while not (rest := self.buffer[self.position + 1 :].lstrip(_BLANKS)):
            if not self.more():
                return ""
        return rest[0]


def _elements(text: _Text, name: str, max_line: int) -> Iterator[tuple[Any, bool]]:
    """Yield each element, and whether it contains escapes of characters."""
    limit = LineLimit(name, max_line, "row")
    in_array = text.peek() == "[" and text.second() in ("[", "{", "]", "")  # else a pair, as the first of several
    text.position += in_array
    for number in count(1):
        character = text.peek()
        if in_array and character == "]":
            text.position += 1
            if text.peek():
                raise DataError(f"{name}: text after the end of the array. Save one array, or JSON Lines (.jsonl).")
            return
        if not character:
            if in_array:
                raise DataError(f"{name}: the file ends inside the array. Get a complete copy of it.")
            return
        yield _element(text, f"{name}, row {number}", lambda length, number=number: limit.check(length, number))
        if text.peek() == ",":
            text.position += 1
        elif in_array and text.peek() not in ("]", ""):
            raise DataError(f"{name}, after row {number}: no comma between two elements of the array. Add it.")


def _element(text: _Text, where: str, check: Callable[[int], None]) -> tuple[Any, bool]:
    while True:
        try:
            value, end = _DECODER.raw_decode(text.buffer, text.position)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError) and _is_incomplete(error):
                check(len(text.buffer) - text.position)
                if text.more():
                    continue
            reason = reason_of(error)
            found = text.buffer[text.position : text.position + 40]
            raise DataError(f"{where}: not JSON ({reason}): {found!r}. Correct it, or write the file again.") from None
        check(end - text.position)
        raw, text.position = text.buffer[text.position : end], end
        return value, "\\u" in raw


def _is_incomplete(error: json.JSONDecodeError) -> bool:
    """Return whether more text may complete the element: the error is at the end, or a string has not ended."""
    return error.pos > len(error.doc) - _LONGEST_TOKEN or error.msg.startswith("Unterminated string")
