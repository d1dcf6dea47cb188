"""Grammars: references between named patterns, and errors that name the line."""

import re

import pytest

from passerelle.constraints.grammars import read_grammar
from passerelle.constraints.patterns import DEEPEST, matching
from passerelle.errors import SettingsError

DATES = r"""# French dates
day = 0?[1-9]|[12]\d|3[01]
month=janvier|f[ée]vrier|mars

date = (?&day)[ ](?&month)(?:[ ](?&year))?
year =  \d{4}
main = ^(?&date)(, (?&date))*$
other = x=y
"""


@pytest.fixture
def grammar(tmp_path):
    def read(text, raw=None):
        path = tmp_path / "rules.txt"
        path.write_bytes(text.encode() if raw is None else raw)
        return read_grammar(path)

    return read


def test_references_are_replaced_by_their_patterns(grammar):
    dates = grammar(DATES)
    assert dates.accepts("3 février 2024, 31 mars")
    assert not dates.accepts("3 février 2024,")
    date = r"(0?[1-9]|[12]\d|3[01]) (janvier|f[ée]vrier|mars)( \d{4})?"
    assert (dates.table == matching(f"{date}(, {date})*").table).all()


def test_the_last_pattern_is_the_main_one_if_none_is_named_main(grammar):
    assert grammar("a = x\nb = (?&a)y").accepts("xy")
    assert grammar("b = (?&a)y\na = x\n").accepts("x")
    assert grammar("", raw=b"\xef\xbb\xbfa = x\r\nb-1 = (?&a)=\r\n").accepts("x=")
    assert grammar("blank =").accepts("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = (?&b)\nb = x(?&c)\nc = (?&b)?", "line 2: a pattern cannot refer to itself: c -> b -> c."),
        ("a = x(?&a)", "line 1: a pattern cannot refer to itself: a -> a."),
        ("month = x\na = (?&mont)", "line 2: no pattern is named 'mont'. Did you mean 'month'?"),
        ("# x\na =  b(c", "line 2, character 7: this '(' is not closed."),
        ("a = b\n^a = c", "line 2: expected NAME = PATTERN, received: '^a = c'"),
        ("a b", "line 1: expected NAME = PATTERN"),
        ("a = b\n\na = c", "line 3: 'a' is already defined."),
        ("# nothing\n", "contains no pattern. Write one per line"),
        ("a = ^x\nb = (?&a)", "line 1, character 5: '^' is supported only at the ends of the pattern"),
        ("a = (?&b", "line 1, character 5: this '(' is not closed"),
        (
            "\n".join(["p0 = x", *(f"p{n} = (?&p{n - 1})" for n in range(1, 60))]),
            f"more than {DEEPEST} nested groups or named patterns",
        ),
        ("\n".join(["p0 =", *(f"p{n} = (?&p{n - 1})(?&p{n - 1})" for n in range(1, 40))]), "more than 2,000,000 steps"),
    ],
)
def test_errors_name_the_line(grammar, text, message):
    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        grammar(text)
    assert "rules.txt" in str(raised.value) or "steps" in message
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(grammar, tmp_path):
    with pytest.raises(SettingsError, match="byte 5 is not UTF-8"):
        grammar("", raw=b"a = \xe9")
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_grammar(tmp_path / "none")
