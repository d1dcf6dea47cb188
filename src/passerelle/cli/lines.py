"""Input lines in blocks: a thread reads the next block while the current one is translated."""

import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from passerelle.errors import DataError, SettingsError
from passerelle.settings import MAX_LINE

if TYPE_CHECKING:
    from passerelle.data.file_shards import FileShard

__all__ = ["MAX_BLOCK_LINES", "Block", "check_texts", "file_size", "read_blocks"]

MAX_BLOCK_LINES = 2**14
"""Maximum number of lines per block: enough for batches of equal lengths, and a bound on memory."""

MAX_BLOCK_CHARACTERS = 2**20
"""A block that reaches this number of characters is full, so that long lines do not exhaust memory either."""


@dataclass(frozen=True)
class Block:
    """Consecutive lines of the input.

    Attributes:
        lines: lines without line ends.
        position: number of bytes of the file that were read up to the end of the block; 0 if unknown.
    """

    lines: list[str]
    position: int


class _LineQueue:
    """Queue between the thread that reads lines and the thread that uses them. Holds at most one block.

    Args:
        size: number of lines in a full block.
        first: number of lines in the first block.
    """

    def __init__(self, size: int, first: int):
        self._size = size
        self._limit = first
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._characters = self._position = 0
        self._closed = False
        self._error: BaseException | None = None

    def put(self, line: str, position: int) -> None:
        """Add a line; wait while the queue is full."""
        with self._changed:
            self._changed.wait_for(lambda: not self._full())
            self._lines.append(line)
            self._characters += len(line)
            self._position = position
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """End the input. `take` raises `error` after it has returned all lines."""
        with self._changed:
            self._closed, self._error = True, error
            self._changed.notify_all()

    def take(self, *, full: bool) -> Block | None:
        """Remove and return all lines in the queue; None at the end of the input.

        Waits for a full block if `full`, else for at least one line.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._full() or (self._lines and not full))
            block = Block(self._lines, self._position)
            self._lines, self._characters, self._limit = [], 0, self._size
            self._changed.notify_all()
            if block.lines:
                return block
            if self._error is not None:
                raise self._error
            return None

    def _full(self) -> bool:
        return len(self._lines) >= self._limit or self._characters >= MAX_BLOCK_CHARACTERS


def read_blocks(
    path: str,
    *,
    size: int = MAX_BLOCK_LINES,
    skip: int = 0,
    max_line: int = MAX_LINE,
    shard: "FileShard | None" = None,
) -> Iterator[Block]:
    """Yield the lines of a file in blocks, while a thread reads the next block.

    Blocks of a regular file are full. Blocks of a pipe or a terminal contain the lines that are waiting, at least one,
    so that a person who types receives each translation at once.

    Args:
        path: see `data.files.read_lines`.
        size: number of lines in a full block.
        skip: number of lines to skip at the start of the file. Blocks end at the same lines as without `skip`.
        max_line: maximum number of characters of a line.
        shard: the lines of the file to read; `skip` counts in them. None for all.

    Raises:
        DataError: if the file cannot be read, or has fewer than `skip` lines.
    """
    from passerelle.data.files import input_name, read_lines

    queue = _LineQueue(size, first=size - skip % size)

    def read() -> None:
        position = number = 0

        def watch(bytes_read: int) -> None:
            nonlocal position
            position = bytes_read

        try:
            for number, line in enumerate(read_lines(path, progress=watch, max_line=max_line, shard=shard), start=1):
                if number > skip:
                    queue.put(line, position)
            if number < skip:
                raise DataError(
                    f"{input_name(path)} has {number:,} lines, but the output file already has the translations of "
                    f"{skip:,}. Name the same input as before, or another --out."
                )
            queue.close()
        except BaseException as error:
            queue.close(error)

    threading.Thread(target=read, daemon=True).start()
    full = file_size(path) is not None
    while (block := queue.take(full=full)) is not None:
        yield block


def check_texts(texts: Sequence[str], max_line: int) -> None:
    """Check `--max-line`, and the length of the texts of the command line.

    Raises:
        SettingsError: if `max_line` is below 1.
        DataError: if a text is too long.
    """
    from passerelle.data.line_limit import LineLimit

    if max_line < 1:
        raise SettingsError(f"--max-line must be at least 1, received: {max_line}")
    for number, text in enumerate(texts, start=1):
        LineLimit("arguments", max_line, "text").check(len(text), number)


def file_size(path: str) -> int | None:
    """Return the size in bytes of a regular file or redirected standard input; None for anything else."""
    from passerelle.data.files import STANDARD_INPUT

    try:
        status = os.fstat(sys.stdin.fileno()) if path == STANDARD_INPUT else os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
