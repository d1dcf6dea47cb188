"""Parquet: whatever pyarrow writes as text; a plain word where there is no pyarrow."""

import contextlib
import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from passerelle.data.pairs import read_pairs
from passerelle.data.readers.parquet import read_parquet
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

COLUMNS = ("en", "fr")


@pytest.fixture
def arrow() -> Any:
    pytest.importorskip("pyarrow.parquet", reason="pyarrow, the extra `parquet`, is not installed")
    import pyarrow

    return pyarrow


def table(arrow: Any, kind: Any = None, **columns: Any) -> bytes:
    stream = io.BytesIO()
    made = {name: arrow.array(values, kind or arrow.string()) for name, values in columns.items()}
    arrow.parquet.write_table(arrow.table(made), stream, row_group_size=3)
    return stream.getvalue()


def test_without_pyarrow_it_says_how_to_install_it(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        list(read_parquet("pairs.parquet", COLUMNS))
    assert str(caught.value) == "pairs.parquet: Parquet needs pyarrow, which is absent. Install it: pip install pyarrow"


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_texts_of_every_kind(arrow: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pairs.parquet"
    kinds = {"dictionary": arrow.dictionary(arrow.int32(), arrow.string())}
    path.write_bytes(table(arrow, kinds.get(kind) or getattr(arrow, kind)(), fr=list("vwéx"), id="1234", en="abcd"))
    rows = [Row(n, *texts) for n, texts in enumerate(zip("abcd", "vwéx", strict=True), start=1)]
    assert list(read_parquet(path, COLUMNS)) == rows
    packed = tmp_path / "pairs.parquet.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pairs = read_pairs(packed, columns="en,fr,id", limit=3, swap=True)
    assert list(pairs.rows()) == [("v", "a", "1"), ("w", "b", "2"), ("é", "c", "3")]


def test_absent_texts_are_blank(arrow: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    path.write_bytes(table(arrow, en=["a", None, "c", "d"], fr=["v", "w", None, "x"]))
    pairs = read_pairs(path, columns=COLUMNS)
    assert (list(pairs), pairs.blank) == ([("a", "v"), ("d", "x")], 2)


def test_bad_tables(arrow: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    good = table(arrow, en=["a"] * 9, fr=["b"] * 9)

    def refusal(content: bytes, *columns: str) -> str:
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            list(read_parquet(path, columns))
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value).removeprefix(str(path))

    assert refusal(good, "en", "fra") == ": no column 'fra'. Did you mean 'fr'? Name yours in `columns`: SOURCE,TARGET"
    assert refusal(table(arrow, arrow.int64(), en=[1], fr=[2]), "en", "fr") == (
        ": column 'en' holds int64, not text. Write it as strings."
    )
    assert refusal(b"en\tfr\n" * 9, "en", "fr").startswith(", after row 0: no sound Parquet (")
    assert refusal(good[:-20], "en", "fr").endswith("). Write the file again.")
    # Damage anywhere is refused or read, never anything else.
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + b"\xff\xff" + good[at + 2 :])
        with contextlib.suppress(DataError):
            list(read_parquet(path, COLUMNS))
