"""Columns by name, in whatever has names."""

from collections.abc import Sequence

from passerelle.errors import DataError, did_you_mean

__all__ = ["find_columns"]


def find_columns(wanted: Sequence[str], names: Sequence[str], place: str) -> list[int]:
    """Where the wanted columns stand among `names`.

    Args:
        wanted: names of source, target and perhaps tags.
        names: of all columns.
        place: of these names, for messages.

    Raises:
        DataError: if a wanted column is absent or stands twice.
    """
    for name in wanted:
        if name not in names:
            known = did_you_mean(name, names) if any(names) else " There are no names."
            raise DataError(f"{place}: no column {name!r}.{known} Name yours in `columns`: SOURCE,TARGET")
        if names.count(name) > 1:
            raise DataError(f"{place}: two columns are called {name!r}. Rename one.")
    return [names.index(name) for name in wanted]
