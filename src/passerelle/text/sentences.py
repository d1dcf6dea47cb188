"""Split long texts at the ends of sentences, and long sentences at whitespace."""

from collections.abc import Callable, Iterator

import regex

__all__ = ["Part", "split_text"]

Part = tuple[str, str]
"""A part of a text, and the whitespace after it. Concatenating all parts and their whitespace restores the text."""

_SENTENCE_END = regex.compile(
    r"""
      (?<=[.!?…] [\p{Pe}\p{Pf}"'’]{0,3}) \s+ (?![\p{Pe}\p{Pf}])  # whitespace, but not before a closing bracket
    | (?<=[。！？｡] [\p{Pe}\p{Pf}]?) \s* (?![\p{Pe}\p{Pf}。！？｡])
    | \s* [\n\r\u0085\u2028\u2029] \s*
    """,
    regex.VERBOSE,
)
_WHITESPACE = regex.compile(r"\s+")


def split_text(text: str, max_length: int, length: Callable[[str], int]) -> list[Part]:
    """Split a text into sentences, and sentences longer than `max_length` into runs of complete words.

    A word is never split, even if it is longer than `max_length`. No part consists of whitespace only, unless the text
    does.

    Args:
        text: any string.
        max_length: length of the longest part.
        length: function that returns the length of a text in tokens.

    Returns:
        The parts in order, at least one.
    """
    return [part for sentence in _split(text, _SENTENCE_END) for part in _split_long(sentence, max_length, length)]


def _split(text: str, separator: regex.Pattern[str]) -> list[Part]:
    """Split a text at the matches of `separator`; leading and trailing whitespace stays in the outer parts."""
    parts: list[Part] = []
    begin = 0
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    for match in separator.finditer(text, start, max(start, end)):
        if begin < match.start() and match.end() < end:
            parts.append((text[begin : match.start()], match.group()))
            begin = match.end()
    return [*parts, (text[begin:], "")]


def _split_long(sentence: Part, max_length: int, length: Callable[[str], int]) -> Iterator[Part]:
    """Yield a sentence, or runs of its words if it is longer than `max_length`."""
    text, after = sentence
    if length(text) <= max_length:
        yield sentence
        return
    words = _split(text, _WHITESPACE)
    begin = used = 0
    for number, (word, whitespace) in enumerate(words):
        word_length = length(word + whitespace)
        if number > begin and used + length(word) > max_length:
            yield _join(words[begin:number])
            begin, used = number, 0
        used += word_length
    part, _ = _join(words[begin:])
    yield part, after


def _join(words: list[Part]) -> Part:
    return "".join(word + whitespace for word, whitespace in words[:-1]) + words[-1][0], words[-1][1]
