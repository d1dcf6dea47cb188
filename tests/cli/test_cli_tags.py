"""Tags in a column of the file, and back in with each text."""

from pathlib import Path
from typing import Any

import pytest

ROWS = [
    (word, word + ending, tags)
    for word in (a + b for a in "bcdfgk" for b in "aeiou")
    for tags, ending in {"N+SG": "", "N+PL": "s", "V": "!"}.items()
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\tcomment\t{tags}\n" for source, target, tags in ROWS))
    return path


def test_taught_with_a_column_of_tags_and_asked_with_them(quick: Any, pairs: Path) -> None:
    options = ["--tag-column", "4", "--tag-separator", "+", "--epochs", "1", "--units", "8"]
    taught = quick("train", pairs, *options, "--save-split", "split")
    assert taught.status == 0, taught.err
    assert "--tags N+SG" in taught.err
    assert len((pairs.parent / "split" / "train.tsv").read_text().split("\n")[0].split("\t")) == 3

    two = quick("translate", "pairs.keras", stdin=b"ba\tN+PL\n\nko\tV\n")
    assert two.status == 0, two.err
    assert len(two.out.splitlines()) == 3
    one = quick("translate", "pairs.keras", "--tags", "N+PL", "ba")
    assert one.out.splitlines() == two.out.splitlines()[:1]
    assert '"N+PL"' not in one.err
    assert quick("evaluate", "pairs.keras", pairs, "--tag-column", "4").status == 0
    assert 'mode = "separate"' in quick("describe", "pairs.keras").out

    assert "no tab before its tags" in quick("translate", "pairs.keras", "ba").refused()
    message = quick("evaluate", "pairs.keras", pairs, "--tag-column", "9").refused()
    assert "line 1: 4 columns, and tags are to stand in column 9" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tag-column", "2"], "column 3 or later"),
        (["--tag-column", "3", "--tag-mode", "nowhere"], "tags.mode"),
    ],
)
def test_bad_columns_and_places(quick: Any, pairs: Path, options: list[str], message: str) -> None:
    assert message in quick("train", pairs, *options).refused()
