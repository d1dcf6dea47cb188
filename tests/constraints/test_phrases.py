"""Phrases: required prefixes, required phrases and forbidden phrases."""

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.constraints.automaton import intersect
from passerelle.constraints.lexicon import of_texts
from passerelle.constraints.patterns import matching
from passerelle.constraints.phrases import MOST_PHRASES, beginning_with, containing, without
from passerelle.errors import DataError, SettingsError

quick = settings(max_examples=150, deadline=None)
TEXT = st.text("abé𝒳", max_size=10)
PHRASES = st.lists(st.text("abé𝒳", min_size=1, max_size=4), min_size=1, max_size=4)


@quick
@given(TEXT, TEXT)
@example("", "")
@example("é", "è")
def test_beginning_with(prefix, text):
    automaton = beginning_with(prefix)
    assert automaton.accepts(text) == text.startswith(prefix)
    assert automaton.accepts(prefix + text)


@quick
@given(PHRASES, st.lists(TEXT, max_size=8))
@example(["aba", "bab"], ["abab", "aab", "aba"])
@example(["é"], ["è", "é", "aé"])
def test_without_and_containing(phrases, texts):
    clean, full = without(phrases), containing(phrases)
    for text in [*texts, "".join(phrases), *phrases]:
        assert clean.accepts(text) == (not any(phrase in text for phrase in phrases))
        assert full.accepts(text) == all(phrase in text for phrase in phrases)


def matched(text, phrase):
    """Return the length of the longest suffix of `text` that is a prefix of `phrase`; both are bytes."""
    return max(n for n in range(len(phrase) + 1) if text.endswith(phrase[:n]))


@quick
@given(PHRASES, TEXT)
@example(["ab", "bab"], "aba")
def test_progress_counts_phrases_that_occurred_and_the_longest_matched_prefix(phrases, text):
    words = [phrase.encode() for phrase in dict.fromkeys(phrases)]
    automaton = containing(phrases)
    narrowed = intersect(automaton, matching(".*"))
    raw = text.encode()
    state = other = 0
    for stop in range(len(raw) + 1):
        if stop:
            state, other = automaton.table[state, raw[stop - 1]], narrowed.table[other, raw[stop - 1]]
        occurred = [word for word in words if word in raw[:stop]]
        prefix = max((matched(raw[:stop], word) for word in words if word not in occurred), default=0)
        assert automaton.progress[state] == narrowed.progress[other] == sum(map(len, occurred)) + prefix
    assert automaton.progress.max() == sum(map(len, words))
    assert (automaton.progress[automaton.accepting] == automaton.progress.max()).all()


def test_eight_required_phrases():
    phrases = ["fatigué", "il est", "heureuse", "demain", "très", "bientôt", "monde", "école"]
    automaton = containing(phrases)
    assert automaton.accepts(" ".join(phrases))
    assert not automaton.accepts(" ".join(phrases[1:]))
    assert len(np.unique(automaton.progress)) == sum(len(phrase.encode()) for phrase in phrases) + 1
    with pytest.raises(SettingsError, match=f"at most {MOST_PHRASES} phrases can be required, received: 9"):
        containing([*phrases, "école !"])
    with pytest.raises(SettingsError, match="more than 100,000 states"):
        containing([phrase * 20 for phrase in phrases])


@pytest.mark.parametrize("kind", [without, containing])
def test_invalid_phrases(kind):
    for phrases in ([], ["a", ""]):
        with pytest.raises(SettingsError, match="must have at least one character"):
            kind(phrases)
    with pytest.raises(DataError, match="a lone surrogate"):
        kind(["\ud800"])
    with pytest.raises(DataError, match="a lone surrogate"):
        beginning_with("\ud800")


def test_many_or_long_texts_take_bounded_time_and_memory():
    before = time.process_time()
    assert without(f"x{number}y" for number in range(5000)).accepts("x5000y")
    assert beginning_with("é" * 20_000).accepts("é" * 20_001)
    for make in (
        beginning_with,
        lambda text: without([text]),
        lambda text: containing([text]),
        lambda t: of_texts([t]),
    ):
        with pytest.raises(SettingsError, match=r"more than (100,000 states|2,000,000 steps)"):
            make("a" * 10_000_000)
    assert time.process_time() - before < 8
