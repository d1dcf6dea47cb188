"""Reader for Parquet files; requires pyarrow."""

import os
from collections.abc import Collection, Generator, Sequence
from contextlib import ExitStack
from typing import Any

from passerelle.data.containers import seekable
from passerelle.data.files import input_name, open_input
from passerelle.data.readers.columns import find_columns
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

__all__ = ["read_parquet"]

_ROWS = 8192
"""Rows in memory at a time."""

_BYTES = 1 << 18
"""Read buffer for each column; without one, pyarrow reads a complete row group at once."""


def read_parquet(
    path: str | os.PathLike[str], columns: Sequence[str], numbers: Collection[str] = ()
) -> Generator[Row, None, None]:
    """Yield the rows, with at most `_ROWS` of them in memory.

    Args:
        path: Parquet file; if it is compressed or a pipe, it is copied into memory, or into a temporary file if it is
            large.
        columns: names, or numbers from 1, of the columns of source, target and optionally tags; others are not read.
        numbers: those of `columns` that have numbers, or lists of them, instead of strings.

    Raises:
        DataError: if pyarrow is not installed, the file is not valid Parquet, or a column is missing or does not
            contain strings.
    """
    name = input_name(path)
    try:
        import pyarrow as arrow  # pyright: ignore[reportMissingImports]
        from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise DataError(f"{name}: Parquet requires pyarrow. Install it: pip install pyarrow") from None
    with ExitStack() as stack:
        stream: Any = stack.enter_context(seekable(stack.enter_context(open_input(path)), name))
        if not stream.seek(0, os.SEEK_END):
            return
        number = 0
        try:
            table = ParquetFile(stream, buffer_size=_BYTES)
            names = table.schema_arrow.names
            requested = columns
            columns = [names[index] for index in find_columns(columns, names, name)]
            for column in (own for own, asked in zip(columns, requested, strict=True) if asked not in numbers):
                kind = table.schema_arrow.field(column).type
                kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
                if not (arrow.types.is_string(kind) or arrow.types.is_large_string(kind)):
                    raise DataError(f"{name}: column {column!r} contains {kind}, not strings. Write it as strings.")
            for batch in table.iter_batches(_ROWS, columns=list(columns), use_threads=False):
                values = [batch.column(column).to_pylist() for column in columns]
                for row in zip(*values, strict=True):
                    number += 1
                    yield Row.of(number, row)
        except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise DataError(f"{name}, after row {number}: invalid Parquet ({reason}). Write the file again.") from None
