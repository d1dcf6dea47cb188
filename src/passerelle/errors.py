"""The exceptions that Passerelle raises on purpose.

    PasserelleError             everything below; the command line prints it as one line and exits with status 2
    ├── DataError               a file of pairs, or a text in it, cannot be used
    │   └── LongTextError       a text is too long for the memory limit
    ├── SettingsError           a setting is unknown, out of range, or conflicts with another
    ├── ModelFileError          a file is damaged, no model file, from another version, or unsafe
    ├── RunError                a run cannot be resumed: no run, damaged, in use, or its data changed
    ├── OutputError             something could not be written; an existing file is unchanged
    ├── LostProcessError        another process of a training on several processes has ended
    └── BackendError            Keras, its backend or the device cannot be used on this machine, or as it is set up
        └── OutOfMemoryError    there is not enough memory; it is also a MemoryError

Every message states the problem, the value or place that causes it, and how to fix it. It is one line of bounded length
without control characters, whatever a file or a text contains.
"""

import difflib
import errno
import os
import re
import reprlib
from collections.abc import Iterable

__all__ = [
    "BackendError", "DataError", "LongTextError", "LostProcessError", "ModelFileError", "OutOfMemoryError",
    "OutputError", "PasserelleError", "RunError", "SettingsError", "brief", "did_you_mean", "escape_controls", "listed",
    "one_line", "require_path",
]  # fmt: skip

MAX_MESSAGE = 2000
"""Maximum length of a message in characters."""

MAX_LISTED = 10
"""Maximum number of faults or names in one message."""

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 100
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 10
_BRIEF.maxlevel = 3


def escape_controls(text: str) -> str:
    """Return `text` with control characters as escapes such as `\\x1b`, so that it cannot control a terminal.

    Tabs and line feeds are kept.
    """
    return text.translate(_ESCAPES)


def one_line(text: str) -> str:
    """Return a message as one line of at most `MAX_MESSAGE` characters, without control characters."""
    if len(text) > MAX_MESSAGE:  # the end says how to fix the problem
        text = f"{text[: MAX_MESSAGE - 500]} ... {text[-450:]}"
    return escape_controls(" ".join(text.splitlines()))


def brief(value: object) -> str:
    """Return `repr(value)`, shortened to some hundred characters."""
    try:
        text = _BRIEF.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number with too many digits"
    return text if len(text) <= 300 else f"{text[:200]}...{text[-90:]}"


def listed(items: Iterable[str], separator: str = "; ") -> str:
    """Join the first items; the end counts the others, as in `a; b; and 12 more`."""
    items = list(items)
    more = [f"and {len(items) - MAX_LISTED:,} more"] if len(items) > MAX_LISTED else []
    return separator.join([*items[:MAX_LISTED], *more])


class PasserelleError(Exception):
    """Base class of all exceptions that Passerelle raises on purpose.

    Example:
        >>> try:
        ...     translator = passerelle.load("absent.keras")
        ... except passerelle.PasserelleError as error:
        ...     print(f"No translator: {error}")
        No translator: ...
    """

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


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

    def __reduce__(self) -> tuple[type["LongTextError"], tuple[int, str]]:
        return type(self), (self.row, self.reason)  # by default, pickle would pass the message


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


class RunError(PasserelleError, ValueError):
    """A run cannot be resumed: its folder is none of a run, damaged or in use, or its data changed.

    Example:
        >>> passerelle.resume("absent.run")
        Traceback (most recent call last):
            ...
        passerelle.errors.RunError: absent.run: no such folder. Name the folder that train wrote.
    """


class OutputError(PasserelleError):
    """A file could not be written; an existing file is unchanged.

    Example:
        >>> passerelle.load("model.keras").save("pairs.tsv/model.keras")
        Traceback (most recent call last):
            ...
        passerelle.errors.OutputError: ...
    """


class LostProcessError(PasserelleError):
    """Another process of a training on several processes has ended, so that the training cannot go on."""

    @classmethod
    def of(cls, number: int, count: int = 0) -> "LostProcessError":
        """Return the error for the process with a number, from 0, of `count` processes; 0 if that is unknown."""
        return cls(f"process {number + 1}{f' of {count}' if count else ''} has ended, so the training cannot go on.")


class BackendError(PasserelleError):
    """Keras, its backend or the device cannot be used on this machine, or as the environment configures them."""


_NO_MEMORY = re.compile(
    r"RESOURCE_EXHAUSTED|out of memory|bad_alloc|can't start new thread|failed to map segment|cannot allocate memory"
    r"|memory allocation failed|unable to allocate",
    re.IGNORECASE,
)
"""Messages of JAX, NumPy, HDF5, Python's threads and the dynamic loader when there is not enough memory."""


class OutOfMemoryError(BackendError, MemoryError):
    """There is not enough memory."""

    @classmethod
    def from_error(cls, error: BaseException) -> "OutOfMemoryError | None":
        """Return an exception of another library as this one if too little memory is its cause, else None."""
        if isinstance(error, cls):
            return error
        reason = (str(error).splitlines() or [""])[0]
        certain = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        if not certain:
            possible = isinstance(error, (RuntimeError, ImportError, OSError))
            if not (possible and _NO_MEMORY.search(reason)):
                return None
        return cls(
            f"out of memory{f' ({reason:.200})' if reason else ''}. Use a smaller batch_size, fewer units or fewer "
            f"pairs, or give the process more memory."
        )


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
    near = difflib.get_close_matches(str(word)[:100], known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
