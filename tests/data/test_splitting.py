"""Pairs split so that training and validation share no source."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.checking import check_pairs
from passerelle.data.pairs import references
from passerelle.data.splitting import LARGEST_DEFAULT_VALIDATION, split_by_source
from passerelle.errors import DataError

SOURCES = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40)


@settings(max_examples=100, deadline=None)
@given(sources=SOURCES, share=st.one_of(st.none(), st.floats(0, 0.99)), seed=st.integers(0, 2**31 - 1))
def test_no_source_is_on_both_sides(sources, share, seed):
    pairs = check_pairs([(source, str(number)) for number, source in enumerate(sources)])
    distinct = len(set(sources))
    if share and not 0 < round(share * distinct) < distinct:
        with pytest.raises(DataError, match="leaves one side of the split empty"):
            split_by_source(pairs, share, seed=seed)
        return
    training, held_out = split_by_source(pairs, share, seed=seed)
    assert not set(training.sources) & set(held_out.sources)
    # No pair is lost, and each side keeps the order.
    assert sorted([*training, *held_out], key=lambda pair: int(pair.target)) == list(pairs)
    for side in (training, held_out):
        assert [int(target) for target in side.targets] == sorted(int(target) for target in side.targets)
    expected = distinct // 10 if share is None else round(share * distinct)
    assert len(set(held_out.sources)) == expected
    assert split_by_source(pairs, share, seed=seed) == (training, held_out)


def test_the_split_depends_on_the_seed():
    pairs = check_pairs([(str(n), "x") for n in range(100)])
    choices = {tuple(split_by_source(pairs, 0.1, seed=seed)[1].sources) for seed in range(5)}
    assert len(choices) == 5


@pytest.mark.parametrize(
    ("sources", "share", "held_out"),
    [(9, None, 0), (10, None, 1), (25, None, 2), (12_000, None, LARGEST_DEFAULT_VALIDATION), (50, 0, 0), (50, 0.5, 25)],
)  # fmt: skip
def test_number_of_held_out_sources(sources, share, held_out):
    pairs = check_pairs([(str(n), "x") for n in range(sources)])
    training, validation = split_by_source(pairs, share, seed=1)
    assert (len(training), len(validation)) == (sources - held_out, held_out)


def test_a_share_that_leaves_one_side_empty():
    pairs = check_pairs([("a", "b"), ("c", "d")], name="mine")
    with pytest.raises(DataError) as caught:
        split_by_source(pairs, 0.1, seed=1)
    assert str(caught.value) == (
        "mine: a share of 0.1 of 2 distinct sources leaves one side of the split empty. "
        "Use more pairs, another share, or validation=0."
    )


def test_training_pairs_keep_the_counts_of_skipped_rows():
    pairs = check_pairs([("a", "b"), ("", ""), ("c", "d"), ("e", "f")])
    training, held_out = split_by_source(pairs, 0.4, seed=1)
    assert (training.blank, held_out.blank) == (1, 0)


def test_equal_keys_are_the_same_source():
    pairs = check_pairs([("é", "1"), ("e\u0301", "2"), ("b", "3 "), ("é", "1")])
    keys = ["é", "é", "b", "é"]
    assert references(pairs, keys=keys, normalize=str.strip) == {("é", ""): ["1", "2"], ("b", ""): ["3"]}
    for seed in range(5):
        training, held_out = split_by_source(pairs, 0.5, seed=seed, keys=keys)
        assert sorted([len(training), len(held_out)]) == [1, 3]
