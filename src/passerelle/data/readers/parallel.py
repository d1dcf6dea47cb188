"""Reader for two parallel text files, as for Moses: line n of one file is the translation of line n of the other."""

import os
from collections.abc import Callable, Generator, Sequence
from itertools import chain, islice, zip_longest

from passerelle.data.files import input_name, read_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["read_parallel"]

_LOOK_AHEAD = 100
"""Lines that tell whether a file is tab-separated."""


def read_parallel(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    tabs: bool = True,
    max_line: int = MAX_LINE,
    progress: Callable[[int], object] | None = None,
) -> Generator[Row, None, None]:
    """Yield a row for each pair of lines.

    Args:
        source: file of the sources.
        target: file of the targets.
        tabs: whether texts may contain tabs; False refuses a file in which most lines do, since it probably contains
            pairs.
        max_line: maximum number of characters of a line.
        progress: for the file of the sources, see `data.files.open_input`.

    Raises:
        DataError: if a file cannot be read, is tab-separated, or the files differ in their number of lines.
    """
    lines = zip_longest(read_lines(source, progress=progress, max_line=max_line), read_lines(target, max_line=max_line))
    if not tabs:
        start = list(islice(lines, _LOOK_AHEAD))
        for path, side in zip((source, target), zip(*start, strict=True), strict=False):
            if _is_tab_separated([line for line in side if line and line.strip()]):
                raise DataError(
                    f"{input_name(path)} is tab-separated, and two files are read as the two sides of pairs. Name one "
                    f"file of pairs, or join such files first; if tabs belong to the texts, set format='moses'."
                )
        lines = chain(start, lines)
    for number, (left, right) in enumerate(lines, start=1):
        if left is None or right is None:
            short, long = map(input_name, (source, target) if left is None else (target, source))
            raise DataError(
                f"{short} ends after line {number - 1}, and {long} goes on. Both need the same number of lines: line n "
                f"of one must translate line n of the other."
            )
        yield Row(number, left, right)


def _is_tab_separated(lines: Sequence[str]) -> bool:
    """Return whether most lines have text on both sides of a tab."""
    return 2 * sum("\t" in line.strip() for line in lines) > len(lines)
