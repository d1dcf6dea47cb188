"""The benchmark of killed trainings, with few of them."""

import os
import signal

import pytest

import kills


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_two_killed_trainings_leave_a_whole_model_or_none(tmp_path):
    before = {number: signal.getsignal(number) for number in kills.SIGNALS[1:]}
    trainings = kills.Trainings(tmp_path, seed=3)
    try:
        killed = trainings.kill(signal.SIGKILL, overwrite=True, at_the_end=True)
        ended = trainings.kill(signal.SIGTERM, overwrite=False, at_the_end=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (killed.faults, ended.faults) == ((), ())
