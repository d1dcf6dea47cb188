"""Row, what every reader of a file of pairs yields."""

from typing import Any, NamedTuple

__all__ = ["Row"]


class Row(NamedTuple):
    """One row as its file has it, not yet swapped, counted or checked.

    Attributes:
        number: of its line, or of the row itself, from 1.
        source: the text; None where the file has none.
        target: likewise.
        tags: likewise, where tags were asked for.
        skipped: why it is to be left out whatever its texts are.
    """

    number: int
    source: Any
    target: Any
    tags: Any = None
    skipped: str = ""
