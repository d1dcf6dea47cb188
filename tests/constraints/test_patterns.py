"""Patterns: what Python's `re` says of whole texts, of any kind of character, and a place in every error."""

import itertools
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from passerelle.constraints.code_points import EVERY, byte_ways, complement, merged, ranges_of
from passerelle.constraints.patterns import DEEPEST, matching
from passerelle.errors import SettingsError

LETTERS = "ab0 é٣\n𝒳-"
SHORT = ["".join(letters) for length in range(4) for letters in itertools.product(LETTERS, repeat=length)]
ESCAPES = [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"]


MEMBERS = st.one_of(
    st.sampled_from(["a", "b", "0", "é", "𝒳", r"\-", r"\]", r"\^", r"\n", r"\x61", r"\u00e9", r"\U0001d4b3"]),
    st.sampled_from(ESCAPES),
    st.sampled_from(["a-b", "0-9", "à-ÿ", "\u0000-é", "é-\U0010ffff", r"\x00-\x40", "𝒜-𝒵"]),
)


@st.composite
def classes(draw):
    members = "".join(draw(st.lists(MEMBERS, min_size=1, max_size=3)))
    return "[" + draw(st.sampled_from(["", "^", "]", "^]"])) + members + draw(st.sampled_from(["]", "-]"]))


ATOMS = st.one_of(
    st.sampled_from(
        ["a", "b", "0", " ", "é", "٣", "𝒳", "-", ".", r"\n", r"\.", r"\xe9", r"\u0663", "{", "}", "]", "é"]
    ),
    st.sampled_from(ESCAPES),
    classes(),
)
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{,2}", "{1,2}", "{0}", "{,}", "*?", "+?", "??", "{0,2}?"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map("({})".format),
        st.tuples(inner.map("(?:{})".format), REPEATS).map("".join),
        st.tuples(ATOMS, REPEATS).map("".join),
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None)
@given(PATTERNS, st.data())
def test_it_accepts_what_re_matches(pattern, data):
    try:
        known = re.compile(pattern)
    except re.error:
        with pytest.raises(SettingsError):
            matching(pattern)
        return
    automaton = matching(pattern)
    others = data.draw(st.lists(st.one_of(st.text(LETTERS, max_size=8), st.text(max_size=4)), max_size=20))
    for text in [*SHORT, *others]:
        assert automaton.accepts(text) == bool(known.fullmatch(text)), (pattern, text)


@settings(max_examples=25, deadline=None)
@given(PATTERNS, st.data())
def test_texts_made_for_a_pattern_are_accepted(pattern, data):
    try:
        text = data.draw(st.from_regex(pattern, fullmatch=True))
    except re.error:
        return
    except InvalidArgument as error:  # Hypothesis makes no texts where a class is empty
        if "does not match any character" not in str(error):
            raise
        return
    assert matching(pattern).accepts(text)


@pytest.mark.parametrize("escape", [*ESCAPES, ".", "[^aé]", "[à-ÿ]"])
def test_every_character_is_in_a_class_or_not_as_for_python(escape):
    automaton, known = matching(escape), re.compile(escape)
    # Every one where it is quick, elsewhere those about the places where membership changes.
    edges = {
        point + step
        for pair in ranges_of(escape if escape in ESCAPES else r"\w")
        for point in pair
        for step in (-1, 0, 1)
    }
    points = (edges | set(range(0x300)) | {0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF}) & set(
        range(sys.maxunicode + 1)
    )
    for point in points - set(range(0xD800, 0xE000)):
        assert automaton.accepts(chr(point)) == bool(known.fullmatch(chr(point))), hex(point)


