"""The command line.

Exit status: 0 success; 1 some text has no translation; 2 bad input, or a machine that cannot do the work; 70 a defect
of Passerelle; 130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP; 141 the reader of standard output closed the
pipe.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from passerelle.cli.processes import LOST, started_by_us
from passerelle.cli.signals import exit_status, signal_words, signals_as_exceptions
from passerelle.cli.streams import TRACEBACK, ClosedOutputError, prepare_streams
from passerelle.errors import LostProcessError, OutOfMemoryError, PasserelleError, one_line
from passerelle.parallel.group import current
from passerelle.runtime import enable_compilation_cache, ignore_keras_settings
from passerelle.training.callbacks.interruption import Interrupted

__all__ = ["main"]

BAD_INPUT, DEFECT, CLOSED_PIPE = 2, 70, 141


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit. An error is one line on standard error, never a traceback.

    Args:
        arguments: command-line arguments after `passerelle`; by default `sys.argv[1:]`.
    """
    prepare_streams()
    if arguments is None:
        _require_utf8()
    status = _run(list(sys.argv[1:] if arguments is None else arguments))
    if current().count > 1:  # not after a training that has ended, which leaves the group
        _end_at_once(status)
    gc.freeze()  # saves time: at exit, the garbage collector would go through all objects of Keras
    sys.exit(status)


def _end_at_once(status: int) -> NoReturn:
    """End this one of several processes, so that the others notice it: JAX's own end would wait for them."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


def _require_utf8() -> None:
    """Start the process again in Python's UTF-8 mode if the locale is ASCII and the mode was switched off.

    Otherwise arguments with other characters are no valid text, and no file could have their names.
    """
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.utf8_mode and any(not a.isascii() for a in sys.argv):
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _run(arguments: list[str]) -> int:
    enable_compilation_cache()
    ignore_keras_settings()
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
    except ClosedOutputError:
        return CLOSED_PIPE
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        if isinstance(error, LostProcessError) and started_by_us():
            return LOST  # the process that started this one reports it
        if isinstance(error, PasserelleError):
            return _fail(str(error))
        if isinstance(error, CycloptsError):
            unknown_option = isinstance(error, UnknownOptionError)
            message = explain_unknown_option(error, app, arguments[0]) if unknown_option else str(error)
            return _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See: passerelle --help")
        return _fail_unexpectedly(error)


def _fail_unexpectedly(error: Exception) -> int:
    """Report an exception that no other module has turned into a `PasserelleError`."""
    if memory := OutOfMemoryError.from_error(error):
        return _fail(str(memory))
    if isinstance(error, OSError) and error.filename is not None:
        return _fail(f"{error.filename} cannot be read or written: {error.strerror or error}.")
    reason = " ".join(str(error).splitlines())
    _fail(
        f"unexpected {type(error).__name__}{f': {reason:.200}' if reason else ''}. This is a defect of Passerelle: "
        f"please report it, with the traceback that the same command prints if {TRACEBACK}=1 is set."
    )
    return DEFECT


def _fail(message: str) -> int:
    _print_message(f"error: {one_line(message)}")
    return BAD_INPUT


def _print_message(message: str) -> None:
    group = current()
    place = "" if group.is_first else f"process {group.number + 1} of {group.count}: "
    print(f"passerelle: {place}{message}", file=sys.stderr)
