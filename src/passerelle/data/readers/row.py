"""`Row`, which every reader of a file of pairs yields."""

from typing import Any, NamedTuple

__all__ = ["Row"]


class Row(NamedTuple):
    """One row as read from the file; `read_pairs` checks, counts and swaps it.

    Attributes:
        number: number of its first line, or of the row where the file has no lines; from 1.
        source: source text; None if the file has none for this row.
        target: target text, or None.
        tags: tags of the source, or None if no tag column was requested.
        skipped: the reason why this row must be skipped, for example "fuzzy"; empty if it can be used.
    """

    number: int
    source: Any
    target: Any
    tags: Any = None
    skipped: str = ""
