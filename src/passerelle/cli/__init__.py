"""The command line.

Exit status: 0 success; 1 some text has no translation; 2 bad input; 130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by
SIGHUP; 141 the reader of standard output closed the pipe.
"""

import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from passerelle.cli.signals import exit_status, signal_words, signals_as_exceptions
from passerelle.cli.streams import keep_standard_error_usable
from passerelle.errors import PasserelleError, one_line
from passerelle.runtime import enable_compilation_cache
from passerelle.training.callbacks.interruption import Interrupted

__all__ = ["main"]

BAD_INPUT, CLOSED_PIPE = 2, 141


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit. An error is one line on standard error, never a traceback.

    Args:
        arguments: command-line arguments after `passerelle`; by default `sys.argv[1:]`.
    """
    status = _run(list(sys.argv[1:] if arguments is None else arguments))
    gc.freeze()  # saves time: at exit, the garbage collector would go through all objects of Keras
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    keep_standard_error_usable()
    # Output is UTF-8 in every locale, like all files.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    enable_compilation_cache()
    try:
        with signals_as_exceptions():
            return _call(arguments)
    except KeyboardInterrupt as error:
        number = error.signal if isinstance(error, Interrupted) else signal.SIGINT
        _print_message(f"{signal_words(number)}; the step in progress wrote nothing.")
        return exit_status(number)


def _call(arguments: list[str]) -> int:
    """Run one command, and return its exit status; convert errors to a message."""
    from cyclopts import CycloptsError, UnknownOptionError

    from passerelle.cli.app import app
    from passerelle.cli.arguments import explain_unknown_option, prepare_arguments

    try:
        status = app(prepare_arguments(app, arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return status or 0
    except PasserelleError as error:
        return _fail(str(error))
    except CycloptsError as error:
        unknown_option = isinstance(error, UnknownOptionError)
        message = explain_unknown_option(error, arguments[0]) if unknown_option else str(error)
        return _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See: passerelle --help")
    except BrokenPipeError:
        _discard_output()
        return CLOSED_PIPE
    except MemoryError:
        return _fail("out of memory. Use fewer pairs (--limit), a smaller --batch-size, or fewer --units.")
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EINVAL):  # Windows reports a closed pipe as EINVAL
            _discard_output()
            return CLOSED_PIPE
        _discard_output()
        return _fail(f"{error.filename or 'standard output'} cannot be written: {error.strerror or error}.")


def _fail(message: str) -> int:
    _print_message(f"error: {one_line(message)}")
    return BAD_INPUT


def _print_message(message: str) -> None:
    print(f"passerelle: {message}", file=sys.stderr)


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
