"""The exceptions that Passerelle raises on purpose.

    PasserelleError             everything below; the command line prints it in one line and exits with 2
    ├── DataError               a file of pairs, or the texts in it, cannot be used
    │   └── LongTextError       one of them is too long for memory
    ├── SettingsError           a setting is unknown, out of range, or does not go with another
    ├── ModelFileError          a model file is damaged, foreign, from a newer version, or hostile
    └── OutputError             something could not be written; what was there before is whole

Every message says what is wrong, where, and what to do about it.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError", "LongTextError", "ModelFileError", "OutputError", "PasserelleError", "SettingsError", "did_you_mean",
]  # fmt: skip


class PasserelleError(Exception):
    """Base of all errors raised on purpose.

    Example:
        >>> try:
        ...     translator = passerelle.load("absent.keras")
        ... except passerelle.PasserelleError as error:
        ...     print(f"No translator: {error}")
        No translator: ...
    """


class DataError(PasserelleError):
    """A file of pairs, or the texts in it, cannot be used.

    Example:
        >>> passerelle.read_pairs("absent.tsv")
        Traceback (most recent call last):
            ...
        passerelle.errors.DataError: ...
    """


class LongTextError(DataError):
    """A text is too long for memory.

    Attributes:
        row: its place among the texts, from 0.
        reason: the message without it.
    """

    def __init__(self, row: int, reason: str):
        super().__init__(f"text {row + 1:,} {reason}")
        self.row = row
        self.reason = reason


class SettingsError(PasserelleError, ValueError):
    """A setting is unknown, out of range, or does not go with another.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> passerelle.train(pairs, epoch=10)
        Traceback (most recent call last):
            ...
        passerelle.errors.SettingsError: unknown option 'epoch'. Did you mean 'epochs'?
    """


class ModelFileError(PasserelleError):
    """A model file is damaged, foreign, from a newer version, or hostile.

    Example:
        >>> passerelle.load("pairs.tsv")
        Traceback (most recent call last):
            ...
        passerelle.errors.ModelFileError: ...
    """


class OutputError(PasserelleError):
    """Something could not be written; what was there before is whole.

    Example:
        >>> passerelle.load("model.keras").save("pairs.tsv/model.keras")
        Traceback (most recent call last):
            ...
        passerelle.errors.OutputError: ...
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the known word nearest to `word`, or the list of known words."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
