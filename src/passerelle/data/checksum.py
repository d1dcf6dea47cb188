"""Checksums of files."""

import hashlib
import os

__all__ = ["file_sha256", "quick_fingerprint"]

_SAMPLES = 16
_SAMPLE_SIZE = 2**16


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal digits.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def quick_fingerprint(path: str | os.PathLike[str]) -> tuple[int, int, str]:
    """Return size in bytes, time of the last change in nanoseconds, and the SHA-256 of parts from all over a file.

    Raises:
        OSError: if it cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        status = os.fstat(stream.fileno())
        for number in range(_SAMPLES):
            stream.seek(max(0, status.st_size - _SAMPLE_SIZE) * number // (_SAMPLES - 1))
            digest.update(stream.read(_SAMPLE_SIZE))
    return status.st_size, status.st_mtime_ns, digest.hexdigest()
