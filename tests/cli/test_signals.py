"""Signals as exceptions."""

import os
import signal
import sys
import time
import weakref

import pytest

from passerelle.cli.signals import exit_status, signal_words, signals_as_exceptions
from passerelle.training.callbacks.interruption import Interrupted

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


class Thing:
    """An object that weak references can refer to."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("dropped", [False, True])
def test_a_signal_is_raised_even_if_python_drops_its_exception(number, dropped, capsys):
    before = signal.getsignal(number), sys.unraisablehook
    thing = Thing()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
    with pytest.raises(KeyboardInterrupt) as caught, signals_as_exceptions():
        if dropped:
            del thing
        else:
            signal.raise_signal(number)
        time.sleep(5)  # ends with the exception
    assert getattr(caught.value, "signal", signal.SIGINT) == number
    assert isinstance(caught.value, Interrupted) == (number != signal.SIGINT)
    assert (signal.getsignal(number), sys.unraisablehook) == before
    assert capsys.readouterr().err == ""
    assert not dropped or reference() is None


def test_other_dropped_exceptions_are_reported(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: seen.append(dropped.exc_type))

    def fail(_):
        raise ValueError

    thing = Thing()
    reference = weakref.ref(thing, fail)
    with signals_as_exceptions():
        del thing
    assert (seen, reference()) == ([ValueError], None)


def test_words_and_status():
    assert (signal_words(signal.SIGINT), exit_status(signal.SIGINT)) == ("interrupted", 130)
    assert (signal_words(signal.SIGTERM), exit_status(signal.SIGTERM)) == ("interrupted by SIGTERM", 143)
