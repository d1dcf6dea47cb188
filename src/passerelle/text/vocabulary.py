"""Tokens and their ids."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from passerelle.errors import DataError
from passerelle.special_tokens import FIRST_ORDINARY, UNK

__all__ = ["MAX_TOKEN_LENGTH", "REPLACEMENT", "Vocabulary", "require_utf8"]

REPLACEMENT = "\ufffd"
"""The text of special tokens and of ids outside the vocabulary."""

MAX_TOKEN_LENGTH = 10_000
"""Maximum length of a token in characters; longer tokens of training texts are unknown."""


class Vocabulary:
    """An ordered set of tokens and their ids: the n-th token has the id FIRST_ORDINARY + n.

    Args:
        tokens: distinct, non-empty strings in the order of their ids, without special tokens.

    Raises:
        DataError: if a token is empty, occurs twice, contains a lone surrogate, or is longer than `MAX_TOKEN_LENGTH`.
    """

    def __init__(self, tokens: Sequence[str]):
        self.tokens = tuple(tokens)
        self._ids = {token: identifier for identifier, token in enumerate(self.tokens, FIRST_ORDINARY)}
        if len(self._ids) != len(self.tokens) or "" in self._ids:
            raise DataError("a vocabulary's tokens must be distinct and not empty")
        if (longest := max(map(len, self.tokens), default=0)) > MAX_TOKEN_LENGTH:
            raise DataError(f"a token must have at most {MAX_TOKEN_LENGTH:,} characters, received: {longest:,}")
        require_utf8("".join(self.tokens))

    @classmethod
    def from_tokens(cls, tokens: Iterable[str]) -> "Vocabulary":
        """Create a vocabulary of the distinct `tokens`, sorted, so that it does not depend on the order of the data."""
        return cls(sorted(set(tokens)))

    @property
    def size(self) -> int:
        """The number of ids, including those of the four special tokens."""
        return FIRST_ORDINARY + len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def id_of(self, token: str) -> int:
        """Return the id of a token; UNK if the vocabulary does not contain it."""
        return self._ids.get(token, UNK)

    def token_of(self, identifier: int) -> str:
        """Return the token with this id; U+FFFD for special tokens and ids outside the vocabulary."""
        index = identifier - FIRST_ORDINARY
        return self.tokens[index] if 0 <= index < len(self.tokens) else REPLACEMENT

    @cached_property
    def code_points(self) -> np.ndarray:
        """Code point of each id, uint32 (size,); requires that every token is a single character."""
        points = np.full(self.size, ord(REPLACEMENT), np.uint32)
        points[FIRST_ORDINARY:] = [ord(token) for token in self.tokens]
        return points

    @cached_property
    def ids_by_code_point(self) -> np.ndarray:
        """Id of each code point, int32 (0x110000,); UNK for characters that the vocabulary does not contain."""
        ids = np.full(0x110000, UNK, np.int32)
        ids[self.code_points[FIRST_ORDINARY:]] = np.arange(FIRST_ORDINARY, self.size)
        return ids


def require_utf8(text: str) -> None:
    """Check that `text` can be encoded as UTF-8.

    Raises:
        DataError: if `text` contains a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        surrogate = error.object[error.start]
        raise DataError(f"{surrogate!r} is a lone surrogate, which UTF-8 cannot encode. Remove it.") from None
