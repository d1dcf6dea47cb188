"""Reader for translation memories, `.tmx`."""

import codecs
import os
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from xml.parsers import expat

from passerelle.data.encodings import detect_encoding, not_utf8
from passerelle.data.files import input_name, open_input
from passerelle.data.line_limit import LineLimit
from passerelle.data.readers.row import Row
from passerelle.errors import DataError, did_you_mean
from passerelle.settings import MAX_LINE

__all__ = ["read_tmx"]

_CHUNK = 1 << 16
_CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements inside a segment that contain formatting codes of an editor instead of text."""

_DEEPEST = 100
"""Maximum number of elements inside each other; TMX needs about ten."""

_MAX_LANGUAGES = 100
"""Languages remembered for error messages; bounded, because a file may name any number of them."""


def read_tmx(
    path: str | os.PathLike[str], languages: Sequence[str] = (), max_line: int = MAX_LINE
) -> Generator[Row, None, None]:
    """Yield a row for each translation unit, without formatting codes.

    Args:
        path: TMX 1.1 to 1.4b, in any encoding that the XML declares, or in UTF-16 or UTF-32.
        languages: codes of the source and target language; `en` also matches `en-GB`. By default the first two
            languages of the file; their country codes are ignored, unless both have the same language.
        max_line: maximum number of characters of a unit, and of each tag with its attributes or comment.

    Raises:
        DataError: if the file cannot be read, is not well-formed, exceeds `max_line` or `_DEEPEST`, declares entities,
            or has no text in a language.

    Source: TMX 1.4b Specification, LISA OSCAR 2005.
    """
    name = input_name(path)
    codes = [_normalized(language) for language in languages]
    seen: dict[str, None] = {}
    missing = set(codes)
    for number, unit in _units(path, name, max_line):
        if len(seen) < _MAX_LANGUAGES:
            seen |= dict.fromkeys(unit)
        if not codes and len(seen) > 1:
            first_two = list(seen)[:2]
            without_country = [code.partition("-")[0] for code in first_two]
            codes = without_country if without_country[0] != without_country[1] else first_two
        texts = [_text_in(unit, language) for language in codes]
        if missing:
            missing -= {language for language, text in zip(codes, texts, strict=True) if text is not None}
        if None in texts or not codes:
            yield Row(number, None, None, skipped="not in both languages")
        else:
            yield Row(number, texts[0], texts[1])
    if seen and not codes:
        raise DataError(f"{name}: all texts are in one language, {next(iter(seen))!r}. Pairs need two languages.")
    for language in sorted(missing) if seen else ():
        raise DataError(
            f"{name}: no text in language {language!r}.{did_you_mean(language, seen)} "
            f"Name the languages in `columns`: en,fr"
        )


def _normalized(language: str) -> str:
    return language.lower().replace("_", "-")


def _text_in(unit: dict[str, str], language: str) -> str | None:
    if language in unit:
        return unit[language]
    return next((text for code, text in unit.items() if code.startswith(f"{language}-")), None)


def _units(path: str | os.PathLike[str], name: str, max_line: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each unit as its line number and its texts by language, with one chunk of the file in memory at a time."""
    with open_input(path) as stream:
        chunk = stream.read(_CHUNK)
        if not chunk:
            return
        encoding, mark = detect_encoding(chunk)
        # UTF-8 without a mark may be any encoding that the XML declares. Other Unicode is what it is.
        if encoding == "utf-8" and not mark:
            parser, decoder = expat.ParserCreate(), None
        else:
            parser, decoder = expat.ParserCreate("utf-8"), codecs.getincrementaldecoder(encoding)()
            chunk = chunk[mark:]
        parser.buffer_text = True
        limit = LineLimit(name, max_line)
        collector = _Collector(parser, name, limit)
        parsed = 0
        while chunk:
            data = chunk if decoder is None else _to_utf8(decoder, chunk, name)
            try:
                parser.Parse(data)
            except expat.ExpatError as error:
                raise _invalid(error, name, data, parser.ErrorByteIndex - parsed, stream) from None
            parsed += len(data)
            # The parser holds a tag or comment until it ends.
            limit.check(parsed - parser.CurrentByteIndex, parser.CurrentLineNumber)
            yield from collector.pop_units()
            chunk = stream.read(_CHUNK)
        try:
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _invalid(error, name) from None


