"""Patterns: equal to `re.fullmatch` for every kind of character, and errors that name the position."""

import itertools
import re
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from passerelle.constraints.code_points import ALL_CODE_POINTS, byte_transitions, complement, merged, ranges_of
from passerelle.constraints.patterns import DEEPEST, matching
from passerelle.errors import SettingsError

CHARACTERS = "ab0 é٣\n𝒳-"
SHORT = ["".join(characters) for length in range(4) for characters in itertools.product(CHARACTERS, repeat=length)]
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
REPEATS = st.sampled_from(
    ["*", "+", "?", "{2}", "{1,}", "{,2}", "{1,2}", "{0}", "{,}", "*?", "+?", "??", "{0,2}?", "{3}", "{0,3}", "{2,4}"]
)
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
def test_accepts_the_texts_that_re_matches(pattern, data):
    try:
        known = re.compile(pattern)
    except re.error:
        with pytest.raises(SettingsError):
            matching(pattern)
        return
    automaton = matching(pattern)
    others = data.draw(st.lists(st.one_of(st.text(CHARACTERS, max_size=8), st.text(max_size=4)), max_size=20))
    for text in [*SHORT, *others]:
        assert automaton.accepts(text) == bool(known.fullmatch(text)), (pattern, text)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(PATTERNS, st.data())
def test_texts_generated_from_a_pattern_are_accepted(pattern, data):
    try:
        text = data.draw(st.from_regex(pattern, fullmatch=True))
    except re.error:
        return
    except InvalidArgument as error:  # Hypothesis cannot generate texts for an empty class
        if "does not match any character" not in str(error):
            raise
        return
    assert matching(pattern).accepts(text)


@pytest.mark.parametrize("escape", [*ESCAPES, ".", "[^aé]", "[à-ÿ]"])
def test_classes_contain_the_same_characters_as_in_python(escape):
    automaton, known = matching(escape), re.compile(escape)
    # The characters next to the ends of all ranges, and the first of Unicode.
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
    st.tuples(st.integers(0, ALL_CODE_POINTS[0][1]), st.integers(0, 3000)).map(
        lambda pair: (pair[0], min(sum(pair), ALL_CODE_POINTS[0][1]))
    ),
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(RANGES, st.integers(0, ALL_CODE_POINTS[0][1]))
def test_ranges_equal_sets_of_characters_and_their_bytes(ranges, anywhere):
    found = merged(ranges)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(found))
    assert complement(complement(found)) == found
    nodes = byte_transitions((found,))
    points = {point + step for pair in ranges for point in pair for step in (-1, 0, 1)} | {anywhere, 0x80, 0xFFFF}
    for point in points:
        if not 0 <= point <= ALL_CODE_POINTS[0][1]:
            continue
        inside = any(low <= point <= high for low, high in ranges)
        assert inside == any(low <= point <= high for low, high in found)
        assert inside != any(low <= point <= high for low, high in complement(found))
        if 0xD800 <= point < 0xE000:
            continue
        node = len(nodes) - 1
        for byte in chr(point).encode():
            heads = [head for low, high, head in nodes[node] if low <= byte <= high] if node is not None else []
            assert len(heads) < 2
            node = heads[0] if heads else None
        assert (node == ~0) == inside


