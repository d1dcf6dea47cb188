"""Which level fits some pairs, and what bounds a vocabulary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.text.level import FEW_PAIRS, choose_level, make_tokenizer

LONG, LETTERS, MANY = "He is very tired.", "internationalization", FEW_PAIRS


@pytest.mark.parametrize(
    ("sources", "targets", "level", "reason"),
    [
        ([LONG] * MANY, [LONG] * MANY, "subword", "30,000 training pairs, enough for subwords"),
        ([LONG] * (MANY - 1), [LONG] * (MANY - 1), "character", "29,999 training pairs, and subwords require 30,000"),
        (["cat"] * MANY, [LONG] * MANY, "character", "source texts are short, 3 characters (median)"),
        ([LONG] * MANY, ["k æ t"] * MANY, "character", "target texts are short, 5 characters (median)"),
        ([LETTERS] * MANY, [LONG] * MANY, "character", "most source texts contain no spaces"),
        (
            [LONG] * MANY,
            ["彼はとても疲れているようです。"] * MANY,
            "character",
            "most target texts contain no spaces",
        ),
        (["Go."], ["Va !"], "character", "source texts are short, 3 characters (median)"),
    ],
)
def test_rules_of_thumb(sources, targets, level, reason):
    assert choose_level(sources, targets) == (level, reason)


@pytest.mark.parametrize("level", ["character", "word", "pretokenized"])
@given(st.lists(st.text("abc ", max_size=9), max_size=9), st.integers(0, 4), st.integers(1, 4))
def test_a_bounded_vocabulary_holds_the_most_frequent(level, texts, size, min_count):
    separator = " " if level == "pretokenized" else None
    made = make_tokenizer(level, separator, texts=texts, size=size, min_count=min_count)
    seen = [token for text in texts for token in made.split(text)]
    tokens = made.vocabulary.tokens
    assert list(tokens) == sorted(tokens)
    assert not size or len(tokens) <= size
    assert all(seen.count(token) >= min_count for token in tokens)
    left = {token for token in seen if seen.count(token) >= min_count}.difference(tokens)
    assert not left or len(tokens) == size, "none is left out without need"
    assert all(seen.count(out) <= seen.count(token) for out in left for token in tokens)


@pytest.mark.parametrize("level", ["character", "word", "pretokenized"])
@given(st.text(max_size=20))
def test_in_lower_case_both_cases_are_the_same(level, text):
    made = make_tokenizer(level, " " if level == "pretokenized" else None, texts=["a b ı straße"], lowercase=True)
    assert made.tokenize(text) == made.tokenize(made.normalize(text))
    assert made.tokenize("STRAẞE É") == made.tokenize("straße e\u0301")
    assert made.encode([text])[0].tolist() == [made.vocabulary.id_of(token) for token in made.tokenize(text)]
    assert made.differences(make_tokenizer(level, made.separator, tokens=made.vocabulary.tokens)) == ["lowercase"]
