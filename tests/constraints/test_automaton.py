"""Automata: the smallest of each language, and of two the one that accepts what both do."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.constraints.automaton import Automaton, both
from passerelle.constraints.expressions import any_text
from passerelle.constraints.graph import Graph
from passerelle.constraints.patterns import matching
from passerelle.errors import SettingsError

quick = settings(max_examples=150, deadline=None)
EDGES = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20)
    )
)


@st.composite
def automata(draw):
    """Any table over the bytes of `a`, `b` and `c`, with progress here and there."""
    states = draw(st.integers(1, 7))
    table = np.full((states, 256), -1, np.int32)
    cells = st.lists(st.integers(-1, states - 1), min_size=3 * states, max_size=3 * states)
    table[:, ord("a") : ord("d")] = np.reshape(draw(cells), (states, 3))
    accepting = np.array(draw(st.lists(st.booleans(), min_size=states, max_size=states)))
    progress = np.array(draw(st.lists(st.sampled_from([0, 0, 1]), min_size=states, max_size=states)), np.int32)
    return Automaton(table, accepting, progress)


TEXTS = ["".join(letters) for length in range(6) for letters in itertools.product("abc", repeat=length)]


def walked(automaton, text):
    """The state after `text`, or -1."""
    state = 0
    for byte in text.encode():
        state = automaton.table[state, byte] if state >= 0 else -1
    return state


def told(automaton):
    """What can be seen of a state from outside: whether each text is accepted, and progress where one still may be."""
    useful = automaton.trimmed()
    states = [walked(useful, text) for text in TEXTS]
    return [automaton.accepts(text) for text in TEXTS], [useful.progress[s] if s >= 0 else None for s in states]


@quick
@given(automata())
def test_minimized_accepts_the_same_and_no_two_states_are_alike(automaton):
    smallest = automaton.minimized()
    accepted, progress = told(smallest)
    accepted_before, progress_before = told(automaton)
    assert accepted == accepted_before
    # A dead beginning keeps its progress, but nothing reads it.
    assert progress == progress_before
    states = range(len(smallest.table))
    # With at most seven states two that differ do so within six letters.
    futures = [
        tuple(
            (text, bool(smallest.accepting[state]), int(smallest.progress[state]))
            for text in TEXTS
            if (state := run(smallest, begin, text)) >= 0
        )
        for begin in states
    ]
    assert len(set(futures)) == len(smallest.table)
    assert len(smallest.minimized().table) == len(smallest.table)


def run(automaton, state, text):
    for byte in text.encode():
        state = automaton.table[state, byte] if state >= 0 else -1
    return state


@quick
@given(automata(), automata())
def test_both_is_and(first, second):
    joined = both(first, second)
    for text in TEXTS:
        assert joined.accepts(text) == (first.accepts(text) and second.accepts(text))
        state, one, other = (walked(automaton, text) for automaton in (joined, first, second))
        assert (state >= 0) == (one >= 0 and other >= 0)
        if state >= 0:
            assert joined.progress[state] == first.progress[one] + second.progress[other]
    assert {walked(joined, text) for text in TEXTS} >= {0}
    assert (Graph.of_table(joined.table).distances(np.array([0])) >= 0).all()


# Counted by hand; a state from which nothing is accepted does not count.
GOLDEN = [
    ("", 1),
    ("a", 2),
    ("(a|b)*abb", 4),  # Aho, Sethi and Ullman 1986, example 3.18
    ("a*b*", 2),
    ("(ab)*", 2),
    ("(aa|aaa)*", 3),  # every length but one
    ("(0|1(01*0)*1)*", 3),  # multiples of three, in binary
    ("(a|b)*a(a|b){3}", 16),  # the fourth letter from the end: all that the last four were
    ("a{2,5}", 6),
    ("abc|xbc", 4),
    ("é", 3),
    ("[éè]", 3),
    ("[aé]", 3),
    # Begin, end, one or two or three more bytes to come, and after E0, ED, F0 and F4 only some of them.
    (".", 9),
]


@pytest.mark.parametrize(("pattern", "states"), GOLDEN)
def test_textbook_sizes(pattern, states):
    assert len(matching(pattern).table) == states


def test_any_text_is_utf_8_and_nothing_else():
    automaton = any_text()
    assert len(automaton.table) == 8  # as `.`, but the end is the beginning
    for lead in range(256):
        for second in (None, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0):
            for rest in (b"", b"\x80", b"\xbf", b"\x80\x80", b"\xbf\xbf", b"\x80\x80\x80"):
                raw = bytes([lead]) + (b"" if second is None else bytes([second])) + rest
                state = 0
                for byte in raw:
                    state = automaton.table[state, byte] if state >= 0 else -1
                try:
                    raw.decode()
                    valid = True
                except UnicodeDecodeError:
                    valid = False
                assert (state >= 0 and automaton.accepting[state]) == valid, raw
    assert not automaton.accepts("a\ud800")


def test_a_product_too_large(monkeypatch):
    first, second = matching("(a{17})*"), matching("(a{19})*")
    assert len(both(first, second).table) == 17 * 19
    monkeypatch.setattr("passerelle.constraints.automaton.MOST_STATES", 300)
    with pytest.raises(SettingsError, match=r"needs more than 300 states\. Lower the bounds"):
        both(first, second)


@quick
@given(EDGES)
def test_distances_and_heights_are_those_of_all_walks(case):
    count, edges = case
    tails, heads = np.array(edges, np.int64).reshape(-1, 2).T
    graph = Graph(count, tails, heads)
    reach = [{0}]  # nodes after exactly 0, 1, 2 ... edges
    for _ in range(count):
        reach.append({head for tail, head in edges if tail in reach[-1]})
    shortest = [next((n for n, nodes in enumerate(reach) if node in nodes), -1) for node in range(count)]
    assert graph.distances(np.array([0])).tolist() == shortest
    assert graph.distances(np.array([], np.int64)).tolist() == [-1] * count
    longest = []
    for node in range(count):
        level, length = {node}, 0
        while level and length <= count:
            level = {head for tail, head in edges if tail in level}
            length += bool(level)
        longest.append(length if length < count else -1)
    assert graph.heights().tolist() == longest
