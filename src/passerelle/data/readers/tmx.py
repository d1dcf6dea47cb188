"""Translation memories, `.tmx`."""

import os
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from xml.parsers import expat

from passerelle.data.files import input_name, open_input
from passerelle.data.readers.row import Row
from passerelle.errors import DataError, did_you_mean

__all__ = ["read_tmx"]

_CHUNK = 1 << 16
_CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements in a segment that hold a program's formatting codes and no text."""

_MOST_LANGUAGES = 100
"""Kept for messages; no more, for a file may name any number."""


def read_tmx(path: str | os.PathLike[str], languages: Sequence[str] = ()) -> Generator[Row, None, None]:
    """Yields a row for each unit, without formatting codes.

    Args:
        path: XML of TMX 1.1 to 1.4b, in any encoding that XML declares.
        languages: of source and target; `en` also finds `en-GB`. By default the first two that the file
            has, whatever their countries.

    Raises:
        DataError: if the file cannot be read, is not well-formed, declares entities, or lacks a language.

    Source: TMX 1.4b Specification, LISA OSCAR 2005.
    """
    name = input_name(path)
    wanted = [_folded(language) for language in languages]
    seen: dict[str, None] = {}
    missing = set(wanted)
    for number, unit in _units(path, name):
        if len(seen) < _MOST_LANGUAGES:
            seen |= dict.fromkeys(unit)
        if not wanted and len(seen) > 1:
            codes = list(seen)[:2]
            bare = [code.partition("-")[0] for code in codes]
            wanted = bare if bare[0] != bare[1] else codes
        texts = [_text_in(unit, language) for language in wanted]
        if missing:
            missing -= {language for language, text in zip(wanted, texts, strict=True) if text is not None}
        if None in texts or not wanted:
            yield Row(number, None, None, skipped="not in both languages")
        else:
            yield Row(number, texts[0], texts[1])
    if seen and not wanted:
        raise DataError(f"{name}: all texts are in one language, {next(iter(seen))!r}. Pairs need two.")
    for language in sorted(missing) if seen else ():
        raise DataError(
            f"{name}: no text in language {language!r}.{did_you_mean(language, seen)} Name yours in `columns`: en,fr"
        )


def _folded(language: str) -> str:
    return language.lower().replace("_", "-")


def _text_in(unit: dict[str, str], language: str) -> str | None:
    if language in unit:
        return unit[language]
    return next((text for own, text in unit.items() if own.startswith(f"{language}-")), None)


def _units(path: str | os.PathLike[str], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and texts by language of each unit; no more of the file is held than one chunk and one unit."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    collector = _Collector(parser, name)
    with open_input(path) as stream:
        empty = True
        while chunk := stream.read(_CHUNK):
            empty = False
            _parse(parser, name, chunk)
            yield from collector.take()
    if not empty:
        _parse(parser, name, b"", True)


def _parse(parser: Any, name: str, *data: Any) -> None:
    try:
        parser.Parse(*data)
    except expat.ExpatError as error:
        raise DataError(
            f"{name}, line {error.lineno}: {expat.ErrorString(error.code)}, column {error.offset + 1}. "
            f"Export the memory again, as TMX in UTF-8."
        ) from None


class _Collector:
    """Gathers finished units while the parser walks through the file."""

    def __init__(self, parser: Any, name: str):
        self._parser = parser
        self._name = name
        self._units: list[tuple[int, dict[str, str]]] = []
        self._line = 0
        self._unit: dict[str, str] | None = None
        self._language = ""
        self._text: list[str] | None = None
        self._codes = 0
        parser.StartElementHandler = self._first
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._declared
        parser.SkippedEntityHandler = self._skipped

    def take(self) -> list[tuple[int, dict[str, str]]]:
        """The units finished since it was last asked."""
        taken, self._units = self._units, []
        return taken

    def _first(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "tmx":
            raise DataError(f"{self._name} is no TMX: it begins with <{tag:.40}>, not with <tmx>.")
        self._parser.StartElementHandler = self._start

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "tu":
            self._line, self._unit = self._parser.CurrentLineNumber, {}
        elif tag == "tuv":
            self._language = _folded(attributes.get("xml:lang") or attributes.get("lang", ""))
        elif tag == "seg":
            self._text = []
        elif tag in _CODES:
            self._codes += 1

    def _end(self, tag: str) -> None:
        if tag == "seg" and self._unit is not None and self._text is not None:
            self._unit.setdefault(self._language, "".join(self._text))
            self._text = None
        elif tag == "tu" and self._unit is not None:
            self._units.append((self._line, self._unit))
            self._unit = None
        elif tag in _CODES:
            self._codes -= 1

    def _characters(self, text: str) -> None:
        if self._text is not None and not self._codes:
            self._text.append(text)

    def _declared(self, entity: str, *rest: Any) -> None:
        line = self._parser.CurrentLineNumber
        raise DataError(
            f"{self._name}, line {line}: it declares an entity, {entity[:40]!r}, which could be made to fill all "
            f"memory. Export the memory again without its own entities."
        )

    def _skipped(self, entity: str, is_parameter: bool) -> None:
        if not is_parameter:
            line = self._parser.CurrentLineNumber
            raise DataError(f"{self._name}, line {line}: no such entity: &{entity[:40]};. Write the character itself.")
