"""Checkpoint files: exact, atomic, checked, and readable by other programs."""

import contextlib
import itertools
import json
import os
import random
import struct

import numpy as np
import pytest

from passerelle.errors import RunError
from passerelle.runs.checkpoint_file import DamagedCheckpointError, read_checkpoint, write_checkpoint
from passerelle.training.history import Interval
from passerelle.training.state import Best, TrainingState


@pytest.fixture
def state():
    numbers = np.random.default_rng(1)
    state = TrainingState(
        trainable=[numbers.normal(size=(3, 4)).astype("f4"), np.zeros(0, "f4")],
        non_trainable=[np.array([1, 2**32 - 1], "u4")],
        optimizer=[np.array(7, "i4"), np.array(0.1, "f4"), np.full((2, 2), np.nan, "f4")],
        sums=np.array([1.0, 2.0, 3.0], "f8"),
        epoch=3, position=5, updates=9, seconds=0.1, interval_began=0.3, stopped="so",
        history=[
            Interval(1, 0.1 + 0.2, 1 / 3, float("nan"), float("inf"), 1e-300),
            Interval(2, 1.0, 0.5, None, None, 2.0, 31.5, 20.0, 3, "ema"),
        ],
        skipped=np.array([1, 0, 2], "i4"), recent=[np.ones((3, 4), "f4"), np.zeros(0, "f4")], rate_factor=0.25,
        rate_reduced=1, best=Best(2, 1.0, [np.ones((2, 3), "f4")]),
    )  # fmt: skip
    state.random.random(5)
    return state


@pytest.fixture
def path(state, tmp_path):
    path = tmp_path / "update-000000009.safetensors"
    write_checkpoint(path, state.arrays(), state.metadata())
    return path


def test_states_round_trip_exactly(state, path):
    again = read_checkpoint(path)
    assert str(again.metadata()) == str(state.metadata())
    arrays, others = state.arrays(), again.arrays()
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert (array.dtype, array.shape, array.tobytes()) == (
            others[name].dtype,
            others[name].shape,
            others[name].tobytes(),
        )
    assert again.random.random() == state.random.random()
    assert os.listdir(path.parent) == [path.name]


def test_the_format_is_that_of_safetensors(state, path):
    """By its specification: length of the header, header, arrays; the header has the place of each array."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert set(header.pop("__metadata__")) == {"state", "sha256"}
    for name, array in state.arrays().items():
        begin, end = header[name]["data_offsets"]
        assert data[8 + length + begin : 8 + length + end] == array.tobytes()
        assert header[name]["shape"] == list(array.shape)
    assert (8 + length) % 8 == 0
    assert max(end for entry in header.values() for end in entry["data_offsets"]) == len(data) - 8 - length


def test_every_changed_byte_and_every_length_is_noticed(path):
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        with pytest.raises(DamagedCheckpointError):
            read_checkpoint(path)
    for size in itertools.chain(range(0, len(data), 7), [len(data) - 1]):
        path.write_bytes(data[:size])
        with pytest.raises(DamagedCheckpointError, match="incomplete|damaged"):
            read_checkpoint(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(path)


def signed(header, arrays):
    """A file with any header and a right checksum, as an attacker can make it."""
    import hashlib

    def text(digits):
        header["__metadata__"]["sha256"] = digits
        data = json.dumps(header).encode()
        return struct.pack("<Q", len(data)) + data

    digest = hashlib.sha256(text("0" * 64) + arrays).hexdigest()
    return text(digest) + arrays


CHANGES = {
    "a huge array": lambda header: header["trainable/0"].update(shape=[2**40, 2**20]),
    "a negative size": lambda header: header["trainable/0"].update(shape=[-3, -4]),
    "a size that is no number": lambda header: header["trainable/0"].update(shape=[3.0, 4]),
    "overlapping arrays": lambda header: header["trainable/0"].update(data_offsets=[8, 56]),
    "an array beyond the end": lambda header: header["trainable/0"].update(data_offsets=[0, 2**60]),
    "another type": lambda header: header["trainable/0"].update(dtype="O"),
    "no place": lambda header: header["trainable/0"].pop("data_offsets"),
    "a name": lambda header: header.update({"../x": header.pop("trainable/0")}),
    "no state": lambda header: header["__metadata__"].pop("state"),
    "a state that is no text": lambda header: header["__metadata__"].update(state=1),
    "too many lists": lambda header: header["__metadata__"].update(state="[" * 2**19),
}
STATES = {
    "position": -1, "epoch": "one", "updates": True, "interval_updates": 1.0, "seconds": "long", "interval_began": None,
    "stopped": 1, "random": {"bit_generator": "PCG64", "state": "x"}, "best": {"interval": 1.5, "value": 1},
    "history": [{"number": []}],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_manipulated_headers_are_refused(path, change):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    path.write_bytes(signed(header, data[8 + length :]))
    read_checkpoint(path)
    change(header)
    path.write_bytes(signed(header, data[8 + length :]))
    with pytest.raises(DamagedCheckpointError, match="it is damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", STATES)
def test_manipulated_states_are_refused(state, path, name):
    write_checkpoint(path, state.arrays(), state.metadata() | {name: STATES[name]})
    with pytest.raises(DamagedCheckpointError, match="it is damaged"):
        read_checkpoint(path)


def test_random_damage_raises_nothing_else(state, path):
    """A header that is changed anywhere and signed again is refused, or gives another state."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    numbers = random.Random(3)
    for _ in range(300):
        text = bytearray(data[8 : 8 + length])
        for _ in range(numbers.randint(1, 3)):
            text[numbers.randrange(length)] = numbers.choice(b'0123456789"{}[],:-.eainf/')
        try:
            header = json.loads(text)
            path.write_bytes(signed(header, data[8 + length :]))
        except (ValueError, KeyError, TypeError):
            continue
        with contextlib.suppress(DamagedCheckpointError, RunError):
            read_checkpoint(path)


def test_another_version_is_told(state, path):
    write_checkpoint(path, state.arrays(), state.metadata() | {"format": 1})
    with pytest.raises(RunError, match="must have format 3, received: 1"):
        read_checkpoint(path)
