"""Constraints on token ids: they allow the texts that the automaton accepts, and every state can reach an end."""

import random
import re
import time
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle import phrasebook
from passerelle.constraints.automaton import intersect
from passerelle.constraints.lexicon import of_texts
from passerelle.constraints.lift import lift
from passerelle.constraints.patterns import matching
from passerelle.constraints.phrases import beginning_with, containing, without
from passerelle.errors import SettingsError
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, FIRST_ORDINARY, PAD, START, UNK
from passerelle.text.level import make_tokenizer

quick = settings(max_examples=80, deadline=None)
TRAINING_TEXTS = ["a b é 𝒳", "ab aé éé ba", "l'eau ?  b", "d'l'eau l'b", " aa é, a.", "a b", "𝒳𝒳 bé bé"]
LEVELS = ("character", "word", "subword", "pretokenized")
TOKENIZERS = {
    level: make_tokenizer(level, " " if level == "pretokenized" else None, texts=TRAINING_TEXTS * 2) for level in LEVELS
}
PATTERNS = [
    r"\w+( \w+)*",
    r"[^b]*",
    r"(a|b)( (a|b))*",
    r"( ?[aé𝒳])*",
    r" .*",
    r"(l'eau ?)? \?.*",
    r"((l'|d')+eau ?)*",
    r"(a é|b)?",
    r".{2,4}",
    r"\W*é.*",
]
PARTS = ["a", "b", "é", "𝒳", " ", " ", "é,", "l'eau", "d'l'", " ?", "."]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=7).map("".join)


def run(constraint, ids):
    """Return the state after `ids`, or -1."""
    state = constraint.start
    for identifier in ids:
        column = constraint.class_of[identifier]
        state = constraint.next[state, column] if state >= 0 and column >= 0 else -1
    return state


def transitions(constraint, state):
    """Yield the ids that are allowed in a state, each with the next state."""
    for identifier, column in enumerate(constraint.class_of.tolist()):
        if column >= 0 and constraint.next[state, column] >= 0:
            yield identifier, int(constraint.next[state, column])


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(pattern=st.sampled_from(PATTERNS), text=TEXTS)
def test_the_ids_of_a_text_are_allowed_if_the_text_matches(level, pattern, text):
    tokenizer = TOKENIZERS[level]
    ids = tokenizer.encode([text])
    if UNK in ids.values:
        return
    (text,) = tokenizer.decode(ids)
    try:
        constraint = lift(matching(pattern), tokenizer)
    except SettingsError:
        assert not re.fullmatch(pattern, text)
        return
    state = run(constraint, ids[0])
    assert (state >= 0 and bool(constraint.accepting[state])) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_sequence_within_a_length_limit_matches(level, pattern):
    tokenizer = TOKENIZERS[level]
    try:
        constraint = lift(matching(pattern), tokenizer)
    except SettingsError:
        assert (level, pattern[0]) == ("pretokenized", " "), "no pretokenized text begins with its separator"
        return
    rng = random.Random(1)
    for _ in range(30):
        limit = rng.randint(constraint.distance[constraint.start], 8)
        state, ids = constraint.start, []
        while len(ids) < limit and not (constraint.accepting[state] and rng.random() < 0.2):
            able = [step for step in transitions(constraint, state) if constraint.distance[step[1]] < limit - len(ids)]
            if not able:
                break
            identifier, state = rng.choice(able)
            ids.append(identifier)
        assert constraint.accepting[state], "the state cannot reach an end within the limit"
        (text,) = tokenizer.decode(Ragged.from_lists([ids]))
        assert re.fullmatch(pattern, text), (ids, text)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_distances_states_and_classes(level, pattern):
    try:
        constraint = lift(matching(pattern), TOKENIZERS[level])
    except SettingsError:
        return
    after = [{state for _, state in transitions(constraint, begin)} for begin in range(len(constraint.next))]
    for begin in range(len(constraint.next)):
        queue, seen = deque([(begin, 0)]), {begin}
        ends = []
        while queue:
            state, steps = queue.popleft()
            if constraint.accepting[state]:
                ends.append(steps)
            queue.extend((one, steps + 1) for one in after[state] - seen)
            seen |= after[state]
        assert ends[0] == constraint.distance[begin]
        if begin == constraint.start:
            assert seen == set(range(len(constraint.next)))
    used = constraint.class_of[constraint.class_of >= 0]
    assert set(used.tolist()) in ({*range(constraint.next.shape[1])}, set())
    assert len(np.unique(constraint.next, axis=1).T) == constraint.next.shape[1]
    assert (constraint.class_of[[PAD, UNK, START, END]] == -1).all()
    assert len(constraint.class_of) == TOKENIZERS[level].vocabulary.size


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(ids=st.lists(st.integers(FIRST_ORDINARY, FIRST_ORDINARY + 300), max_size=8))
def test_pieces_are_the_bytes_that_tokens_add_to_a_text(level, ids):
    tokenizer = TOKENIZERS[level]
    ids = [identifier for identifier in ids if identifier < tokenizer.vocabulary.size]
    pieces = {leading: tokenizer.token_bytes(leading=leading) for leading in (True, False)}
    leading, raw = True, b""
    for index in (identifier - FIRST_ORDINARY for identifier in ids):
        raw += pieces[leading][index]
        leading = bool(tokenizer.joining_tokens()[index])
    assert tokenizer.decode(Ragged.from_lists([ids])) == [raw.decode(errors="replace")]


