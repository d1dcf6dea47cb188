"""Rows from Python: checked, swapped, and named if they are invalid."""

from pathlib import Path

import pytest

from passerelle.data.checking import check_pairs
from passerelle.errors import DataError

ROWS = [("Go.", "Va\u202f!"), ("Run!", "Cours !"), ("Go.", "Marche."), ("Hi.", "Salut\u00a0!")]


def test_check_pairs():
    assert list(check_pairs(iter([["a", "b"], ("c", "d")]))) == [("a", "b"), ("c", "d")]
    assert list(check_pairs(ROWS, swap=True)) == [(target, source) for source, target in ROWS]
    pairs = check_pairs([("a", "b"), (" ", "x"), ("y", "")], name="mine")
    assert (list(pairs), pairs.blank, pairs.name) == ([("a", "b")], 2, "mine")
    assert check_pairs(pairs) is pairs


@pytest.mark.parametrize("row", ["ab", ("a",), ("a", "b", "c"), ("a", 1), (None, "b"), (b"a", b"b")], ids=repr)
def test_check_pairs_names_the_invalid_row(row):
    with pytest.raises(DataError) as caught:
        check_pairs([("a", "b"), row])
    assert str(caught.value) == (f"pairs, row 2: expected (source, target), two texts, received: {row!r}")


@pytest.mark.parametrize("row", [None, 3], ids=repr)
def test_check_pairs_names_rows_that_are_no_sequences(row):
    with pytest.raises(DataError, match="pairs, row 1: expected"):
        check_pairs([row])


@pytest.mark.parametrize("value", ["pairs.tsv", Path("pairs.tsv"), None, 5], ids=repr)
def test_anything_else_than_rows_is_refused(value):
    with pytest.raises(DataError, match="pairs must be rows of texts") as caught:
        check_pairs(value)
    assert ("read_pairs('pairs.tsv')" in str(caught.value)) == (value not in (None, 5))
