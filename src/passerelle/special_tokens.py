"""The four special tokens. Their ids are the same in every vocabulary and never change."""

__all__ = ["END", "FIRST_ORDINARY", "IMPOSSIBLE", "PAD", "START", "UNK"]

PAD = 0
"""Pads the rows of a batch to one length. Never predicted and never part of a loss or score."""

UNK = 1
"""Replaces a token that the vocabulary does not contain."""

START = 2
"""The decoder's first input. Never predicted."""

END = 3
"""The last token of every target."""

FIRST_ORDINARY = 4
"""Id of the first token that is not special."""

IMPOSSIBLE = -1e9
"""Log probability, in nats, of a token that must not be written. It is finite, so that sums never become NaN."""
