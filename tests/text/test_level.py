"""The choice of a level, and the limits of a vocabulary."""

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
def test_choose_level(sources, targets, level, reason):
    assert choose_level(sources, targets) == (level, reason)


@pytest.mark.parametrize("level", ["character", "word", "pretokenized"])
@given(st.lists(st.text("abc ", max_size=9), max_size=9), st.integers(0, 4), st.integers(1, 4))
def test_a_limited_vocabulary_contains_the_most_frequent_tokens(level, texts, size, min_count):
    separator = " " if level == "pretokenized" else None
    tokenizer = make_tokenizer(level, separator, texts=texts, size=size, min_count=min_count)
    seen = [token for text in texts for token in tokenizer.split(text)]
    tokens = tokenizer.vocabulary.tokens
    assert list(tokens) == sorted(tokens)
    assert not size or len(tokens) <= size
    assert all(seen.count(token) >= min_count for token in tokens)
    omitted = {token for token in seen if seen.count(token) >= min_count}.difference(tokens)
    assert not omitted or len(tokens) == size, "tokens are omitted only because of the size"
    assert all(seen.count(rare) <= seen.count(token) for rare in omitted for token in tokens)


@pytest.mark.parametrize("level", ["character", "word", "pretokenized"])
@given(st.text(max_size=20))
def test_lowercase_ignores_case(level, text):
    tokenizer = make_tokenizer(level, " " if level == "pretokenized" else None, texts=["a b ı straße"], lowercase=True)
    assert tokenizer.tokenize(text) == tokenizer.tokenize(tokenizer.normalize(text))
    assert tokenizer.tokenize("STRAẞE É") == tokenizer.tokenize("straße e\u0301")
    assert tokenizer.encode([text])[0].tolist() == [
        tokenizer.vocabulary.id_of(token) for token in tokenizer.tokenize(text)
    ]
    assert tokenizer.differences(make_tokenizer(level, tokenizer.separator, tokens=tokenizer.vocabulary.tokens)) == [
        "lowercase"
    ]
