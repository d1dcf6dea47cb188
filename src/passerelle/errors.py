"""The exceptions that Passerelle raises on purpose.

    PasserelleError             everything below; the command line prints it as one line and exits with status 2
    ├── DataError               a file of pairs, or a text in it, cannot be used
    │   └── LongTextError       a text is too long for the memory limit
    ├── SettingsError           a setting is unknown, out of range, or conflicts with another
    ├── ModelFileError          a file is damaged, no model file, from another version, or unsafe
    └── OutputError             something could not be written; an existing file is unchanged

Every message states the problem, the value or place that causes it, and how to fix it.
"""

import difflib
import os
from collections.abc import Iterable

__all__ = [
    "DataError", "LongTextError", "ModelFileError", "OutputError", "PasserelleError", "SettingsError", "did_you_mean",
    "require_path",
]  # fmt: skip


class PasserelleError(Exception):
    """Base class of all exceptions that Passerelle raises on purpose.

    Example:
        >>> try:
        ...     translator = passerelle.load("absent.keras")
        ... except passerelle.PasserelleError as error:
        ...     print(f"No translator: {error}")
        No translator: ...
    """


class DataError(PasserelleError):
    """A file of pairs, or a text in it, cannot be used.

    Example:
        >>> passerelle.read_pairs("absent.tsv")
        Traceback (most recent call last):
            ...
        passerelle.errors.DataError: ...
    """


class LongTextError(DataError):
    """A text is too long for the memory limit.

    Attributes:
        row: the index of the text, from 0.
        reason: the message without the number of the text.
    """

    def __init__(self, row: int, reason: str):
        super().__init__(f"text {row + 1:,} {reason}")
        self.row = row
        self.reason = reason


class SettingsError(PasserelleError, ValueError):
    """A setting is unknown, out of range, or conflicts with another.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> passerelle.train(pairs, epoch=10)
        Traceback (most recent call last):
            ...
        passerelle.errors.SettingsError: unknown option 'epoch'. Did you mean 'epochs'?
    """


class ModelFileError(PasserelleError):
    """A file is damaged, no model file, from another version, or unsafe to load.

    Example:
        >>> passerelle.load("pairs.tsv")
        Traceback (most recent call last):
            ...
        passerelle.errors.ModelFileError: ...
    """


class OutputError(PasserelleError):
    """A file could not be written; an existing file is unchanged.

    Example:
        >>> passerelle.load("model.keras").save("pairs.tsv/model.keras")
        Traceback (most recent call last):
            ...
        passerelle.errors.OutputError: ...
    """


def require_path(argument: str, value: object) -> None:
    """Check that an argument is a path, before it is opened.

    Raises:
        SettingsError: if it is neither a string nor an `os.PathLike`; the message names the argument.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise SettingsError(f"{argument} must be a path, received: {value!r:.80}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" with the known word most similar to `word`, or the list of known words."""
    known = sorted(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
