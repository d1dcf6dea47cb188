"""Parquet: all string types of pyarrow, invalid files, and the error without pyarrow."""

import contextlib
import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from passerelle.data.readers.parquet import read_parquet
from passerelle.data.readers.row import Row
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError

COLUMNS = ("en", "fr")


@pytest.fixture
def arrow() -> Any:
    pytest.importorskip("pyarrow.parquet", reason="pyarrow, the extra `parquet`, is not installed")
    import pyarrow

    return pyarrow


def table(arrow: Any, kind: Any = None, **columns: Any) -> bytes:
    stream = io.BytesIO()
    arrays = {name: arrow.array(values, kind or arrow.string()) for name, values in columns.items()}
    arrow.parquet.write_table(arrow.table(arrays), stream, row_group_size=3)
    return stream.getvalue()


def test_error_without_pyarrow_says_how_to_install_it(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        list(read_parquet("pairs.parquet", COLUMNS))
    assert str(caught.value) == "pairs.parquet: Parquet requires pyarrow. Install it: pip install pyarrow"


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_all_string_types(arrow: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pairs.parquet"
    kinds = {"dictionary": arrow.dictionary(arrow.int32(), arrow.string())}
    path.write_bytes(table(arrow, kinds.get(kind) or getattr(arrow, kind)(), fr=list("vwéx"), id="1234", en="abcd"))
    rows = [Row(n, *texts) for n, texts in enumerate(zip("abcd", "vwéx", strict=True), start=1)]
    assert list(read_parquet(path, COLUMNS)) == rows
    compressed = tmp_path / "pairs.parquet.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    pairs = read_pairs(compressed, columns="en,fr,id", limit=3, swap=True)
    assert list(pairs.rows()) == [("v", "a", "1"), ("w", "b", "2"), ("é", "c", "3")]


def test_null_texts_count_as_blank(arrow: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    path.write_bytes(table(arrow, en=["a", None, "c", "d"], fr=["v", "w", None, "x"]))
    pairs = read_pairs(path, columns=COLUMNS)
    assert (list(pairs), pairs.blank) == ([("a", "v"), ("d", "x")], 2)


def test_invalid_tables(arrow: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    good = table(arrow, en=["a"] * 9, fr=["b"] * 9)

    def error_of(content: bytes, *columns: str) -> str:
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            list(read_parquet(path, columns))
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value).removeprefix(str(path))

    assert (
        error_of(good, "en", "fra")
        == ": no column 'fra'. Did you mean 'fr'? Name the columns in `columns`: SOURCE,TARGET"
    )
    assert error_of(table(arrow, arrow.int64(), en=[1], fr=[2]), "en", "fr") == (
        ": column 'en' contains int64, not strings. Write it as strings."
    )
    assert error_of(b"en\tfr\n" * 9, "en", "fr").startswith(", after row 0: invalid Parquet (")
    assert error_of(good[:-20], "en", "fr").endswith("). Write the file again.")
    # Damaged files are read or raise DataError; no other exception is allowed.
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + b"\xff\xff" + good[at + 2 :])
        with contextlib.suppress(DataError):
            list(read_parquet(path, COLUMNS))
