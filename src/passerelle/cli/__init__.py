"""The command line. `main` turns every outcome into an exit status: 0 done, 2 bad input, 130 Ctrl-C, 141 no reader."""

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from passerelle.errors import PasserelleError
from passerelle.runtime import enable_compilation_cache

__all__ = ["main"]

BAD_INPUT, INTERRUPTED, CLOSED_PIPE = 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits; errors are one line on standard error, never a traceback.

    Args:
        arguments: the words after `passerelle`; by default those of this process.
    """
    status = _run(list(sys.argv[1:] if arguments is None else arguments))
    gc.freeze()  # nothing is left to collect: Python's exit need not look through all of Keras
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    from cyclopts import CycloptsError

    from passerelle.cli.app import app

    # What is written is UTF-8 whatever the terminal's locale says, as all files are.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if arguments[:1] in (["train"], ["evaluate"], ["score"]):
        arguments = ["/dev/stdin" if word == "-" else word for word in arguments]
    enable_compilation_cache()
    try:
        status = app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return status or 0
    except PasserelleError as error:
        return _fail(str(error))
    except CycloptsError as error:
        message = str(error)
        return _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See: passerelle --help")
    except KeyboardInterrupt:
        _say("interrupted; nothing was written by the step that was cut off.")
        return INTERRUPTED
    except BrokenPipeError:
        _close_quietly()
        return CLOSED_PIPE
    except MemoryError:
        return _fail("out of memory. Give fewer pairs (--limit), a smaller --batch-size, or fewer --units.")
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EINVAL):  # Windows reports a closed pipe as EINVAL
            _close_quietly()
            return CLOSED_PIPE
        _close_quietly()
        return _fail(f"{error.filename or 'standard output'} cannot be written: {error.strerror or error}.")


def _fail(message: str) -> int:
    _say(f"error: {' '.join(message.splitlines())}")
    return BAD_INPUT


def _say(message: str) -> None:
    print(f"passerelle: {message}", file=sys.stderr)


def _close_quietly() -> None:
    """Points standard output nowhere, so that Python's own flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
