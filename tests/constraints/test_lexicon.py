"""Lexicons accept exactly the listed texts, have the fewest states, and are built quickly."""

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle import phrasebook
from passerelle.constraints.lexicon import of_texts
from passerelle.errors import DataError, SettingsError

quick = settings(max_examples=150, deadline=None)
WORDS = st.lists(st.text("abéè𝒳", max_size=6), min_size=1, max_size=12)


@quick
@given(WORDS, WORDS)
@example([""], ["a"])
def test_exactly_the_listed_texts_are_accepted(texts, others):
    automaton = of_texts(texts)
    for text in [*texts, *others, *(text[:-1] for text in texts), *(text + "a" for text in texts)]:
        assert automaton.accepts(text) == (text in texts)
    assert len(automaton.minimized().table) == len(automaton.table)


def test_targets_of_the_phrasebook():
    texts = {target for _, target in phrasebook()}
    listed = sorted(texts)[::3]
    automaton = of_texts(listed)
    assert {text for text in texts if automaton.accepts(text)} == set(listed)


def test_a_hundred_thousand_words_take_seconds():
    rng = random.Random(1)
    syllables = ["ba", "le", "tri", "mon", "deux", "ché", "où", "par", "res", "ti", "on", "er", "e", "s", "ment"]
    words = {"".join(rng.choices(syllables, k=rng.randint(3, 6))) for _ in range(160_000)}
    before = time.process_time()
    automaton = of_texts(words)
    assert time.process_time() - before < 10
    assert len(words) > 100_000
    assert all(automaton.accepts(word) for word in list(words)[:500])


def test_invalid_lexicons():
    with pytest.raises(DataError, match="must contain at least one text"):
        of_texts([])
    with pytest.raises(DataError, match="a lone surrogate"):
        of_texts(["a\ud800"])
    rng = random.Random(1)
    with pytest.raises(SettingsError, match="more than 100,000 states"):
        of_texts("".join(rng.choices("abcdefgh", k=100)) for _ in range(1_100))
