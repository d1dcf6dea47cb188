"""Find columns by name or number."""

from collections.abc import Sequence

from passerelle.errors import DataError, did_you_mean

__all__ = ["column_numbers", "find_columns"]


def column_numbers(columns: Sequence[str]) -> list[int] | None:
    """Return the index of each column, from 0, if all are given by their numbers, from 1; else None."""
    if not all(column.isascii() and column.isdecimal() for column in columns):
        return None
    return [int(column) - 1 for column in columns]


def find_columns(columns: Sequence[str], names: Sequence[str], where: str) -> list[int]:
    """Return the index in `names` of each requested column.

    Args:
        columns: names of the columns of source, target and optionally tags. A number that is no name is a position,
            from 1.
        names: names of all columns of the file; blanks around a name are ignored.
        where: file and line of `names`, for error messages.

    Raises:
        DataError: if a requested column is missing or its name is not unique.
    """
    names = [name.strip() for name in names]
    indices = []
    for column in columns:
        if names.count(column) > 1:
            raise DataError(f"{where}: two columns are named {column!r}. Rename one, or use the number of the column.")
        if column in names:
            indices.append(names.index(column))
        elif (number := column_numbers([column])) and number[0] < len(names):
            indices += number
        else:
            known = did_you_mean(column, names) if any(names) else " The file has no column names."
            raise DataError(
                f"{where}: no column {column!r}.{known} Name the columns in `columns`: SOURCE,TARGET; or give their "
                f"numbers, such as 1,2"
            )
    return indices
