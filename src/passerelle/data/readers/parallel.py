"""Two files side by side, as Moses has them: line by line, sources in one, targets in the other."""

import os
from collections.abc import Generator
from itertools import zip_longest

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_parallel"]


def read_parallel(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Generator[Row, None, None]:
    """Yields a row for each line of both files.

    Raises:
        DataError: if a file cannot be read, or one has fewer lines than the other.
    """
    for number, (left, right) in enumerate(zip_longest(read_lines(source), read_lines(target)), start=1):
        if left is None or right is None:
            short, long = map(input_name, (source, target) if left is None else (target, source))
            raise DataError(
                f"{short} ends after {number - 1} lines, and {long} goes on. Line {number} of one must be the "
                f"translation of line {number} of the other, to the end."
            )
        yield Row(number, left, right)
