"""Which pairs of a file are read, by evaluate and by score alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs

__all__ = ["Reading"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Reading:
    """Which pairs are read.

    Parameters
    ----------
    format
        As for train.
    columns
        As for train.
    limit
        Use this many pairs from the beginning.
    swap
        Take the target from the source's column or language, and the source from the target's.
    tag_column
        The column of the tags, for a model that was taught with them.
    """

    format: str | None = None
    columns: str | None = None
    limit: int | None = None
    swap: Annotated[bool, Parameter(negative=())] = False
    tag_column: int = 3

    def read(self, pairs: tuple[str, ...], *, tagged: bool) -> "Pairs":
        """The pairs of one file, or of two side by side."""
        from passerelle.data.pairs import read_pairs

        column = self.tag_column if tagged else None
        return read_pairs(
            pairs, limit=self.limit, swap=self.swap, tag_column=column, format=self.format, columns=self.columns
        )

    def check(self) -> None:
        """Raises SettingsError if `limit` is too small, before a model is loaded."""
        from passerelle.config import check_limit

        check_limit(self.limit)
