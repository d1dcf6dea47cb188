"""`Ragged`: flat arrays of sequences, and padded arrays of selected sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.ragged import Ragged
from passerelle.special_tokens import PAD, START

FOUR = Ragged.from_lists([[7, 8, 9], [], [5], [6, 4]])


def test_values_offsets_and_lengths():
    assert FOUR.values.tolist() == [7, 8, 9, 5, 6, 4]
    assert FOUR.offsets.tolist() == [0, 3, 3, 4, 6]
    assert FOUR.lengths.tolist() == [3, 0, 1, 2]
    assert len(FOUR) == 4
    assert [FOUR[row].tolist() for row in range(4)] == [[7, 8, 9], [], [5], [6, 4]]
    assert (FOUR.values.dtype, FOUR.offsets.dtype) == (np.int32, np.int64)


@pytest.mark.parametrize("lists", [[], [[]], [[], []]])
def test_no_elements(lists):
    sequences = Ragged.from_lists(lists)
    assert len(sequences) == len(lists)
    assert sequences.values.dtype == np.int32
    assert sequences.padded(np.arange(len(lists)), 2).tolist() == [[0, 0]] * len(lists)


@pytest.mark.parametrize(
    ("rows", "length", "options", "expected"),
    [
        ([0, 1, 2, 3], 3, {}, [[7, 8, 9], [0, 0, 0], [5, 0, 0], [6, 4, 0]]),
        ([3, 0], 5, {}, [[6, 4, 0, 0, 0], [7, 8, 9, 0, 0]]),
        ([2, 2], 1, {}, [[5], [5]]),
        ([0, 1], 4, {"first": START}, [[2, 7, 8, 9], [2, 0, 0, 0]]),
        ([3], 3, {"height": 3}, [[6, 4, 0], [0, 0, 0], [0, 0, 0]]),
        ([2], 3, {"first": START, "height": 2}, [[2, 5, 0], [0, 0, 0]]),
        ([], 2, {"height": 2}, [[0, 0], [0, 0]]),
        ([], 2, {}, []),
        ([1], 0, {}, [[]]),
    ],
)
def test_padded(rows, length, options, expected):
    found = FOUR.padded(np.array(rows, np.int64), length, **options)
    assert found.tolist() == expected
    assert found.dtype == np.int32
    assert found.shape == (len(expected), length)


@settings(max_examples=100, deadline=None)
@given(lists=st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1, max_size=8), data=st.data())
def test_padded_equals_row_by_row(lists, data):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=10))
    sequences = Ragged.from_lists(lists)
    expected = [[START, *lists[row]] + [PAD] * (6 - len(lists[row])) for row in rows]
    assert sequences.padded(np.array(rows, np.int64), 7, first=START).tolist() == expected