def test_anchors_at_the_ends_and_lazy_quantifiers_change_nothing():
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
    assert date.accepts("31 mars 19٣٣"), "Python counts these as digits"
    assert not date.accepts("32 mars 2024")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("ab(c", "character 3: this '(' is not closed"),
        ("ab)c", "character 3: this ')' has no matching '('"),
        ("a[bc", "character 2: this '[' is not closed"),
        ("a|*b", "character 3: there is nothing to repeat"),
        ("{2}", "character 1: there is nothing to repeat"),
        ("a**", "character 3: a repeat cannot be repeated"),
        ("a{2}{3}", "character 5: a repeat cannot be repeated"),
        ("a{3,2}", "character 2: the least count 3 exceeds the greatest 2"),
        ("a*+", "character 3: a possessive quantifier ('+' after a repeat) is not supported"),
        ("a(?=b)", "character 2: '(?=', lookahead, is not supported"),
        ("(?!b)", "character 1: '(?!', lookahead, is not supported"),
        ("a(?<=b)", "'(?<', lookbehind, is not supported"),
        ("(?P<n>b)", "'(?P', a named group, is not supported"),
        ("(?i)b", "'(?i', a flag, is not supported"),
        (r"(a)\1", "character 4: '\\1', a backreference, is not supported"),
        (r"\bword", "character 1: '\\b', a word boundary, is not supported"),
        (r"a\Z", "character 2: '\\Z', an anchor"),
        (r"\q", "'\\q', an escape, is not supported"),
        ("a\\", "character 2: nothing follows this '\\'"),
        (r"\u12g4", "character 1: '\\u12g4' is not a character"),
        (r"\U00110000", "is not a character"),
        ("[z-a]", "character 2: 'z-a' is not a range"),
        (r"[\w-z]", r"character 2: '\\w-z' is not a range"),
        ("a^b", "character 2: '^' is supported only at the ends of the pattern"),
        ("(a$)b", "character 3: '$' is supported only at the ends of the pattern"),
        ("(?&date)", "character 1: named patterns exist only in a grammar"),
        ("(" * 51 + ")" * 51, f"character {DEEPEST + 1}: more than {DEEPEST} nested groups"),
        ("a{" + "9" * 5000 + "}", "the number of repeats is too large"),
        ("a{99999}b{99999}", "needs more than 100,000 states"),
        ("a{999999999}", "takes more than 2,000,000 steps to build. Lower the bounds of its repeats"),
    ],
)
def test_errors_name_the_position_and_the_syntax(pattern, message):
    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        matching(pattern)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("pattern", ["fatigue\u0301e", "fatigue\u0301?e", "fatigu[e\u0301]e", "(fatigu(?:e\u0301))e"])
def test_patterns_are_converted_to_nfc(pattern):
    assert matching(pattern).accepts("fatiguée")
    assert not matching(pattern).accepts("fatigue\u0301e")


# Patterns that took over 20 seconds each when every repeat was written out, and others of their kinds.
@pytest.mark.parametrize(
    ("pattern", "accepted", "rejected"),
    [
        ("(.?){3000}", "x" * 3000, "x" * 3001),
        ("(a?){20000}", "a" * 20000, "a" * 20001),
        ("((x|){300}){300}", "x" * 90_000, "x" * 90_001),
        ("((x|){3}){2,30}y", "x" * 90 + "y", "x" * 91 + "y"),
        (r"[^a]{1,3000}.*x{1,3000}", "b\nb" + "ax" * 9 + "x" * 4000, "b\nb" + "ax" * 9 + "y"),
        ("(a?b?c?d?){2000}", "abcd" * 2000, "dcba" * 667),
        ("((a|b){0,100}c?){0,100}", "ab" * 5000, "ab" * 5051),
        ("(b*a){0,3000}b*", "ba" * 3000, "ba" * 3001),
        ("(a{2,3}){0,1000}", "a" * 3000, "a"),
        ("(a{3,4}){0,9}", "a" * 8, "a" * 5),
        ("(.*a.*b.*){40}", "xaxb" * 40, "xaxb" * 39 + "ba"),
        ("|".join(f"{chr(0x4E00 + n)}{n}" for n in range(1000)), "丁1", "丁2"),
    ],
)
def test_nested_and_optional_repeats_are_fast(pattern, accepted, rejected):
    before = time.process_time()
    automaton = matching(pattern)
    assert time.process_time() - before < 5
    assert automaton.accepts(accepted)
    assert not automaton.accepts(rejected)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\w*\W*){200}",
        r"\w{1000}",
        "(a|b)*a(a|b){20}",
        "((((a{0,30}b){0,30}c){0,30}d){0,30}e){0,30}",
        "((a|b)*a(a|b){9}){9999}",
        "(.{0,99}a.{0,99}){99}",
        "a{999999999}",
        "(?:(?:a{0,9999}b){0,9999}c){0,9999}",
        "a?b?" * 9999,
        "".join(f"({chr(97 + n % 26)}{{0,{n}}})*" for n in range(300)),
        "(" + "|".join(f"(?:a{{{n}}})*" for n in (7, 11, 13, 17, 19, 23)) + ")",
    ],
)
def test_patterns_that_are_too_large_are_refused_quickly(pattern):
    before = time.process_time()
    with pytest.raises(SettingsError, match=r"more than (100,000 states|2,000,000 steps to build)\. Lower"):
        matching(pattern)
    assert time.process_time() - before < 4
