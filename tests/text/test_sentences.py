"""Long texts are split at sentences and words, and no character is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.text.sentences import split_text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("He is tired. Is she? No!", ["He is tired.", "Is she?", "No!"]),
        ("Wait…  then go.\n\nYes", ["Wait…", "then go.", "Yes"]),
        ('He said "No." (Why?) Well.', ['He said "No."', "(Why?)", "Well."]),
        ("« Non ! » dit-il. Va !", ["« Non ! » dit-il.", "Va !"]),
        ("你好。再见！「走。」好", ["你好。", "再见！", "「走。」", "好"]),
        ("3.14 and a.b stay", ["3.14 and a.b stay"]),
        ("one\ntwo\u2028three", ["one", "two", "three"]),
        ("。。。", ["。。。"]),
        ("... ", ["... "]),
        ("", [""]),
        (" \n ", [" \n "]),
        (" a. b ", [" a.", "b "]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert [part for part, _ in split_text(text, 1000, len)] == parts


def test_long_sentences_are_split_between_words() -> None:
    assert split_text("aa bb  cc dddddddd e. f", 5, len) == [
        ("aa bb", "  "),
        ("cc", " "),
        ("dddddddd", " "),
        ("e.", " "),
        ("f", ""),
    ]


@given(st.text(st.sampled_from('ab .!?。…\n»")\u00a0'), max_size=60), st.integers(1, 12))
def test_parts_and_whitespace_restore_the_text(text: str, max_length: int) -> None:
    parts = split_text(text, max_length, len)
    assert "".join(part + whitespace for part, whitespace in parts) == text
    assert parts[-1][1] == ""
    assert all(not whitespace.strip() for _, whitespace in parts)
    if text.strip():
        assert all(part.strip() for part, _ in parts)
    for part, _ in parts:
        assert len(part.strip()) <= max_length or len(part.split()) == 1
