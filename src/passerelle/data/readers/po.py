"""Reader for GNU gettext message catalogues, `.po`."""

import os
import re
from collections.abc import Generator
from dataclasses import dataclass, field

from passerelle.data.files import input_name, read_lines
from passerelle.data.line_limit import LineLimit
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_po"]

_LINE = re.compile(r'\s*(?:(msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d+\])\s*)?"((?:[^"\\]|\\.)*)"\s*')
_ESCAPE = re.compile(r"((?:\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{1,2}))+)|\\(.)")
_BYTE = re.compile(r"\\(?:([0-7]{1,3})|x(..?))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass
class _Entry:
    """One message, while its lines are read.

    Attributes:
        line: number of its first line.
        length: number of characters read so far.
        fields: the quoted parts of each string, by keyword.
        fuzzy: whether its translation is marked as uncertain.
        obsolete: whether it is marked as no longer used by the program.
    """

    line: int = 0
    length: int = 0
    fields: dict[str, list[str]] = field(default_factory=dict)
    fuzzy: bool = False
    obsolete: bool = False


def read_po(path: str | os.PathLike[str], max_line: int = MAX_LINE) -> Generator[Row, None, None]:
    """Yield a row for each message (msgid and msgstr), and one for each of its plural forms.

    The source of msgstr[0] is msgid; the source of the other plural forms is msgid_plural. Rows of fuzzy, obsolete and
    untranslated messages are marked as skipped. The header yields no row.

    Args:
        path: text.
        max_line: maximum number of characters of a message.

    Raises:
        DataError: if the file cannot be read, or a line does not belong to a message.

    Source: the manual of GNU gettext, section "The Format of PO Files".
    """
    name = input_name(path)
    limit = LineLimit(name, max_line, "message in line")
    entry, keyword = _Entry(), ""
    for number, line in enumerate(read_lines(path, max_line=max_line), start=1):
        obsolete = line.startswith("#~")
        line = line.removeprefix("#~")
        comment = line.startswith("|" if obsolete else "#")
        # After a msgstr, a comment or a keyword other than msgstr begins the next message.
        if keyword.startswith("msgstr") and (comment or line.lstrip().startswith(("msgctxt", "msgid"))):
            yield from _rows(entry)
            entry, keyword = _Entry(), ""
        if comment:
            entry.fuzzy |= line.startswith("#,") and "fuzzy" in re.split(r"[,\s]+", line[2:])
            continue
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        keyword = match[1] or keyword if match else ""
        if not match or not keyword or (match[1] and match[1] in entry.fields):
            raise DataError(
                f'{name}, line {number}: not part of a message: {line[:40]!r}. Each message needs msgid "..." and '
                f'msgstr "..."; check the file with msgfmt --check.'
            )
        entry.line = entry.line or number
        entry.length += len(line)
        if entry.length > max_line:
            limit.check(entry.length, entry.line)
        entry.obsolete |= obsolete
        text = _unescaped(match[2], f"{name}, line {number}") if "\\" in match[2] else match[2]
        entry.fields.setdefault(keyword, []).append(text)
    if keyword and not keyword.startswith("msgstr"):
        raise DataError(f"{name}, line {entry.line}: the file ends inside this message. Get a complete copy of it.")
    yield from _rows(entry)


def _rows(entry: _Entry) -> Generator[Row, None, None]:
    texts = {keyword: "".join(parts) for keyword, parts in entry.fields.items()}
    if not texts.get("msgid") and "msgctxt" not in texts:
        return
    reason = "obsolete" if entry.obsolete else "fuzzy" if entry.fuzzy else ""
    source = texts.get("msgid", "")
    for keyword, target in texts.items():
        if keyword.startswith("msgstr"):
            plural = keyword not in {"msgstr", "msgstr[0]"}
            original = texts.get("msgid_plural", source) if plural else source
            yield Row(entry.line, original, target, skipped=reason or ("" if target else "untranslated"))


def _unescaped(text: str, place: str) -> str:
    """Replace C escape sequences; octal and hexadecimal ones are bytes of UTF-8."""

    def resolve(match: re.Match[str]) -> str:
        if match[2]:
            return _ESCAPED.get(match[2], match[2])
        raw = bytes(int(octal, 8) & 255 if octal else int(hex_, 16) for octal, hex_ in _BYTE.findall(match[1]))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise DataError(f"{place}: {match[1]!r} is not UTF-8. Write the character itself.") from None

    return _ESCAPE.sub(resolve, text)
