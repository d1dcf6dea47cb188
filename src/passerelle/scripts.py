"""Scripts that are written without spaces between words."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

import regex

__all__ = ["Letters", "has_no_spaces", "mostly_single_words"]

SAMPLE = 10_000
"""Number of texts that are examined."""

LETTERS_PER_SPACE = 8
"""Texts in these scripts with more letters per space are not split into words; a word has five or fewer."""

_HAN = r"\p{Han}"
_OTHER = r"\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_UNSPACED_HAN, _UNSPACED_OTHER = regex.compile(f"[{_HAN}]"), regex.compile(f"[{_OTHER}]")
_SPACED_WORD = regex.compile(f"[\\p{{L}}\\p{{N}}--[{_HAN}{_OTHER}]]+", regex.VERSION1)
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True)
class Letters:
    """Counts over texts.

    Attributes:
        han: number of Chinese characters, which Japanese uses too.
        other: number of letters of other scripts without spaces: Kana, Thai, Lao, Khmer, Burmese, Tibetan.
        words: number of words and numbers of all other scripts.
        spaces: number of spaces within the texts.
    """

    han: int
    other: int
    words: int
    spaces: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Letters":
        """Count in the first `SAMPLE` texts."""
        text = "\n".join(islice(texts, SAMPLE))
        if text.isascii():
            return cls(0, 0, len(text.split()), 0)
        lines = text.count("\n")
        patterns = (_UNSPACED_HAN, _UNSPACED_OTHER, _SPACED_WORD, _SPACE)
        han, other, words, spaces = (sum(1 for _ in pattern.finditer(text)) for pattern in patterns)
        return cls(han, other, words, max(0, spaces - lines))

    @property
    def without_spaces(self) -> bool:
        """Whether more letters are of scripts without spaces than there are words of other scripts."""
        return self.han + self.other > self.words


def has_no_spaces(texts: Iterable[str]) -> bool:
    """Return whether most of the texts are written without spaces between words."""
    letters = Letters.of(texts)
    return letters.without_spaces and letters.han + letters.other > LETTERS_PER_SPACE * letters.spaces


def mostly_single_words(texts: Collection[str]) -> bool:
    """Return whether more than half of the texts contain no space, except at their ends."""
    return 2 * sum(len(text.split()) < 2 for text in texts) > len(texts)
