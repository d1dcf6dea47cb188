"""Automata: minimization and intersection, and the path lengths of graphs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.constraints.automaton import Automaton, intersect
from passerelle.constraints.graph import Graph
from passerelle.constraints.patterns import matching
from passerelle.constraints.subsets import any_text
from passerelle.errors import SettingsError

quick = settings(max_examples=150, deadline=None)
EDGES = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20)
    )
)


@st.composite
def automata(draw):
    """Random automata over the bytes `a`, `b` and `c`; some states have progress."""
    states = draw(st.integers(1, 7))
    table = np.full((states, 256), -1, np.int32)
    cells = st.lists(st.integers(-1, states - 1), min_size=3 * states, max_size=3 * states)
    table[:, ord("a") : ord("d")] = np.reshape(draw(cells), (states, 3))
    accepting = np.array(draw(st.lists(st.booleans(), min_size=states, max_size=states)))
    progress = np.array(draw(st.lists(st.sampled_from([0, 0, 1]), min_size=states, max_size=states)), np.int32)
    return Automaton(table, accepting, progress)


TEXTS = ["".join(characters) for length in range(6) for characters in itertools.product("abc", repeat=length)]


def run(automaton, text, state=0):
    """Return the state after `text`, or -1."""
    for byte in text.encode():
        state = automaton.table[state, byte] if state >= 0 else -1
    return state


def behaviour(automaton):
    """Return whether each text is accepted, and the progress after it where a longer text can still be accepted."""
    useful = automaton.trimmed()
    states = [run(useful, text) for text in TEXTS]
    return [automaton.accepts(text) for text in TEXTS], [useful.progress[s] if s >= 0 else None for s in states]


@quick
@given(automata())
def test_minimized_accepts_the_same_texts_and_has_no_equivalent_states(automaton):
    smallest = automaton.minimized()
    accepted, progress = behaviour(smallest)
    accepted_before, progress_before = behaviour(automaton)
    assert accepted == accepted_before
    # State 0 keeps its progress even if no text is accepted, but nothing reads it then.
    assert progress == progress_before
    states = range(len(smallest.table))
    # Of at most seven states, two that are not equivalent differ within six characters.
    futures = [
        tuple(
            (text, bool(smallest.accepting[state]), int(smallest.progress[state]))
            for text in TEXTS
            if (state := run(smallest, text, start)) >= 0
        )
        for start in states
    ]
    assert len(set(futures)) == len(smallest.table)
    assert len(smallest.minimized().table) == len(smallest.table)


@quick
@given(automata(), automata())
def test_intersect_accepts_the_texts_that_both_accept(first, second):
    joined = intersect(first, second)
    for text in TEXTS:
        assert joined.accepts(text) == (first.accepts(text) and second.accepts(text))
        state, one, other = (run(automaton, text) for automaton in (joined, first, second))
        assert (state >= 0) == (one >= 0 and other >= 0)
        if state >= 0:
            assert joined.progress[state] == first.progress[one] + second.progress[other]
    assert {run(joined, text) for text in TEXTS} >= {0}
    assert (Graph.of_table(joined.table).distances(np.array([0])) >= 0).all()


# Counted manually, without dead states.
GOLDEN = [
    ("", 1),
    ("a", 2),
    ("(a|b)*abb", 4),  # Aho, Sethi and Ullman 1986, example 3.18
    ("a*b*", 2),
    ("(ab)*", 2),
    ("(aa|aaa)*", 3),  # every length except one
    ("(0|1(01*0)*1)*", 3),  # multiples of three, in binary
    ("(a|b)*a(a|b){3}", 16),  # states store the last four characters
    ("a{2,5}", 6),
    ("abc|xbc", 4),
    ("é", 3),
    ("[éè]", 3),
    ("[aé]", 3),
    # Start, end, one, two or three continuation bytes left, and the restricted ones after E0, ED, F0 and F4.
    (".", 9),
]


@pytest.mark.parametrize(("pattern", "states"), GOLDEN)
def test_numbers_of_states_from_textbooks(pattern, states):
    assert len(matching(pattern).table) == states


def test_any_text_accepts_exactly_valid_utf_8():
    automaton = any_text()
    assert len(automaton.table) == 8  # like `.`, except that the end is the start
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


def test_an_intersection_that_is_too_large(monkeypatch):
    first, second = matching("(a{17})*"), matching("(a{19})*")
    assert len(intersect(first, second).table) == 17 * 19
    monkeypatch.setattr("passerelle.constraints.limits.MOST_STATES", 300)
    with pytest.raises(SettingsError, match=r"needs more than 300 states\. Lower the bounds"):
        intersect(first, second)


@quick
@given(EDGES)
def test_distances_and_heights_equal_brute_force(case):
    count, edges = case
    tails, heads = np.array(edges, np.int64).reshape(-1, 2).T
    graph = Graph(count, tails, heads)
    reach = [{0}]  # the nodes at the end of 0, 1, 2 ... edges
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
