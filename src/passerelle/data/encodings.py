"""Text in UTF-8, UTF-16 or UTF-32, with or without a byte order mark, any line ends; an error for anything else."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from passerelle.errors import DataError

__all__ = ["LineStart", "decoded", "detect_encoding", "line_ends_to_replace", "not_utf8"]

_CHUNK = 1 << 16
"""Bytes decoded at a time."""

_CONTEXT = 1 << 12
"""Bytes remembered before the chunk, which may end inside a character."""

_SAMPLE = 1 << 18
"""Bytes from which a foreign encoding is guessed."""

_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1b")

_NOT_TEXT = re.compile("\0|\x1b\\$[@B]")
"""NUL, or the escape sequence with which Japanese begins in ISO-2022-JP."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class LineStart:
    """The start of a line within a text in UTF-8, from which the text is read.

    Attributes:
        line: number of the line, from 1.
        position: number of bytes before it.
        replaced: see `line_ends_to_replace`, for the whole text.
    """

    line: int
    position: int
    replaced: tuple[str, ...] | None


def detect_encoding(start: bytes) -> tuple[str, int]:
    """Return the encoding of a text that begins with these bytes, and the length of its byte order mark.

    Without a mark, text that contains NUL bytes is UTF-16 if their positions fit; everything else is taken for UTF-8.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    if b"\0" in start and not _is_ascii_with_few_nuls(start):
        common = {encoding: _common_characters(start, encoding) for encoding in ("utf-16-le", "utf-16-be")}
        likely = max(common, key=lambda encoding: common[encoding])
        if common[likely]:
            return likely, 0
    return "utf-8", 0


def _is_ascii_with_few_nuls(start: bytes) -> bool:
    """Return whether these bytes are a text with stray NULs: in UTF-16 there are many, or other control characters."""
    others = start.replace(b"\0", b"")
    return 4 * len(others) > 3 * len(start) and others.isascii() and not any(byte in _CONTROLS for byte in others)


def _common_characters(start: bytes, encoding: str) -> int:
    """Return the number of ASCII characters in the start of a text; 0 if it is not text in this encoding."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return 0
    if any(ord(character) in _CONTROLS for character in text):
        return 0
    return sum(character.isascii() for character in text)


def decoded(stream: Any, name: str, first: LineStart | None = None) -> Iterator[str]:
    """Yield the text of a stream in pieces, without its byte order mark.

    Lines end with LF or CRLF, as in the file; CR and CR CR LF are replaced by LF if the first line ends so. A piece
    contains what is available, so that a person who types need not wait.

    Args:
        stream: binary stream with `read1`.
        name: its name, for messages.
        first: the place at which the stream begins, if it is a part of a text in UTF-8; None for a whole text.

    Raises:
        DataError: if the content is not text in UTF-8, UTF-16 or UTF-32; the message names the line, the byte and,
            where it can be guessed, the encoding. All text before that place is yielded first.
    """
    start = stream.read1(_CHUNK)
    while start and len(start) < 4 and not start.endswith(b"\n") and (more := stream.read1(_CHUNK)):
        start += more
    whole = first is None or first.position == 0
    if whole and start.startswith(b"PAR1"):
        raise DataError(f"{name} is a Parquet file, not text. Set format='parquet'.")
    encoding, position = detect_encoding(start) if whole else ("utf-8", 0)
    decoder = codecs.getincrementaldecoder(encoding)()
    ends = _LineEnds(None if first is None else first.replaced)
    chunk, before, line = start[position:] or stream.read1(_CHUNK), b"", 1
    if first is not None:
        position, line = position + first.position, first.line
    while True:
        pending = decoder.getstate()[0]
        try:
            text, error = decoder.decode(chunk, final=not chunk), None
        except UnicodeDecodeError as caught:
            error = caught
            text = (pending + chunk)[: error.start].decode(encoding)
        if ("\0" in text or "\x1b" in text) and (found := _NOT_TEXT.search(text)):
            text = text[: found.start()]
        else:
            found = None
        text = ends.normalized(text, final=not chunk or found is not None or error is not None)
        line += text.count("\n")
        if text:
            yield text
        if found is not None:
            raise _not_text(found[0], f"{name}, line {line}")
        if error is not None:
            offset = error.start - len(pending)
            place = f"{name}, line {line}: byte {position + offset}"
            if encoding != "utf-8":
                raise DataError(
                    f"{place} is not {encoding.rpartition('-')[0].upper()}, in which the file begins. Get a complete "
                    f"copy of it, or save it as UTF-8."
                )
            raise not_utf8(place, before + chunk, len(before) + offset, stream)
        if not chunk:
            return
        position += len(chunk)
        before = chunk[-_CONTEXT:] if len(chunk) >= _CONTEXT else (before + chunk)[-_CONTEXT:]
        chunk = stream.read1(_CHUNK)


