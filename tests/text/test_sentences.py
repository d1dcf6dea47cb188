"""Texts are split into sentences and runs of words, no character is lost, and translations are joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.text.sentence_ends import SentenceEnds
from passerelle.text.sentences import join_parts, split_long, split_sentences

ENDS = SentenceEnds()


def test_parts_of_several_sentences() -> None:
    text = "It is. Is it?  No! Yes.\nWell."
    assert split_sentences(text, ENDS, at_once=2) == [("It is. Is it?", "  "), ("No! Yes.", "\n"), ("Well.", "")]
    assert split_sentences(text, ENDS, at_once=5) == [(text, "")]


def test_long_sentences_are_split_between_words() -> None:
    assert split_long(split_sentences("aa bb  cc dddddddd eee. f", ENDS), 5, len) == [
        ("aa bb", "  "),
        ("cc", " "),
        ("dddddddd", " "),
        ("eee.", " "),
        ("f", ""),
    ]


@given(st.text(st.sampled_from('ab .!?。…\n»")\u00a0'), max_size=60), st.integers(1, 12), st.integers(1, 3))
def test_parts_and_whitespace_restore_the_text(text: str, max_length: int, at_once: int) -> None:
    parts = split_long(split_sentences(text, ENDS, at_once=at_once), max_length, len)
    assert "".join(part + whitespace for part, whitespace in parts) == text
    assert parts[-1][1] == ""
    assert all(not whitespace.strip() for _, whitespace in parts)
    if text.strip():
        assert all(part.strip() for part, _ in parts)
    for part, _ in parts:
        assert len(part.strip()) <= max_length or len(part.split()) == 1


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([("Go.", "  "), ("Yes.", "\n"), ("No.", "")], "Go.  Yes.\nNo."),
        ([("Go.", ""), ("Yes.", "")], "Go. Yes."),
        ([("走。", ""), ("好。", "")], "走。好。"),
        ([("Go.", ""), ("", ""), ("Yes.", "")], "Go.Yes."),
        ([("Go. ", ""), ("Yes.", "")], "Go. Yes."),
    ],
)
def test_translations_of_parts_are_joined(parts: list[tuple[str, str]], text: str) -> None:
    assert join_parts(parts) == text