RANGES = st.lists(
    st.tuples(st.integers(0, EVERY[0][1]), st.integers(0, 3000)).map(
        lambda pair: (pair[0], min(sum(pair), EVERY[0][1]))
    ),
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(RANGES, st.integers(0, EVERY[0][1]))
def test_ranges_are_sets_of_characters_and_their_bytes(ranges, anywhere):
    found = merged(ranges)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(found))
    assert complement(complement(found)) == found
    nodes = byte_ways(found)
    points = {point + step for pair in ranges for point in pair for step in (-1, 0, 1)} | {anywhere, 0x80, 0xFFFF}
    for point in points:
        if not 0 <= point <= EVERY[0][1]:
            continue
        inside = any(low <= point <= high for low, high in ranges)
        assert inside == any(low <= point <= high for low, high in found)
        assert inside != any(low <= point <= high for low, high in complement(found))
        if 0xD800 <= point < 0xE000:
            continue
        node = len(nodes) - 1
        for byte in chr(point).encode():
            ways = [head for low, high, head in nodes[node] if low <= byte <= high] if node >= 0 else []
            assert len(ways) < 2
            node = ways[0] if ways else -1
        assert (node == 0) == inside


def test_anchors_at_the_ends_and_lazy_marks_change_nothing():
    for pattern in ("^ab*$", "^ab*", "ab*$", "ab*?", "^ab*?$"):
        assert [matching(pattern).accepts(text) for text in ("a", "abb", "abb\n", "ba")] == [True, True, False, False]
    assert matching("^a|b$").accepts("b")


def test_a_class_without_characters():
    assert matching(r"[^\w\W]|a").accepts("a")
    assert len(matching("[^\x00-\U0010ffff]+").table) == 1
    assert matching(r"b[^\d\D]*").accepts("b")


def test_a_date():
    date = matching(r"(0?[1-9]|[12]\d|3[01]) (janvier|février|mars) (?:19|20)\d{2}")
    assert date.accepts("3 février 2024")
    assert date.accepts("31 mars 19٣٣"), "to Python, these are digits"
    assert not date.accepts("32 mars 2024")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("ab(c", "character 3: this '(' is not closed"),
        ("ab)c", "character 3: this ')' closes nothing"),
        ("a[bc", "character 2: this '[' is not closed"),
        ("a|*b", "character 3: there is nothing to repeat"),
        ("{2}", "character 1: there is nothing to repeat"),
        ("a**", "character 3: a repeat of a repeat"),
        ("a{2}{3}", "character 5: a repeat of a repeat"),
        ("a{3,2}", "character 2: at least 3 and at most 2 times"),
        ("a*+", "character 3: a '+' after a repeat (possessive) is not supported"),
        ("a(?=b)", "character 2: '(?=', lookahead, is not supported"),
        ("(?!b)", "character 1: '(?!', lookahead, is not supported"),
        ("a(?<=b)", "'(?<', lookbehind, is not supported"),
        ("(?P<n>b)", "'(?P', a group's name, is not supported"),
        ("(?i)b", "'(?i', a flag, is not supported"),
        (r"(a)\1", "character 4: '\\1', a reference to a group, is not supported"),
        (r"\bword", "character 1: '\\b', a word's bound, is not supported"),
        (r"a\Z", "character 2: '\\Z', an anchor"),
        (r"\q", "'\\q', an escape, is not supported"),
        ("a\\", "character 2: nothing stands after this '\\'"),
        (r"\u12g4", "character 1: '\\u12g4' names no character"),
        (r"\U00110000", "names no character"),
        ("[z-a]", "character 2: 'z-a' is no range"),
        (r"[\w-z]", r"character 2: '\\w-z' is no range"),
        ("a^b", "character 2: '^' is supported at the very ends only"),
        ("(a$)b", "character 3: '$' is supported at the very ends only"),
        ("(?&date)", "character 1: parts have names in a grammar only"),
        ("(" * 51 + ")" * 51, f"character {DEEPEST + 1}: more than {DEEPEST} groups"),
        ("a{" + "9" * 5000 + "}", "so many repeats are too many"),
        ("a{999999999}", "needs more than 100,000 states"),
        ("(){999999999}", "needs more than 100,000 states"),
    ],
)
def test_errors_name_the_place_and_the_thing(pattern, message):
    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        matching(pattern)
    assert "\n" not in str(raised.value)