def _not_text(found: str, place: str) -> DataError:
    if found == "\0":
        return DataError(
            f"{place}: a NUL character, which no text contains. Is the file complete, and is it text? To remove NULs: "
            f"tr -d '\\000' < OLD > NEW"
        )
    return DataError(f"{place}: the encoding is ISO-2022-JP. Convert the file: iconv -f ISO-2022-JP -t UTF-8 OLD > NEW")


class _LineEnds:
    """Replaces CR and CR CR LF by LF, if the first line ends so; `replaced` are the line ends, if they are known."""

    def __init__(self, replaced: tuple[str, ...] | None = None) -> None:
        self._replacements = replaced
        self._held = ""

    def normalized(self, text: str, *, final: bool) -> str:
        """Return the next piece of a text with its line ends replaced; a CR at the end waits for the next piece."""
        if self._replacements == ():
            return text
        text = self._held + text
        self._held = ""
        if text.endswith("\r") and not final:
            body = text[:-1].removesuffix("\r")  # at most CR CR, so that a file of CRs alone is not held
            text, self._held = body, text[len(body) :]
        if self._replacements is None:
            self._replacements = line_ends_to_replace(text)
        for end in self._replacements or ():
            text = text.replace(end, "\n")
        if self._replacements == ():
            text, self._held = text + self._held, ""
        return text


def line_ends_to_replace(text: str) -> tuple[str, ...] | None:
    """Return the line ends to replace, by the start of a text; None if it has no line end yet."""
    if "\n" in text:
        return ("\r\r\n",) if text[: text.index("\n")].endswith("\r\r") else ()
    return ("\r\n", "\r") if "\r" in text else None


def not_utf8(place: str, data: bytes, offset: int, stream: Any = None) -> DataError:
    """Return the error for a byte that is not UTF-8, with the encoding that the text probably has.

    Args:
        place: the file, the line and the number of the byte, for the message.
        data: bytes around the byte.
        offset: its index in `data`.
        stream: more of the file, read for a better guess.
    """
    from passerelle.data.encoding_guess import guess_encoding

    found = f"{place} (0x{data[offset]:02x}) is not UTF-8"
    # A pipe is not read: the other side may be waiting for an answer.
    sample = data + (stream.read(_SAMPLE) if stream is not None and stream.seekable() else b"")
    valid = _multibyte_characters(sample)
    if valid and offset + 4 > len(sample) and _is_cut_character(sample[offset:]):
        return DataError(f"{found}: the file ends inside a character. Get a complete copy of it.")
    if valid > sample.decode("utf-8", "replace").count("\ufffd"):
        return DataError(
            f"{found}, but the rest of the file is. Correct this line; or remove such bytes: "
            f"iconv -f UTF-8 -t UTF-8 -c OLD > NEW"
        )
    encoding = guess_encoding(sample)
    if encoding is None:
        return DataError(f"{found}, and its encoding cannot be guessed. Save the file as UTF-8.")
    return DataError(f"{found}; it is probably {encoding}. Convert the file: iconv -f {encoding} -t UTF-8 OLD > NEW")


def _is_cut_character(end: bytes) -> bool:
    """Return whether these last bytes of a file are the beginning of a character of UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(end)
    except UnicodeDecodeError:
        return False
    return True


def _multibyte_characters(data: bytes) -> int:
    """Return the number of valid characters of UTF-8 that are not ASCII."""
    text = data.decode("utf-8", "ignore")
    return len(text) - len(text.encode("ascii", "ignore"))
