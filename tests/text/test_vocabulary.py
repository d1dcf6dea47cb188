"""Vocabularies: the ids depend on the set of tokens only, and special tokens have fixed ids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.errors import DataError
from passerelle.special_tokens import END, FIRST_ORDINARY, PAD, START, UNK
from passerelle.text.vocabulary import Vocabulary

TOKENS = st.lists(st.text(min_size=1, max_size=3), unique=True, max_size=12)


def test_special_ids_never_change():
    assert (PAD, UNK, START, END, FIRST_ORDINARY) == (0, 1, 2, 3, 4)


@settings(max_examples=100, deadline=None)
@given(tokens=TOKENS, random=st.randoms())
def test_tokens_are_sorted_so_their_order_has_no_effect(tokens, random):
    shuffled = [*tokens, *tokens[:2]]
    random.shuffle(shuffled)
    vocabulary = Vocabulary.from_tokens(shuffled)
    assert vocabulary.tokens == tuple(sorted(tokens))
    assert vocabulary.size == FIRST_ORDINARY + len(tokens)
    for token in tokens:
        assert token in vocabulary
        assert vocabulary.token_of(vocabulary.id_of(token)) == token
        assert vocabulary.id_of(token) >= FIRST_ORDINARY


def test_ids_and_tokens_that_do_not_exist():
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary.id_of("c") == UNK
    assert "c" not in vocabulary
    assert [vocabulary.token_of(i) for i in (-1, PAD, UNK, START, END, 4, 5, 6, 10**9)] == [
        *["\ufffd"] * 5, "a", "b", *["\ufffd"] * 2,
    ]  # fmt: skip


def test_tables_of_code_points():
    vocabulary = Vocabulary(["a", "é", "👩"])
    assert vocabulary.code_points.tolist() == [0xFFFD] * 4 + [ord("a"), 0xE9, 0x1F469]
    table = vocabulary.ids_by_code_point
    assert [table[ord(token)] for token in "aé👩b"] == [4, 5, 6, UNK]
    assert table.dtype == np.int32
    assert np.count_nonzero(table != UNK) == 3


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", ""], [""]])
def test_tokens_must_be_distinct_and_not_empty(tokens):
    with pytest.raises(DataError, match="distinct and not empty"):
        Vocabulary(tokens)