def _to_utf8(decoder: codecs.IncrementalDecoder, chunk: bytes, name: str) -> bytes:
    try:
        return decoder.decode(chunk).encode()
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is damaged: {error.reason} in {error.encoding}. Get a complete copy of it.") from None


def _invalid(error: expat.ExpatError, name: str, data: bytes = b"", index: int = -1, stream: Any = None) -> DataError:
    """Return the error for invalid XML; `index` is the place of the error in `data`, the last bytes parsed."""
    where = f"{name}, line {error.lineno}"
    if 0 <= index < len(data) and _is_not_utf8(data[index : index + 4]):
        return not_utf8(f"{where}: a byte", data, index, stream)
    return DataError(
        f"{where}: {expat.ErrorString(error.code)}, column {error.offset + 1}. Export the translation memory again, as "
        f"TMX in UTF-8."
    )


def _is_not_utf8(data: bytes) -> bool:
    """Return whether bytes do not begin with a character of UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start == 0
    return False


class _Collector:
    """Collects complete units from the events of the XML parser."""

    def __init__(self, parser: Any, name: str, limit: LineLimit):
        self._parser = parser
        self._name = name
        self._limit = limit
        self._length = 0  # of the unit
        self._depth = 1
        self._units: list[tuple[int, dict[str, str]]] = []
        self._line = 0
        self._unit: dict[str, str] | None = None
        self._language = ""
        self._text: list[str] | None = None
        self._code_depth = 0
        parser.StartElementHandler = self._root
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._declared
        parser.SkippedEntityHandler = self._skipped

    def pop_units(self) -> list[tuple[int, dict[str, str]]]:
        """Return the units completed since the previous call."""
        units, self._units = self._units, []
        return units

    def _root(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "tmx":
            raise DataError(f"{self._name} is not TMX: its root element is <{tag:.40}>, not <tmx>. Export it as TMX.")
        self._parser.StartElementHandler = self._start

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise DataError(
                f"{self._name}, line {self._parser.CurrentLineNumber}: more than {_DEEPEST} elements inside each "
                f"other. Export the translation memory again."
            )
        if tag == "tu":
            self._line, self._unit, self._length = self._parser.CurrentLineNumber, {}, 0
        elif tag == "tuv":
            self._language = _normalized(attributes.get("xml:lang") or attributes.get("lang", ""))
            self._count(len(self._language))
        elif tag == "seg":
            self._text = []
        elif tag in _CODES:
            self._code_depth += 1

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "seg" and self._unit is not None and self._text is not None:
            self._unit.setdefault(self._language, "".join(self._text))
            self._text = None
        elif tag == "tu" and self._unit is not None:
            self._units.append((self._line, self._unit))
            self._unit = None
        elif tag in _CODES:
            self._code_depth -= 1

    def _characters(self, text: str) -> None:
        if self._text is not None and not self._code_depth:
            self._count(len(text))
            self._text.append(text)

    def _count(self, length: int) -> None:
        """Check the length of the unit, of which so many more characters are kept."""
        self._length += length
        self._limit.check(self._length, self._line or self._parser.CurrentLineNumber)

    def _declared(self, entity: str, *rest: Any) -> None:
        line = self._parser.CurrentLineNumber
        raise DataError(
            f"{self._name}, line {line}: entity {entity[:40]!r} is declared, which is not allowed (it can exhaust the "
            f"RAM). Export the translation memory again without entity declarations."
        )

    def _skipped(self, entity: str, is_parameter: bool) -> None:
        if not is_parameter:
            line = self._parser.CurrentLineNumber
            raise DataError(f"{self._name}, line {line}: unknown entity &{entity[:40]};. Write the character itself.")
