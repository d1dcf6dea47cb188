"""Ctrl-C and other signals during training."""

import importlib
import signal
import threading
from types import SimpleNamespace

import pytest

from passerelle.training.callbacks import interruption as module
from passerelle.training.callbacks.interruption import SIGNALS, Interrupted, Interruption


def test_first_ctrl_c_is_a_request_and_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_that_end_a_process(number: int) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the tests run in the background (nohup), where this signal is ignored, and remains so")
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption() as interruption:
        signal.raise_signal(number)
        assert interruption.signal == number
        assert interruption.requested
        if hasattr(signal, "SIGHUP"):  # a closed terminal and a session that ends send several
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
        assert interruption.signal == number, "the first one counts"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_entered_again_within_itself() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        with interruption:
            pass
        signal.raise_signal(signal.SIGTERM)
        with interruption:
            assert interruption.requested
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_before_the_first_update_leaves_nothing_to_save() -> None:
    interruption = Interruption()
    interruption.signal = signal.SIGTERM
    with pytest.raises(Interrupted) as caught:
        interruption.on_epoch_begin(SimpleNamespace(state=SimpleNamespace(updates=0)))  # pyright: ignore
    assert caught.value.signal == signal.SIGTERM
    assert isinstance(caught.value, KeyboardInterrupt)


def test_a_system_without_some_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIGHUP", "SIGTERM"):
        monkeypatch.delattr(signal, name, raising=False)
    try:
        assert importlib.reload(module).SIGNALS == (signal.SIGINT,)
    finally:
        monkeypatch.undo()
        importlib.reload(module)


def test_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    assert not interruption.requested


def test_background_jobs_still_ignore_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_no_effect_outside_the_main_thread() -> None:
    requested = []

    def run() -> None:
        with Interruption() as interruption:
            requested.append(interruption.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert requested == [False]
