"""Lexicons: what is on the list and nothing else, in the fewest states, quickly."""

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
def test_it_accepts_the_list_and_nothing_else(texts, others):
    automaton = of_texts(texts)
    for text in [*texts, *others, *(text[:-1] for text in texts), *(text + "a" for text in texts)]:
        assert automaton.accepts(text) == (text in texts)
    assert len(automaton.minimized().table) == len(automaton.table)


def test_targets_of_real_pairs():
    texts = {target for _, target in phrasebook()}
    kept = sorted(texts)[::3]
    automaton = of_texts(kept)
    assert {text for text in texts if automaton.accepts(text)} == set(kept)


def test_a_hundred_thousand_words_take_seconds():
    drawn = random.Random(1)
    syllables = ["ba", "le", "tri", "mon", "deux", "ché", "où", "par", "res", "ti", "on", "er", "e", "s", "ment"]
    words = {"".join(drawn.choices(syllables, k=drawn.randint(3, 6))) for _ in range(160_000)}
    before = time.process_time()
    automaton = of_texts(words)
    assert time.process_time() - before < 10
    assert len(words) > 100_000
    assert all(automaton.accepts(word) for word in list(words)[:500])


def test_what_is_no_list():
    with pytest.raises(DataError, match="must hold at least one"):
        of_texts([])
    with pytest.raises(DataError, match="a lone surrogate"):
        of_texts(["a\ud800"])
    drawn = random.Random(1)
    with pytest.raises(SettingsError, match="more than 100,000 states"):
        of_texts("".join(drawn.choices("abcdefgh", k=100)) for _ in range(1_100))
