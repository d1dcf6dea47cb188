"""Lines to translate, any number of them: a block at a time, while the next is read by a thread."""

import os
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from passerelle.errors import DataError

__all__ = ["LARGEST_BLOCK", "Block", "read_blocks", "size_of"]

LARGEST_BLOCK = 2**14
"""Lines translated at once where more are waiting: enough for batches of one length, and bounds the memory."""

MOST_CHARACTERS = 2**20
"""Of a block: so that long lines do not fill the memory either."""


@dataclass(frozen=True)
class Block:
    """Some lines that follow one another.

    Attributes:
        lines: without their ends.
        place: how far the file was read when the last of them was, in bytes; 0 where that is not known.
    """

    lines: list[str]
    place: int


class _Waiting:
    """Lines between the thread that reads them and the one that uses them: at most a block."""

    def __init__(self, most: int, first: int):
        self._most = most
        self._room = first
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._characters = self._place = 0
        self._closed = False
        self._error: BaseException | None = None

    def put(self, line: str, place: int) -> None:
        """Adds a line as soon as there is room."""
        with self._changed:
            self._changed.wait_for(lambda: not self._full())
            self._lines.append(line)
            self._characters += len(line)
            self._place = place
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """No more lines come; `error` is to be raised where they are used, after those that have come."""
        with self._changed:
            self._closed, self._error = True, error
            self._changed.notify_all()

    def take(self, *, full: bool) -> Block | None:
        """All that wait, at least one line; with `full` not before they fill a block. None after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._full() or (self._lines and not full))
            block = Block(self._lines, self._place)
            self._lines, self._characters, self._room = [], 0, self._most
            self._changed.notify_all()
            if block.lines:
                return block
            if self._error is not None:
                raise self._error
            return None

    def _full(self) -> bool:
        return len(self._lines) >= self._room or self._characters >= MOST_CHARACTERS


def read_blocks(path: str, *, most: int = LARGEST_BLOCK, skip: int = 0) -> Iterator[Block]:
    """Yields the lines of a file, block by block, while the next block is being read.

    Blocks of a regular file are full. Of a pipe or a terminal there is what waits, at least a line, so that a person
    who types gets each answer at once.

    Args:
        path: as for `data.files.read_lines`.
        most: lines of a block.
        skip: lines passed over at the beginning; blocks end where they would end without.

    Raises:
        DataError: if the file cannot be read, or has fewer lines than are passed over.
    """
    from passerelle.data.files import input_name, read_lines

    waiting = _Waiting(most, first=most - skip % most)

    def read() -> None:
        place = number = 0

        def watch(at: int) -> None:
            nonlocal place
            place = at

        try:
            for number, line in enumerate(read_lines(path, progress=watch), start=1):
                if number > skip:
                    waiting.put(line, place)
            if number < skip:
                raise DataError(
                    f"{input_name(path)} has {number:,} lines, and {skip:,} are translated already: they do not belong "
                    f"together. Name the input that --out was begun with, or another --out."
                )
            waiting.close()
        except BaseException as error:
            waiting.close(error)

    threading.Thread(target=read, daemon=True).start()
    full = size_of(path) is not None
    while (block := waiting.take(full=full)) is not None:
        yield block


def size_of(path: str) -> int | None:
    """Bytes of a regular file, standard input included; None of a pipe, a terminal or what is not there."""
    from passerelle.data.files import STANDARD_INPUT

    try:
        status = os.fstat(sys.stdin.fileno()) if path == STANDARD_INPUT else os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
