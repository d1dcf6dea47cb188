"""The four special tokens. Their ids are the same in every vocabulary and fixed for ever."""

__all__ = ["END", "FIRST_ORDINARY", "IMPOSSIBLE", "PAD", "START", "UNK"]

PAD = 0
"""Fills rows up to the length of their batch. Never predicted, never counted."""

UNK = 1
"""Stands for a token that the vocabulary does not hold."""

START = 2
"""The decoder's first input. Never predicted."""

END = 3
"""The last token of every target."""

FIRST_ORDINARY = 4
"""Id of the first token that comes from text."""

IMPOSSIBLE = -1e9
"""Log probability, in nats, of what must never be written; finite, so that sums stay numbers."""
