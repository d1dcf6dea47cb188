"""Symbols and their ids."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from passerelle.errors import DataError
from passerelle.symbols import FIRST_ORDINARY, UNK

__all__ = ["Vocabulary", "require_text"]

REPLACEMENT = "\ufffd"
"""How an id that is no ordinary symbol looks in text."""


class Vocabulary:
    """An ordered set of ordinary symbols; the n-th has id FIRST_ORDINARY + n.

    Args:
        symbols: distinct, non-empty strings, in the order of their ids.

    Raises:
        DataError: if a symbol is empty, stands twice, or is no text (a lone surrogate).
    """

    def __init__(self, symbols: Sequence[str]):
        self.symbols = tuple(symbols)
        self._ids = {symbol: identifier for identifier, symbol in enumerate(self.symbols, FIRST_ORDINARY)}
        if len(self._ids) != len(self.symbols) or "" in self._ids:
            raise DataError("a vocabulary's symbols must be distinct and not empty")
        require_text("".join(self.symbols))

    @classmethod
    def of(cls, symbols: Iterable[str]) -> "Vocabulary":
        """The distinct `symbols`, sorted: the same for any order of the training pairs."""
        return cls(sorted(set(symbols)))

    @property
    def size(self) -> int:
        """How many ids there are, the four special symbols included."""
        return FIRST_ORDINARY + len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids

    def id_of(self, symbol: str) -> int:
        """The symbol's id, or UNK."""
        return self._ids.get(symbol, UNK)

    def symbol_of(self, identifier: int) -> str:
        """The symbol with this id; special symbols and foreign ids look like U+FFFD."""
        index = identifier - FIRST_ORDINARY
        return self.symbols[index] if 0 <= index < len(self.symbols) else REPLACEMENT

    @cached_property
    def code_points(self) -> np.ndarray:
        """uint32 (size,): the character of each id, where every symbol is one character."""
        points = np.full(self.size, ord(REPLACEMENT), np.uint32)
        points[FIRST_ORDINARY:] = [ord(symbol) for symbol in self.symbols]
        return points

    @cached_property
    def ids_of_code_points(self) -> np.ndarray:
        """int32 (0x110000,): the id of each character, UNK for those that are no symbol."""
        ids = np.full(0x110000, UNK, np.int32)
        ids[self.code_points[FIRST_ORDINARY:]] = np.arange(FIRST_ORDINARY, self.size)
        return ids


def require_text(text: str) -> None:
    """Checks that `text` can be written as UTF-8.

    Raises:
        DataError: if it holds a lone surrogate (names it).
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise DataError(f"{half!r} is half a character (a lone surrogate), no text. Clean the pairs.") from None
