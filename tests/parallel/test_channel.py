"""Messages between processes, here between threads."""

import queue
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from passerelle.errors import LostProcessError
from passerelle.parallel.channel import Channel
from passerelle.parallel.group import Group

SECONDS = 120
"""Maximum time to wait for another thread, for slow machines."""


class Announcement:
    """Gives the first process's bytes to the others, as a collective operation does."""

    def __init__(self, count):
        self._queue = queue.Queue()
        self._others = count - 1

    def first(self, data):
        for _ in range(self._others):
            self._queue.put(data)
        return data

    def other(self, data):
        received = self._queue.get(timeout=SECONDS)
        assert len(received) == len(data)
        return received


@pytest.fixture
def make_channels():
    opened = []

    def make(count, before=lambda data: data):
        announcement = Announcement(count)

        def first(data):
            return announcement.first(before(data))

        with ThreadPoolExecutor(count) as pool:
            started = [
                pool.submit(
                    Channel.open, number, count, "127.0.0.1", announcement.other if number else first, seconds=SECONDS
                )
                for number in range(count)
            ]
            opened.extend(each.result(timeout=SECONDS) for each in started)
        return opened

    yield make
    for channel in opened:
        channel.close()


def in_threads(functions):
    with ThreadPoolExecutor(len(functions)) as pool:
        return [each.result(timeout=SECONDS) for each in [pool.submit(function) for function in functions]]


def test_all_processes_receive_all_messages_in_order(make_channels):
    channels = make_channels(3)
    messages = [b"", b"a" * 3_000_000, b"bc"]
    for _ in range(3):
        found = in_threads([lambda c=c, m=m: c.gather(m) for c, m in zip(channels, messages, strict=True)])
        assert found == [messages] * 3


def test_a_group_agrees_on_the_values_of_the_first(make_channels):
    groups = [Group(number, 2, channel) for number, channel in enumerate(make_channels(2))]
    values = [{"seconds": 0.1 + 0.2, "text": "é"}, None]
    found = in_threads([lambda g=g, v=v: g.first(v) for g, v in zip(groups, values, strict=True)])
    assert found == [values[0]] * 2
    found = in_threads([lambda g=g: g.first_bytes(bytes([g.number])) for g in groups])
    assert found == [b"\0"] * 2


def test_a_stranger_is_not_accepted(make_channels):
    strangers = []

    def before(data):
        (port,) = struct.unpack("!i", data[:4])
        strangers.append(socket.create_connection(("127.0.0.1", port)))
        strangers[0].sendall(b"x" * 20)
        return data

    channels = make_channels(2, before)
    assert in_threads([lambda c=c: c.gather(b"m") for c in channels]) == [[b"m", b"m"]] * 2
    strangers[0].settimeout(SECONDS)
    assert strangers[0].recv(1) == b""
    strangers[0].close()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_the_end_of_a_process_ends_the_wait_of_the_others(make_channels, lost):
    channels = make_channels(3)
    threading.Timer(0.1, channels[lost].close).start()

    def gather(channel):
        with pytest.raises(LostProcessError, match=r"process [0-9]( of 3)? has ended"):
            channel.gather(b"")
        channel.close()

    in_threads([lambda c=c: gather(c) for number, c in enumerate(channels) if number != lost])


def test_a_lost_process_is_named(make_channels):
    channels = make_channels(3)
    assert channels[0].lost(0.0) is None
    channels[2].close()
    assert channels[0].lost(SECONDS) == 2
    channels[0].close()
    assert channels[1].lost(SECONDS) == 0
    with pytest.raises(LostProcessError):
        channels[1].gather(b"x")


def test_a_process_that_does_not_come_is_named():
    with pytest.raises(LostProcessError, match="process 2 of 2"):
        Channel.open(0, 2, "127.0.0.1", lambda data: data, seconds=0.2)


def test_other_data_is_refused(make_channels):
    from passerelle.errors import BackendError

    groups = [Group(number, 2, channel) for number, channel in enumerate(make_channels(2))]

    def require(group):
        with pytest.raises(BackendError, match="process 2 of 2 has other pairs than process 1"):
            group.require_equal(str(group.number), "pairs")

    in_threads([lambda g=g: require(g) for g in groups])
