"""Reader for two parallel text files, as for Moses: line n of one file is the translation of line n of the other."""

import os
from collections.abc import Generator
from itertools import zip_longest

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_parallel"]


def read_parallel(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Generator[Row, None, None]:
    """Yield a row for each pair of lines.

    Raises:
        DataError: if a file cannot be read, or the files differ in their number of lines.
    """
    for number, (left, right) in enumerate(zip_longest(read_lines(source), read_lines(target)), start=1):
        if left is None or right is None:
            short, long = map(input_name, (source, target) if left is None else (target, source))
            raise DataError(
                f"{short} ends after line {number - 1}, and {long} goes on. Both need the same number of lines: line n "
                f"of one must translate line n of the other."
            )
        yield Row(number, left, right)
