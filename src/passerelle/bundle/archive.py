"""The archive of a model file: a zip file with four stored members, whose sizes are checked before any is read."""

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from passerelle.errors import ModelFileError

__all__ = ["ASSET_MEMBER", "CONFIG_MEMBER", "METADATA_MEMBER", "WEIGHTS_MEMBER", "open_archive"]

ASSET_MEMBER = "assets/translator.json"
CONFIG_MEMBER = "config.json"
METADATA_MEMBER = "metadata.json"
WEIGHTS_MEMBER = "model.weights.h5"
_MEMBERS = {ASSET_MEMBER, CONFIG_MEMBER, METADATA_MEMBER, WEIGHTS_MEMBER}

MAX_CONFIG = 2**20
"""Maximum size of `config.json` and `metadata.json` in bytes; real ones have about a thousand."""

MAX_ASSET = 2**24
"""Maximum size of `translator.json` in bytes, in addition to the size of the weights: a token has many weights."""

MAX_OVERHEAD = 2**12
"""Maximum number of bytes of the file that belong to no member; Keras writes about 500."""

# The end of a zip file, and what stands before it in a file of 2 GiB or more: a record and a locator of 20 bytes.
_END, _END64, _LOCATOR_SIZE = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), 20
_DIRECTORY_SIZE, _DIRECTORY_SIZE64 = 5, 8  # positions of the size of the list of members


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a model file and check its list of members: names, compression and sizes. Reading a member checks its CRC.

    Raises:
        ModelFileError: if the members are not those of a translator, or too large.
        zipfile.BadZipFile: if the file is no zip archive, or incomplete.
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError("it is not a regular file")
        if _directory_size(stream, status.st_size) > MAX_OVERHEAD:  # zipfile would read the whole list
            raise ModelFileError("it has too many archive members")
        with zipfile.ZipFile(stream) as archive:
            _check_members(archive, status.st_size)
            yield archive


def _directory_size(stream: BinaryIO, size: int) -> int:
    """Return the size of the list of members, in bytes."""
    stream.seek(max(0, size - _END.size - _LOCATOR_SIZE - _END64.size))
    last = stream.read()
    before, end = last[: -_END.size], last[-_END.size :]
    if not end.startswith(b"PK\5\6"):
        raise zipfile.BadZipFile("the file does not end like a zip archive")
    if before.startswith(b"PK\6\6"):
        return _END64.unpack(before[: _END64.size])[_DIRECTORY_SIZE64]
    if before[-_LOCATOR_SIZE:].startswith(b"PK\6\7"):
        raise zipfile.BadZipFile("the file has a locator without a record")
    return _END.unpack(end)[_DIRECTORY_SIZE]


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    names = archive.namelist()
    if ASSET_MEMBER not in names:
        raise ModelFileError("it contains no translator; it may be another Keras model")
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        unexpected = sorted(set(names) ^ _MEMBERS) or ["duplicate members"]
        raise ModelFileError(f"missing or unexpected archive members ({', '.join(unexpected)[:100]})")
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ModelFileError(f"its member {info.filename} is compressed, and Keras does not compress model files")
    total = sum(info.file_size for info in archive.infolist())
    if not 0 <= size - total <= MAX_OVERHEAD:
        raise ModelFileError(f"its members have {total:,} bytes, and the file has {size:,}")
    limits = {CONFIG_MEMBER: MAX_CONFIG, METADATA_MEMBER: MAX_CONFIG}
    limits[ASSET_MEMBER] = MAX_ASSET + archive.getinfo(WEIGHTS_MEMBER).file_size
    for name, limit in limits.items():
        if archive.getinfo(name).file_size > limit:
            raise ModelFileError(f"its member {name} is too large ({archive.getinfo(name).file_size:,} bytes)")
