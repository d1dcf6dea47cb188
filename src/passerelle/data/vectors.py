"""Ready-made word vectors from text files: word2vec's with their header line, GloVe's without, fastText's `.vec`."""

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

WIDEST = 8192


@dataclass(frozen=True)
class WordVectors:
    """Some words of a file and their vectors, in its order.

    Attributes:
        words: distinct, in NFC.
        values: float32 (words, width).
        first: how many of `words`, from the beginning, were read because they stand at the file's beginning.
        name: of the file, for messages.
    """

    words: tuple[str, ...]
    values: np.ndarray
    first: int = 0
    name: str = "vectors"

    @property
    def width(self) -> int:
        """Numbers in each vector."""
        return self.values.shape[1]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def rows(self, tokens: Iterable[str]) -> np.ndarray:
        """int64 (tokens,): the row of each token's vector; -1 where it has none.

        A token has the vector of its word, which is the token without the blank before it; else that of its word in
        lower case.
        """
        row = self._rows.get
        words = (token.removeprefix(" ") for token in tokens)
        return np.fromiter((row(word, row(word.lower(), -1)) for word in words), np.int64)

    def extra_words(self, tokenizer: Tokenizer) -> list[str]:
        """Tokens of the `first` words that a tokenizer by word lacks: each with a blank before it and without.

        Words that it would split, or write in another case, are left out.
        """
        whole = [word for word in self.words[: self.first] if tokenizer.read(word) == [f" {word}"]]
        both = (token for word in whole for token in (f" {word}", word))
        return [token for token in both if token not in tokenizer.vocabulary]


def read_vectors(path: str | os.PathLike[str], tokens: Iterable[str], *, first: int = 0) -> WordVectors:
    """Reads the vectors of some words.

    Args:
        path: UTF-8 text, plain, `.gz` or `.zip`: a word and its numbers in each line, blanks between them. A first
            line of two whole numbers is word2vec's header.
        tokens: of a tokenizer by word; those lines are kept whose word one of them has.
        first: also keep so many lines from the beginning.

    Returns:
        The vectors. Of a word that stands twice the first one counts. Words with blanks inside are passed over; lines
        that are not kept are not looked at any further.

    Raises:
        DataError: if the file cannot be read, a line that is kept has no numbers or not as many as the first line (says
            which), or no token has a vector.
    """
    name = input_name(path)
    if not Path(path).is_file() or Path(path).suffix == ".bin":
        what = "no such file" if not Path(path).is_file() else "vectors in a binary file are not read"
        raise DataError(f"{name}: {what}. Name vectors as text: .txt, .vec or .gz of word2vec, GloVe or fastText.")
    tokens = {token.removeprefix(" ") for token in tokens}
    wanted = tokens | {word.lower() for word in tokens}
    found: dict[str, np.ndarray] = {}
    width = seen = kept = 0
    for number, line in enumerate(read_lines(path), start=1):
        line = line.rstrip(" ")
        if not width:
            width, header = _width(line, f"{name}, line {number}")
            if header:
                continue
        seen += 1
        if seen <= first or normalize(line.split(" ", 1)[0]) in wanted:
            word, values = _row(line, width, f"{name}, line {number}")
            word = normalize(word)
            if " " not in word:
                found.setdefault(word, values)
        if seen <= first:
            kept = len(found)
    if not wanted & set(found):
        raise DataError(f"{name} has no vector for any of {len(tokens):,} words. Is it of another language?")
    return WordVectors(tuple(found), np.stack(list(found.values())), kept, name)


def _width(line: str, where: str) -> tuple[int, bool]:
    """How many numbers each line has, and whether `line` is the header that says so."""
    pieces = line.split(" ")
    header = len(pieces) == 2 and all(piece.isdecimal() for piece in pieces)
    width = int(pieces[1]) if header else len(pieces) - 1
    if not 1 <= width <= WIDEST:
        raise DataError(f"{where}: expected a word and 1 to {WIDEST:,} numbers after blanks, received: {line!r:.40}")
    return width, header


def _row(line: str, width: int, where: str) -> tuple[str, np.ndarray]:
    word, *pieces = line.rsplit(" ", width)
    values = _numbers(pieces)
    # GloVe has words with blanks inside; but a number before the numbers is one too many.
    if values is None or len(pieces) != width or (" " in word and _numbers([word.rsplit(" ", 1)[1]]) is not None):
        raise DataError(f"{where}: expected a word and {width} numbers, received: {line!r:.40}")
    return word, values


def _numbers(pieces: Sequence[str]) -> np.ndarray | None:
    """float32 (pieces,), or None where one is no finite number."""
    try:
        values = np.array(pieces, np.float32)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
