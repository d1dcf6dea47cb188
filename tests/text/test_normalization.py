"""The text that a tokenizer reads: normal form, case, and whitespace that means nothing."""

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import normalize

LEVELS = ("character", "word", "subword", "pretokenized")
BLANKS = st.text(" \t\u00a0\u3000\u2009\n", max_size=3)


def tokenizer_of(level: str, separator: str = " ", **options: Any) -> Any:
    texts = ["a b", "k æ t", "é"]
    return make_tokenizer(level, separator if level == "pretokenized" else None, texts=texts, **options)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=50, deadline=None)
@given(text=st.text("abé e\u0301-", max_size=8), before=BLANKS, after=BLANKS)
def test_whitespace_at_the_ends_is_ignored(level: str, text: str, before: str, after: str) -> None:
    tokenizer = tokenizer_of(level, exact_whitespace=False)
    padded = before + text + after
    assert tokenizer.tokenize(padded) == tokenizer.tokenize(text)
    assert tokenizer.key(padded) == tokenizer.key(text)
    assert tokenizer.normalize(tokenizer.normalize(padded)) == tokenizer.normalize(padded)
    if set(tokenizer.tokenize(text)) <= set(tokenizer.vocabulary.tokens):
        assert tokenizer.decode(tokenizer.encode([padded])) == [tokenizer.normalize(text)]


@pytest.mark.parametrize(
    ("separator", "text", "tokens"),
    [
        (" ", " k  æ t ", ["k", "æ", "t"]),
        (" ", "k\u00a0æ\tt", ["k", "æ", "t"]),
        ("-", "k-æ--t-", ["k", "æ", "t"]),
        (";", " V ; PST;; ", ["V", "PST"]),
        ("\t", "a b\t\tc ", ["a b", "c"]),
    ],
)
def test_needless_separators_are_ignored(separator: str, text: str, tokens: list[str]) -> None:
    tokenizer = tokenizer_of("pretokenized", separator, exact_whitespace=False)
    assert tokenizer.tokenize(text) == tokens
    assert tokenizer.normalize(text) == separator.join(tokens)
    assert tokenizer.trim(text) != text


@pytest.mark.parametrize("level", LEVELS)
def test_exact_whitespace_keeps_all_of_it(level: str) -> None:
    tokenizer = tokenizer_of(level)
    assert tokenizer.normalize(" k  æ ") == tokenizer.trim(" k  æ ") == " k  æ "
    assert tokenizer.differences(tokenizer_of(level, exact_whitespace=False)) == ["exact_whitespace"]


def test_the_ends_of_a_part_of_a_text_have_a_meaning() -> None:
    assert tokenizer_of("character", exact_whitespace=False, lowercase=True).normalize_part(" E\u0301 ") == " é "


@pytest.mark.parametrize("level", LEVELS)
def test_the_turkish_capital_i_has_the_lower_case_i(level: str) -> None:
    separator = " " if level == "pretokenized" else None
    tokenizer = make_tokenizer(level, separator, texts=["istanbul diyarbakır"], lowercase=True)
    for text in ("İstanbul", "I\u0307stanbul", "ISTANBUL", "istanbul"):
        assert tokenizer.tokenize(text) == tokenizer.tokenize("istanbul")
        assert tokenizer.unknown(text) == ()


def test_sources_that_differ_in_spacing_only_are_the_same_at_level_word() -> None:
    tokenizer = make_tokenizer("word", texts=["a b"], ignore_spacing=True, exact_whitespace=False)
    assert tokenizer.key("a  b") == tokenizer.key("\u200ba\u00a0b ") == tokenizer.key("a b")
    assert tokenizer.key("ab") != tokenizer.key("a b")


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0323\u0301" * 40_000,
        "\u0301\u0323" * 40_000,
        "\u0344" * 80_000,
        "\u0f73" * 30_000 + "\u0315\u0323" * 20_000,
        "e\u0301" * 40_000,
        "\u1100\u1161\u11a8" * 30_000,
    ],
)
def test_long_texts_of_combining_marks_take_linear_time(text):
    before = time.process_time()
    normalized = normalize(text)
    assert normalize(normalized) == normalized
    assert unicodedata.is_normalized("NFC", normalized)
    assert time.process_time() - before < 2
    if "\u034f" not in normalized:
        assert normalized == unicodedata.normalize("NFC", text)
    # At most 30 marks in a row change nothing, in a text of any length.
    short = "e\u0301" + "\u0323\u0301" * 14
    assert normalize(short * 100) == unicodedata.normalize("NFC", short * 100)
