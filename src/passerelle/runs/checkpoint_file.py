"""A checkpoint file: a training state in the safetensors format, with a checksum, written atomically.

The format (https://huggingface.co/docs/safetensors) is a JSON header with name, dtype, shape and place of each array,
followed by the arrays. It holds no pickle and no code. The header's `__metadata__` has two entries: `state`, the rest
of the state as JSON, and `sha256`, the SHA-256 of the whole file in which these 64 digits are zeros.

A checkpoint is untrusted input, like a model file. Sizes are checked against each other before an array is made, so
reading needs no more memory than the file has bytes.
"""

import hashlib
import json
import math
import os
import re
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from passerelle.bundle.json_text import parse_json
from passerelle.data.writing import replace_atomically
from passerelle.errors import ModelFileError, RunError
from passerelle.training.history import WEIGHTS
from passerelle.training.state import TrainingState

__all__ = ["SUFFIX", "DamagedCheckpointError", "read_checkpoint", "write_checkpoint"]

SUFFIX = ".safetensors"

MAX_HEADER = 2**27
"""Maximum size of the header in bytes; an interval in the history has about three hundred."""

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_LENGTH = struct.Struct("<Q")
_NAME = re.compile(r"[a-z_]{1,32}(/\d{1,6})?")
_ZEROS = "0" * 64


class DamagedCheckpointError(Exception):
    """A file is no checkpoint, incomplete, or not as it was written; the message is the reason."""


def write_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write `TrainingState.arrays()` and `TrainingState.metadata()` to a file, and flush it to the disk.

    Raises:
        OutputError: if the file cannot be written; an existing one is unchanged.
    """
    entries: dict[str, Any] = {"__metadata__": {"state": json.dumps(metadata), "sha256": _ZEROS}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        code = _CODES[array.dtype.newbyteorder("<").str]
        entries[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [begin, end]}
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)  # the arrays begin at a multiple of 8
    parts = [np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for array in arrays.values()]
    buffers = [part.reshape(-1).view(np.uint8).data for part in parts]
    digest = hashlib.sha256(_LENGTH.pack(len(header)) + header)
    for buffer in buffers:
        digest.update(buffer)
    # The first zeros are those of the entry: no state contains 64 of them in a row before it.
    header = header.replace(_sha_entry(_ZEROS), _sha_entry(digest.hexdigest()), 1)
    with replace_atomically(path) as temporary, open(temporary, "wb") as stream:
        stream.write(_LENGTH.pack(len(header)) + header)
        for buffer in buffers:
            stream.write(buffer)


def read_checkpoint(path: Path) -> TrainingState:
    """Read a training state that `write_checkpoint` wrote.

    Raises:
        DamagedCheckpointError: if the file is not exactly as it was written.
        RunError: if another version of Passerelle wrote it; see `TrainingState.restore`.
        OSError: if it cannot be read.
    """
    with open(path, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DamagedCheckpointError("it is not a regular file")
        start = stream.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else -1
        if not 0 < length <= min(MAX_HEADER, status.st_size - _LENGTH.size):
            raise DamagedCheckpointError("it is incomplete")
        header = stream.read(length)
        data = bytearray(status.st_size - _LENGTH.size - length)
        if stream.readinto(data) != len(data):
            raise DamagedCheckpointError("it is incomplete")
    try:
        entries = parse_json(header, "its header")
        metadata = entries.pop("__metadata__")
        _check_sum(start, header, data, metadata["sha256"])
        arrays = _arrays(entries, data)
        state = parse_json(metadata["state"].encode(), "its state")
        _check_metadata(state)
    except (ModelFileError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"it is damaged ({error})") from None
    try:
        return TrainingState.restore(arrays, state)
    except RunError:  # from another version
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DamagedCheckpointError(f"it is damaged ({type(error).__name__}: {error})") from None


def _sha_entry(digits: str) -> bytes:
    return f'"sha256": "{digits}"'.encode()


def _check_sum(start: bytes, header: bytes, data: bytearray, expected: str) -> None:
    digest = hashlib.sha256(start + header.replace(_sha_entry(expected), _sha_entry(_ZEROS), 1))
    digest.update(data)
    if digest.hexdigest() != expected:
        raise ValueError("its checksum differs")


def _arrays(entries: Mapping[str, Any], data: bytearray) -> dict[str, np.ndarray]:
    """Return the arrays, which are views of the data; they must fill it in the order of their entries."""
    arrays, end = {}, 0
    for name, entry in entries.items():
        if not _NAME.fullmatch(name):
            raise ValueError("an array has an unknown name")
        dtype, shape, (begin, after) = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
        if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 8:
            raise ValueError(f"the shape of {name} is no list of sizes")
        size = math.prod(shape)
        if (begin, after) != (end, end + size * dtype.itemsize) or after > len(data):
            raise ValueError(f"the place of {name} does not match its shape")
        arrays[name] = np.frombuffer(data, dtype, size, begin).reshape(shape)
        end = after
    if end != len(data):
        raise ValueError("it has bytes that belong to no array")
    return arrays


def _check_metadata(state: Any) -> None:
    """Check the types that `TrainingState.restore` does not; another `format` is left to it."""
    if state["format"] != TrainingState().metadata()["format"]:
        return
    for name in ("epoch", "position", "updates", "interval_updates", "rate_reduced"):
        if type(state[name]) is not int or state[name] < 0:
            raise ValueError(f"{name} is no count")
    for name in ("seconds", "interval_began"):
        if type(state[name]) not in (int, float) or not 0 <= state[name] < math.inf:
            raise ValueError(f"{name} is no time")
    if type(state["rate_factor"]) is not float or not 0 < state["rate_factor"] <= 1:
        raise ValueError("rate_factor is no share")
    if type(state["stopped"]) is not str or type(state["best"]["interval"]) is not int:
        raise ValueError("the reason of the end or the best interval has a wrong type")
    intervals = state["history"]
    if not all(interval["weights"] in WEIGHTS for interval in intervals):
        raise ValueError("the weights of an interval have an unknown kind")
    values = [value for interval in intervals for name, value in interval.items() if name != "weights"]
    numbers = [state["best"]["value"], *values]
    if not all(value is None or type(value) in (int, float) or value in ("inf", "-inf", "nan") for value in numbers):
        raise ValueError("a loss is no number")
