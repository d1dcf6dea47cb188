"""Texts too long to be read as one, cut into parts: at the ends of sentences, and of those too long at blanks."""

from collections.abc import Callable, Iterator

import regex

__all__ = ["Part", "split_text"]

Part = tuple[str, str]
"""A part, and the blank that stood after it: all parts and blanks, one after the other, are the text."""

_SENTENCE = regex.compile(
    r"""
      (?<=[.!?…] [\p{Pe}\p{Pf}"'’]{0,3}) \s+ (?![\p{Pe}\p{Pf}])  # a blank, and not before a bracket that closes
    | (?<=[。！？｡] [\p{Pe}\p{Pf}]?) \s* (?![\p{Pe}\p{Pf}。！？｡])
    | \s* [\n\r\u0085\u2028\u2029] \s*
    """,
    regex.VERBOSE,
)
_BLANK = regex.compile(r"\s+")


def split_text(text: str, most: int, length: Callable[[str], int]) -> list[Part]:
    """Cuts a text into its sentences, and sentences longer than `most` into as few parts of whole words as fit.

    What stands between two blanks is never cut, however long it is, and no part is blank.

    Args:
        text: any string.
        most: length of the longest part.
        length: of a text, in tokens.
    """
    return [part for sentence in _split(text, _SENTENCE) for part in _fitting(sentence, most, length)]


def _split(text: str, blank: regex.Pattern[str]) -> list[Part]:
    """The pieces between blanks, none of them blank but where all of `text` is; blanks at its ends stay with them."""
    pieces: list[Part] = []
    begin = 0
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    for match in blank.finditer(text, start, max(start, end)):
        if begin < match.start() and match.end() < end:
            pieces.append((text[begin : match.start()], match.group()))
            begin = match.end()
    return [*pieces, (text[begin:], "")]


def _fitting(sentence: Part, most: int, length: Callable[[str], int]) -> Iterator[Part]:
    text, after = sentence
    if length(text) <= most:
        yield sentence
        return
    words = _split(text, _BLANK)
    begin = used = 0
    for number, (word, blank) in enumerate(words):
        own = length(word + blank)
        if number > begin and used + length(word) > most:
            yield _joined(words[begin:number])
            begin, used = number, 0
        used += own
    part, _ = _joined(words[begin:])
    yield part, after


def _joined(words: list[Part]) -> Part:
    """Words as one part."""
    return "".join(word + blank for word, blank in words[:-1]) + words[-1][0], words[-1][1]
