"""Long texts cut into parts: nothing is lost, and the cuts are where people would make them."""

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


def test_long_sentences_are_cut_between_words() -> None:
    assert split_text("aa bb  cc dddddddd e. f", 5, len) == [
        ("aa bb", "  "),
        ("cc", " "),
        ("dddddddd", " "),
        ("e.", " "),
        ("f", ""),
    ]


@given(st.text(st.sampled_from('ab .!?。…\n»")\u00a0'), max_size=60), st.integers(1, 12))
def test_parts_and_blanks_are_the_text(text: str, most: int) -> None:
    parts = split_text(text, most, len)
    assert "".join(part + blank for part, blank in parts) == text
    assert parts[-1][1] == ""
    assert all(not blank.strip() for _, blank in parts)
    if text.strip():
        assert all(part.strip() for part, _ in parts)
    for part, _ in parts:
        assert len(part.strip()) <= most or len(part.split()) == 1
