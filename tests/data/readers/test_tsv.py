"""Tab-separated text: columns by number or by name."""

from pathlib import Path

import pytest

from passerelle.data.readers.row import Row
from passerelle.data.readers.tsv import read_tsv
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pairs.tsv"


def test_columns_by_number(path: Path) -> None:
    path.write_text("7\tGo.\t8\tVa !\tx\n\n9\tHi.\t10\tSalut !\n")
    assert list(read_pairs(path, columns="2,4")) == [("Go.", "Va !"), ("Hi.", "Salut !")]
    assert list(read_pairs(path, columns=[4, 2])) == [("Va !", "Go."), ("Salut !", "Hi.")]  # pyright: ignore
    tagged = read_pairs(path, columns="2,4,1")
    assert (tagged.tags, tagged.blank) == (["7", "9"], 1)
    assert read_pairs(path, tag_column=3).tags == ["8", "10"]


@pytest.mark.parametrize("header", ["id\ten\tfr", "#id\t en\tfr ", "\n\n\ufeff id \ten\t fr\t"])
def test_columns_by_name(path: Path, header: str) -> None:
    path.write_text(f"{header}\n1\tGo.\tVa !\n", encoding="utf-8")
    assert [(row.source, row.target) for row in read_tsv(path, ("fr", "en"))] == [("Va !", "Go.")]
    assert [row.tags for row in read_tsv(path, ("fr", "en", "1"))] == ["1"]


@pytest.mark.parametrize(
    ("columns", "content", "message"),
    [
        ("1,2", "a\tb\nc\n", ", line 2: no tab between source and target: 'c'. Each line must contain source, tab"),
        (
            "2,4",
            "a\tb\tc\td\na\tb\tc\n",
            ", line 2: 3 columns, but column 4 is read: 'a\\tb\\tc'. Complete the line, or",
        ),
        ("1,2,3", "a\tb\n", ", line 1: 2 columns, but tags are read from column 3: 'a\\tb'. Add the tags, or"),
        ("en,fr", "en\tde\na\tb\n", ", line 1: no column 'fr'. Did you mean 'de'?"),
        ("en,fr", "Go.\tVa !\n", ", line 1: no column 'en'. Known: Go., Va !. Name the columns in `columns`: SOURCE,"),
    ],
)
def test_errors(path: Path, columns: str, content: str, message: str) -> None:
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_pairs(path, columns=columns)
    assert str(caught.value).startswith(f"{path}{message[:20]}")


def test_rows_are_numbered_by_lines(path: Path) -> None:
    path.write_text("\nen\tfr\na\tb\n\nc\td\n")
    assert list(read_tsv(path, ("en", "fr"))) == [Row(3, "a", "b"), Row(4, "", ""), Row(5, "c", "d")]
