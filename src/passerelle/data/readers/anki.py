"""Reader for the notes that Anki exports as plain text."""

import html
import os
import re
from collections.abc import Generator, Iterable, Sequence
from itertools import chain

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.columns import column_numbers, find_columns
from passerelle.data.readers.delimited import read_delimited
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["is_anki_header", "plain_text", "read_anki"]

_HEADER = re.compile(
    r"#(separator|html|tags|columns|notetype|deck|notetype column|deck column|tags column|guid column):(.*)",
    re.IGNORECASE,
)
_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "colon": ":", "space": " "}
_BREAKS = re.compile(r"(?i)<(?:br|/?(?:div|p|li|ul|ol|tr|td))\b[^<>]*>|\n|\r")
_MARKUP = re.compile(r"(?s)<!--.*?-->|<(style|script)\b.*?</\1>|</?[A-Za-z][^<>]*>|\[sound:[^\]]*\]")


def is_anki_header(line: str) -> bool:
    """Return whether a line is one of those that begin Anki's exports, such as `#separator:tab`."""
    return _HEADER.fullmatch(line.rstrip("\r\n")) is not None


def read_anki(
    path: str | os.PathLike[str],
    columns: Sequence[str] = ("1", "2"),
    lines: Iterable[str] | None = None,
    max_line: int = MAX_LINE,
) -> Generator[Row, None, None]:
    """Yield a row for each note, with texts without HTML and sounds.

    The header lines tell the separator, whether the fields are HTML, and which columns are not fields of the note
    (identifier, note type, deck, tags). Without them, fields are separated by tabs and are HTML.

    Args:
        path: text that Anki exported with File > Export > Notes in Plain Text.
        columns: numbers, from 1, of the fields of source, target and optionally tags; the columns that are not fields
            of the note come after its fields. Or names, if a header line contains them.
        lines: the lines of the file, if it is being read already.
        max_line: maximum number of characters of a note.

    Raises:
        DataError: if the file cannot be read, or a row has too few fields.

    Source: the manual of Anki, sections "Importing Text Files" and "Exporting".
    """
    name = input_name(path)
    numbered = iter(read_lines(path, max_line=max_line) if lines is None else lines)
    header: dict[str, str] = {}
    skipped, first = 0, None
    for first in numbered:
        match = _HEADER.fullmatch(first)
        if match is None:
            break
        header[match[1].lower()] = match[2]
        skipped, first = skipped + 1, None
    separator = header.get("separator", "tab").strip() or header.get("separator", "\t")
    separator = _SEPARATORS.get(separator.lower(), separator[:1])
    is_html = header.get("html", "true").strip().lower() == "true"
    others = [int(value) - 1 for key, value in header.items() if key.endswith(" column") and value.strip().isdecimal()]
    body = (f"{line}\n" for line in (chain([first], numbered) if first is not None else numbered))
    indices: list[int] | None = None
    for number, fields in read_delimited(body, separator, name, first=skipped + 1, max_line=max_line):
        if not any(fields):
            yield Row(number, "", "")
            continue
        if indices is None:
            indices = _indices(columns, header.get("columns", ""), separator, others, len(fields), name)
        if len(fields) <= max(indices):
            raise DataError(
                f"{name}, line {number}: {len(fields)} fields, but field {max(indices) + 1} is read. Export the notes "
                f"again, or set other columns."
            )
        texts = [fields[index] for index in indices]
        yield Row.of(number, list(map(plain_text, texts)) if is_html else texts)


def _indices(
    columns: Sequence[str], names: str, separator: str, others: Sequence[int], width: int, name: str
) -> list[int]:
    """Return the index of each requested column in a row of `width` fields."""
    numbers = column_numbers(columns)
    if numbers is None or any(number >= width for number in numbers):
        return find_columns(columns, names.split(separator) if names else [""] * width, name)
    order = [index for index in range(width) if index not in others] + sorted(set(others) & set(range(width)))
    return [order[number] for number in numbers]


def plain_text(field: str) -> str:
    """Return the text of a field of HTML: without tags and sounds, entities replaced, line breaks as blanks."""
    if "<" in field or "\n" in field or "[sound:" in field:
        field = " ".join(_MARKUP.sub("", _BREAKS.sub(" ", field)).split(" "))
        field = re.sub(" {2,}", " ", field)
    return html.unescape(field).strip() if "&" in field else field.strip()
