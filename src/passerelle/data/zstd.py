"""Reading zstd streams with Python's own module (from 3.14), else with the package `zstandard`."""

import io
from collections.abc import Callable
from typing import Any

__all__ = ["DamagedZstdError", "ZstdStream"]

_INPUT = 1 << 12
"""Compressed bytes per step; few, because four of them can unpack to 128 kB."""


class DamagedZstdError(Exception):
    """A zstd stream is damaged."""


class ZstdStream(io.RawIOBase):
    """The unpacked content of a binary stream of zstd frames.

    Raises:
        NotImplementedError: if neither module is installed.
        EOFError: while reading, if the stream ends inside a frame.
        DamagedZstdError: while reading, if the stream is damaged.
    """

    def __init__(self, stream: Any):
        self._stream = stream
        self._new, self._error = _decompressor()
        self._frame: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._output:
            if not self._input:
                self._input = self._stream.read(_INPUT)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the file ends inside a zstd frame")
                return 0
            if self._frame is None:
                self._frame = self._new()
            try:
                self._output = memoryview(self._frame.decompress(self._input))
            except self._error as error:
                raise DamagedZstdError(str(error)) from None
            self._input = b""
            if self._frame.eof:
                self._frame, self._input = None, self._frame.unused_data
        data, self._output = self._output[: len(buffer)], self._output[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _decompressor() -> tuple[Callable[[], Any], type[Exception]]:
    """Return a function that creates a decompressor of one frame, and the exception that it raises."""
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass
    else:
        return ZstdDecompressor, ZstdError
    try:
        import zstandard  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise NotImplementedError("zstd requires the package zstandard: pip install zstandard") from None
    return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