def test_subwords_never_end_a_text_within_a_character():
    tokenizer = TOKENIZERS["subword"]
    constraint = lift(intersect(without(["b"]), beginning_with("")), tokenizer)
    state = run(constraint, [tokenizer.vocabulary.id_of("Ã")])  # the first half of é
    assert state >= 0
    assert not constraint.accepting[state]
    assert constraint.distance[state] == 1


@pytest.mark.slow
@pytest.mark.parametrize("level", ["character", "word", "subword"])
def test_phrasebook_at_each_level(level):
    texts = [target for _, target in phrasebook()][:1500]
    tokenizer = make_tokenizer(level, texts=texts)
    lexicon = lift(of_texts(texts[::2]), tokenizer)
    clean = lift(without(["est", "Il"]), tokenizer)
    held = lift(containing(["est", "!"]), tokenizer)
    listed = set(texts[::2])
    ids = tokenizer.encode(texts)
    for row, text in enumerate(texts):
        for constraint, right in (
            (lexicon, text in listed),
            (clean, "est" not in text and "Il" not in text),
            (held, "est" in text and "!" in text),
        ):
            state = run(constraint, ids[row])
            assert (state >= 0 and bool(constraint.accepting[state])) == right
            if constraint is held:
                # Only phrases that occurred and matched prefixes count, so the maximum means both phrases.
                assert (constraint.progress[state] == 4) == right


def test_eight_thousand_subwords_take_less_than_a_second():
    rng = random.Random(1)
    syllables = ["ba", "le", "ché", "tri", "où", "on", "s"]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 5))) for _ in range(20_000)]
    tokenizer = make_tokenizer("subword", texts=[f"{word} {word}" for word in words], size=8000)
    automaton = matching(r"\w+( \w+)*")
    assert len(automaton.table) > 300
    before = time.process_time()
    constraint = lift(automaton, tokenizer)
    assert time.process_time() - before < 2
    assert constraint.next.shape[1] < tokenizer.vocabulary.size / 2


def test_constraints_that_no_text_can_meet_or_that_are_too_large(monkeypatch):
    with pytest.raises(SettingsError, match="no text that the constraint allows can be written"):
        lift(matching("z+"), TOKENIZERS["character"])
    only_nothing = lift(matching("z*"), TOKENIZERS["character"])
    assert only_nothing.accepting[only_nothing.start]
    assert (only_nothing.class_of == -1).all()
    monkeypatch.setattr("passerelle.constraints.lift.MOST_CELLS", 1000)
    with pytest.raises(SettingsError, match="needs more than 1,000 cells"):
        lift(matching(r"\w+"), TOKENIZERS["subword"])
