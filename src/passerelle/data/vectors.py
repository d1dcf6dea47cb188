"""Pretrained word vectors from text files: word2vec (with a header line), GloVe (without) and fastText `.vec`."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from passerelle.data.files import input_name, read_lines
from passerelle.errors import DataError
from passerelle.text.tokenizer import Tokenizer, normalize

__all__ = ["WordVectors", "read_vectors"]

MAX_DIMENSION = 8192
MAX_DIGITS = 32
"""Characters of a number, with the space before it; for the longest line that is read."""


@dataclass(frozen=True)
class WordVectors:
    """The vectors of selected words of a file, in the order of the file.

    Attributes:
        words: distinct words, in Unicode normalization form C.
        values: float32 (words, dimension).
        first: number of leading `words` that come from the first lines of the file, see `read_vectors`.
        name: name of the file, for messages.
    """

    words: tuple[str, ...]
    values: np.ndarray
    first: int = 0
    name: str = "vectors"

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return self.values.shape[1]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def rows(self, tokens: Iterable[str]) -> np.ndarray:
        """Return the row of each token's vector, int64 (tokens,); -1 if it has none.

        A token has the vector of its word, which is the token without its leading space. If the word has no vector, the
        vector of the lower-case word is used.
        """
        row = self._rows.get
        words = (token.removeprefix(" ") for token in tokens)
        return np.fromiter((row(word, row(word.lower(), -1)) for word in words), np.int64)

    def extra_words(self, tokenizer: Tokenizer) -> list[str]:
        """Return tokens for those of the first `first` words that the vocabulary of a word tokenizer lacks.

        A mark has two tokens, with and without a leading space, unless the tokenizer ignores spacing. Words that the
        tokenizer would split or lower-case are left out.
        """
        forms = (
            form
            for word in self.words[: self.first]
            for form in (tokenizer.tokenize(word), tokenizer.tokenize(f".{word}")[1:])
            if len(form) == 1 and form[0].removeprefix(" ") == word
        )
        return [token for (token,) in dict.fromkeys(map(tuple, forms)) if token not in tokenizer.vocabulary]


def read_vectors(path: str | os.PathLike[str], tokens: Iterable[str], *, first: int = 0) -> WordVectors:
    """Read the vectors of the words of a vocabulary.

    Args:
        path: UTF-8 text, plain, `.gz` or `.zip`; each line contains a word and its numbers, separated by spaces. A
            first line of two integers is a word2vec header.
        tokens: tokens of a word tokenizer; the vectors of their words, also in lower case, are read.
        first: number of lines at the start of the file that are read in any case.

    Returns:
        The vectors. If a word occurs twice, its first vector is used. Words that contain spaces are skipped. Lines of
        other words are not parsed.

    Raises:
        DataError: if the file cannot be read, a line that is read does not have the expected count of numbers (the
            message names the line), or no token has a vector.
    """
    name = input_name(path)
    if not Path(path).is_file() or Path(path).suffix == ".bin":
        problem = "no such file" if not Path(path).is_file() else "binary vector files are not supported"
        raise DataError(f"{name}: {problem}. Name a text file of word2vec, GloVe or fastText: .txt, .vec or .gz.")
    tokens = {token.removeprefix(" ") for token in tokens}
    words = tokens | {word.lower() for word in tokens}
    found: dict[str, np.ndarray] = {}
    dimension = seen = leading = 0
    for number, line in enumerate(read_lines(path, max_line=MAX_DIMENSION * MAX_DIGITS), start=1):
        line = line.rstrip(" ")
        if not dimension:
            dimension, header = _dimension(line, f"{name}, line {number}")
            if header:
                continue
        seen += 1
        if seen <= first or normalize(line.split(" ", 1)[0]) in words:
            word, values = _row(line, dimension, f"{name}, line {number}")
            word = normalize(word)
            if " " not in word:
                found.setdefault(word, values)
        if seen <= first:
            leading = len(found)
    if not words & set(found):
        raise DataError(f"{name} has no vector for any of {len(tokens):,} words. Use vectors of their language.")
    return WordVectors(tuple(found), np.stack(list(found.values())), leading, name)


def _dimension(line: str, where: str) -> tuple[int, bool]:
    """Return the numbers per vector, from the first line of a file, and whether that line is a header."""
    parts = line.split(" ")
    header = len(parts) == 2 and all(part.isdecimal() for part in parts)
    dimension = int(parts[1]) if header else len(parts) - 1
    if not 1 <= dimension <= MAX_DIMENSION:
        raise DataError(
            f"{where}: expected a word and 1 to {MAX_DIMENSION:,} numbers, separated by spaces, received: {line!r:.40}"
        )
    return dimension, header


def _row(line: str, dimension: int, where: str) -> tuple[str, np.ndarray]:
    word, *parts = line.rsplit(" ", dimension)
    values = _numbers(parts)
    # GloVe files have words that contain spaces; but if the last part of the word is a number, the line has too many.
    if values is None or len(parts) != dimension or (" " in word and _numbers([word.rsplit(" ", 1)[1]]) is not None):
        raise DataError(f"{where}: expected a word and {dimension} numbers, received: {line!r:.40}")
    return word, values


def _numbers(parts: Sequence[str]) -> np.ndarray | None:
    """Return float32 (parts,), or None if a part is not a finite number."""
    try:
        values = np.array(parts, np.float32)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
