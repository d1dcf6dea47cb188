"""Find columns by name."""

from collections.abc import Sequence

from passerelle.errors import DataError, did_you_mean

__all__ = ["find_columns"]


def find_columns(columns: Sequence[str], names: Sequence[str], where: str) -> list[int]:
    """Return the index in `names` of each requested column.

    Args:
        columns: names of the columns of source, target and optionally tags.
        names: names of all columns of the file.
        where: file and line of `names`, for error messages.

    Raises:
        DataError: if a requested column is missing or its name is not unique.
    """
    for name in columns:
        if name not in names:
            known = did_you_mean(name, names) if any(names) else " The file has no column names."
            raise DataError(f"{where}: no column {name!r}.{known} Name the columns in `columns`: SOURCE,TARGET")
        if names.count(name) > 1:
            raise DataError(f"{where}: two columns are named {name!r}. Rename one.")
    return [names.index(name) for name in columns]
