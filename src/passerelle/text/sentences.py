"""Split texts at the ends of sentences, and long sentences at whitespace."""

from collections.abc import Callable, Iterable, Sequence

import regex

from passerelle.text.sentence_ends import SentenceEnds

__all__ = ["Part", "join_parts", "split_long", "split_sentences"]

Part = tuple[str, str]
"""A part of a text, and the whitespace after it. Concatenating all parts and their whitespace restores the text."""

_WITHOUT_SPACE = regex.compile(
    r".?\p{East_Asian_Width=Wide}.?|.?\p{East_Asian_Width=Fullwidth}.?|\s.|.\s", regex.DOTALL
)
_WHITESPACE = regex.compile(r"\s+")


def split_sentences(text: str, ends: SentenceEnds, *, at_once: int = 1) -> list[Part]:
    """Split a text into parts of `at_once` sentences, the last of which may have fewer.

    Args:
        text: any string.
        ends: finds the ends of the sentences.
        at_once: number of sentences in a part, at least 1.

    Returns:
        The parts in order, at least one. No part consists of whitespace only, unless the text does.
    """
    return _split(text, ends.find(text)[at_once - 1 :: at_once])


def split_long(parts: Iterable[Part], max_length: int, length: Callable[[str], int]) -> list[Part]:
    """Split the parts that are longer than `max_length` into runs of complete words.

    A word is never split, even if it is longer than `max_length`.

    Args:
        parts: the parts of a text, from `split_sentences`.
        max_length: length of the longest part.
        length: function that returns the length of a text in tokens.

    Returns:
        The parts in order.
    """
    return [shorter for part in parts for shorter in _runs(part, max_length, length)]


def join_parts(parts: Sequence[Part]) -> str:
    """Return the text of translated parts, each with the whitespace that followed its source.

    Where the source has no whitespace between sentences, as in Chinese, a space separates the translations, unless the
    end of one or the start of the next is a character of full width or whitespace.
    """
    pieces = []
    for number, (part, whitespace) in enumerate(parts):
        following = parts[number + 1][0] if number + 1 < len(parts) else ""
        if not whitespace and part and following and not _WITHOUT_SPACE.fullmatch(part[-1] + following[0]):
            whitespace = " "
        pieces += [part, whitespace]
    return "".join(pieces)


def _split(text: str, gaps: Iterable[tuple[int, int]]) -> list[Part]:
    """Split a text at gaps, each with start and end; leading and trailing whitespace stays in the outer parts."""
    parts: list[Part] = []
    begin = 0
    for start, end in gaps:
        parts.append((text[begin:start], text[start:end]))
        begin = end
    return [*parts, (text[begin:], "")]


def _runs(part: Part, max_length: int, length: Callable[[str], int]) -> list[Part]:
    """Return a part, or runs of its words if it is longer than `max_length`."""
    text, after = part
    if length(text) <= max_length:
        return [part]
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    words = _split(text, (match.span() for match in _WHITESPACE.finditer(text, start, max(start, end))))
    runs: list[Part] = []
    begin = used = 0
    for number, (word, whitespace) in enumerate(words):
        word_length = length(word + whitespace)
        if number > begin and used + length(word) > max_length:
            runs.append(_join(words[begin:number]))
            begin, used = number, 0
        used += word_length
    rest, _ = _join(words[begin:])
    return [*runs, (rest, after)]


def _join(words: list[Part]) -> Part:
    return "".join(word + whitespace for word, whitespace in words[:-1]) + words[-1][0], words[-1][1]
