"""Tags on the command line: from a column of the training data, and with each text to translate."""

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


def test_train_and_translate_with_tags(quick: Any, pairs: Path) -> None:
    options = ["--tag-column", "4", "--tag-separator", "+", "--epochs", "1", "--units", "8"]
    trained = quick("train", pairs, *options, "--save-split", "split")
    assert trained.status == 0, trained.err
    assert "--tags N+SG" in trained.err
    assert len((pairs.parent / "split" / "train.tsv").read_text().split("\n")[0].split("\t")) == 3

    several = quick("translate", "pairs.keras", stdin=b"ba\tN+PL\n\nko\tV\n")
    assert several.status == 0, several.err
    assert len(several.out.splitlines()) == 3
    one = quick("translate", "pairs.keras", "--tags", "N+PL", "ba")
    assert one.out.splitlines() == several.out.splitlines()[:1]
    assert '"N+PL"' not in one.err
    assert quick("evaluate", "pairs.keras", pairs, "--tag-column", "4").status == 0
    assert 'mode = "separate"' in quick("describe", "pairs.keras").out

    message = quick("translate", "pairs.keras", stdin=b"ba\tbas\tN+PL\n").refused()
    assert "3 columns, but this model requires two, text and tags: 'ba\\tbas\\tN+PL'" in message
    assert "no tab between text and tags" in quick("translate", "pairs.keras", "ba").refused()
    message = quick("evaluate", "pairs.keras", pairs, "--tag-column", "9").refused()
    assert "line 1: 4 columns, but tags are read from column 9" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tag-column", "2"], "tag_column must be at least 3"),
        (["--tag-column", "3", "--tag-mode", "nowhere"], "tags.mode"),
    ],
)
def test_bad_tag_options_are_refused(quick: Any, pairs: Path, options: list[str], message: str) -> None:
    assert message in quick("train", pairs, *options).refused()
