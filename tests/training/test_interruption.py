"""Ctrl-C as a request."""

import signal
import threading

import pytest

from passerelle.training.callbacks.interruption import Interruption


def test_the_first_asks_and_the_second_acts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_everything_is_as_it_was_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    assert not interruption.requested


def test_a_background_job_stays_deaf() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_it_does_nothing() -> None:
    found = []

    def run() -> None:
        with Interruption() as interruption:
            found.append(interruption.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False]
