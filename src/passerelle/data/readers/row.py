"""`Row`, which every reader of a file of pairs yields."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

__all__ = ["Row"]


class Row(NamedTuple):
    """One row as read from the file; `read_pairs` checks, counts and swaps it.

    Attributes:
        number: number of its first line, or of the row where the file has no lines; from 1.
        source: source text; None if the file has none for this row.
        target: target text, or None.
        tags: tags of the source, or None if no tag column was requested.
        skipped: the reason why this row must be skipped, for example "fuzzy"; empty if it can be used.
        more: the values of further columns, if more than three were requested.
    """

    number: int
    source: Any
    target: Any
    tags: Any = None
    skipped: str = ""
    more: Sequence[Any] = ()

    @classmethod
    def of(cls, number: int, values: Sequence[Any]) -> Self:
        """Return the row with these values, in the order of the requested columns."""
        source, target, *rest = values
        return cls(number, source, target, rest[0] if rest else None, more=tuple(rest[1:]))

    def values(self, count: int) -> list[Any]:
        """Return the values of the first `count` columns; None for those that a skipped row does not have."""
        found = [self.source, self.target, self.tags, *self.more][:count]
        return found + [None] * (count - len(found))
