"""Tokens and their ids."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from passerelle.errors import DataError
from passerelle.special_tokens import FIRST_ORDINARY, UNK

__all__ = ["Vocabulary", "require_text"]

REPLACEMENT = "\ufffd"
"""How an id that is no ordinary token looks in text."""


class Vocabulary:
    """An ordered set of ordinary tokens; the n-th has id FIRST_ORDINARY + n.

    Args:
        tokens: distinct, non-empty strings, in the order of their ids.

    Raises:
        DataError: if a token is empty, stands twice, or is no text (a lone surrogate).
    """

    def __init__(self, tokens: Sequence[str]):
        self.tokens = tuple(tokens)
        self._ids = {token: identifier for identifier, token in enumerate(self.tokens, FIRST_ORDINARY)}
        if len(self._ids) != len(self.tokens) or "" in self._ids:
            raise DataError("a vocabulary's tokens must be distinct and not empty")
        require_text("".join(self.tokens))

    @classmethod
    def from_tokens(cls, tokens: Iterable[str]) -> "Vocabulary":
        """The distinct `tokens`, sorted: the same for any order of the training pairs."""
        return cls(sorted(set(tokens)))

    @property
    def size(self) -> int:
        """How many ids there are, the four special tokens included."""
        return FIRST_ORDINARY + len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def id_of(self, token: str) -> int:
        """The token's id, or UNK."""
        return self._ids.get(token, UNK)

    def token_of(self, identifier: int) -> str:
        """The token with this id; special tokens and foreign ids look like U+FFFD."""
        index = identifier - FIRST_ORDINARY
        return self.tokens[index] if 0 <= index < len(self.tokens) else REPLACEMENT

    @cached_property
    def code_points(self) -> np.ndarray:
        """uint32 (size,): the character of each id, where every token is one character."""
        points = np.full(self.size, ord(REPLACEMENT), np.uint32)
        points[FIRST_ORDINARY:] = [ord(token) for token in self.tokens]
        return points

    @cached_property
    def ids_by_code_point(self) -> np.ndarray:
        """int32 (0x110000,): the id of each character, UNK for those that are no token."""
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
