"""Pairs written to files, which are read back unchanged."""

import os

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passerelle.data.checking import check_pairs
from passerelle.data.pair_files import write_pairs, write_split
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError, OutputError

ROWS = [("Go.", "Va\u202f!"), ("Run!", "Cours !"), ("Go.", "Marche."), ("Hi.", "Salut\u00a0!")]
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\ufeff\0\x1b"), min_size=1).filter(
    str.strip
)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=2))
def test_written_pairs_are_read_back(tmp_path_factory, rows):
    assume(not rows[0][0].startswith("\ufeff"))
    path = tmp_path_factory.getbasetemp() / "round.tsv"
    write_pairs(path, rows)
    assert list(read_pairs(path)) == rows


def test_write_pairs_is_atomic(tmp_path):
    path = tmp_path / "out.tsv"
    write_pairs(path, ROWS)

    def rows():
        yield "new", "neu"
        raise RuntimeError("the source of the rows broke")

    with pytest.raises(RuntimeError, match="broke"):
        write_pairs(path, rows())
    assert list(read_pairs(path)) == ROWS
    assert os.listdir(tmp_path) == ["out.tsv"]


def test_write_split(tmp_path):
    training, held_out = check_pairs(ROWS[:3]), check_pairs(ROWS[3:])
    paths = write_split(tmp_path / "split", training, held_out)
    assert paths == (tmp_path / "split" / "train.tsv", tmp_path / "split" / "validation.tsv")
    assert list(read_pairs(paths[0])) == ROWS[:3]
    assert paths[1].read_bytes() == "Hi.\tSalut\u00a0!\n".encode()


@pytest.mark.parametrize("row", [("a\tb", "c"), ("a", "b\nc")], ids=repr)
def test_texts_with_tabs_or_line_ends_are_not_corrupted(tmp_path, row):
    path = tmp_path / "out.tsv"
    rows = [row, ("x", "y")]
    try:
        write_pairs(path, rows)
    except (DataError, OutputError):
        assert os.listdir(tmp_path) == []
    else:
        assert list(read_pairs(path)) == rows
