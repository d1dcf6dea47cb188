"""Pairs' texts to ids and back, with tags and with tokens to copy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.special_tokens import END, FIRST_ORDINARY, UNK
from passerelle.text.codec import Codec
from passerelle.text.level import make_tokenizer
from passerelle.text.sequences import Sequences


def codec(**options: Any) -> Codec:
    return Codec(
        make_tokenizer("character", None, texts=["abc"]),
        make_tokenizer("character", None, texts=["bcd"]),
        make_tokenizer("pretokenized", ";", texts=["V;PST", "N"]),
        **options,
    )


def rows(sequences: Sequences) -> list[list[int]]:
    return [sequences[row].tolist() for row in range(len(sequences))]


def test_tags_apart_have_an_array_of_their_own() -> None:
    made = codec()
    arrays = made.inputs(["ab", ""], ["V;PST", "new;N"])
    assert rows(arrays["source_ids"]) == [[4, 5], []]
    assert rows(arrays["tag_ids"]) == [[6, 5], [UNK, 4]]  # N, PST, V
    assert (made.source_size, made.tag_size) == (7, 7)


def test_tags_beside_stand_before_the_source_under_ids_of_their_own() -> None:
    made = codec(inline=True)
    arrays = made.inputs(["ab", "", "c"], ["V;PST", "new;N", ""])
    assert rows(arrays["source_ids"]) == [[9, 8, 4, 5], [UNK, 7], [6]]
    assert set(arrays) == {"source_ids"}
    assert (made.source_size, made.tag_size) == (10, 0)
    assert max(arrays["source_ids"].ids) < made.source_size


def test_without_tags_there_is_nothing_of_them() -> None:
    plain = Codec(codec().source, codec().target)
    assert set(plain.inputs(["ab"])) == {"source_ids"}
    assert (plain.source_size, plain.tag_size) == (7, 0)


@given(
    st.lists(st.tuples(st.text("abcdxé", max_size=8), st.sampled_from(["", "V", "V;PST", "X;N;V"])), min_size=1),
    st.booleans(),
)
def test_what_is_copied_is_the_source_whatever_stands_beside_it(pairs: list[tuple[str, str]], beside: bool) -> None:
    made = codec(inline=beside, copying=True)
    texts, tags = ([pair[side] for pair in pairs] for side in (0, 1))
    arrays = made.inputs(texts, tags)
    np.testing.assert_array_equal(arrays["copy_ids"].lengths, arrays["source_ids"].lengths)
    answers = made.targets(texts, tags, texts)
    assert all(answers[row][-1] == END for row in range(len(texts)))
    whole = Sequences.from_lists(answers[row][:-1].tolist() for row in range(len(texts)))
    assert made.texts(whole, texts, tags) == texts


def test_unknown_tokens_of_both() -> None:
    assert codec().unknown("axb", "V;NEW") == ("x", "NEW")
    assert Codec(codec().source, codec().target).unknown("axb") == ("x",)


def test_differences_are_named() -> None:
    one, other = codec(), codec(inline=True)
    assert one.differences(codec()) == []
    assert one.differences(other) == ["place of tags"]
    assert Codec(one.source, one.target).differences(one) == ["place of tags"]
    more = Codec(one.target, one.target, make_tokenizer("pretokenized", ",", texts=["V"]))
    assert one.differences(more) == ["source tokens", "tag separator", "tag tokens"]


@pytest.mark.parametrize("first", [[[1, 2], [], [3]], [[], [], []]])
def test_sequences_side_by_side(first: list[list[int]]) -> None:
    second = [[7], [8, 9], []]
    joined = Sequences.from_lists(first).followed_by(Sequences.from_lists(second))
    assert rows(joined) == [left + right for left, right in zip(first, second, strict=True)]
    assert joined.ids.dtype == np.int32
    assert FIRST_ORDINARY == 4
