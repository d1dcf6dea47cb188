"""The generated pairs of the benchmark of dates."""

import datetime
import re

import pytest

from dates import DAYS, FORMS, MONTHS, PATTERNS, SIZES, format_date, generate_pairs, ordinal_suffix, percentages

DATE = datetime.date(2026, 3, 5)


def parse_date(text: str) -> str:
    """Parse a date independently of the benchmark; return it in ISO format."""
    names = {name[:3]: number for number, name in enumerate(MONTHS, start=1)}
    words = re.findall(r"'?\w+", re.sub(r"\b(the|of)\b", "", text))
    words = words[1:] if words[0][:3] in {day[:3] for day in DAYS} else words
    months = [word for word in words if word[:3] in names]
    if months:
        month = names[months[0][:3]]
        rest = [word for word in words if word != months[0]]
        year = next(word for word in rest if re.fullmatch(r"\d{4}|'\d\d", word))
        day = next(re.sub(r"\D", "", word) for word in rest if word != year)
    elif "." in text:
        day, month, year = words
    elif len(words[0]) == 4:
        year, month, day = words
    else:
        month, day, year = words
    if year[0] == "'":
        year = ("20" if year < "'50" else "19") + year[1:]
    return datetime.date(int(year), int(month), int(day)).isoformat()


def test_each_date_occurs_once() -> None:
    pairs = generate_pairs()
    assert {part: len(rows) for part, rows in pairs.items()} == SIZES
    dates = [target for rows in pairs.values() for _, target in rows]
    assert len(set(dates)) == len(dates)
    assert generate_pairs() == pairs
    assert generate_pairs(2) != pairs


def test_sources_are_unambiguous() -> None:
    for rows in generate_pairs().values():
        for source, target in rows:
            assert parse_date(source) == target, source


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{weekday} the {ordinal} of {month} {year}", "Thursday the 5th of March 2026"),
        ("{day:02}.{number:02}.{year}", "05.03.2026"),
        ("{day} {mon} '{yy}", "5 Mar '26"),
    ],
)
def test_forms(form: str, text: str) -> None:
    assert form in FORMS
    assert format_date(DATE, form) == text


def test_ordinals() -> None:
    tests = {1: "st", 2: "nd", 3: "rd", 4: "th", 11: "th", 12: "th", 13: "th", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    assert {day: ordinal_suffix(day) for day in tests} == tests


def test_percentages() -> None:
    answers = ["2026-03-05", "2026-03-06", "2026-02-30", "2026-3-5"]
    assert percentages(answers, ["2026-03-05"] * 4) == {"valid": 75.0, "real": 50.0, "exact": 25.0}


def test_the_patterns_allow_every_target() -> None:
    targets = [target for rows in generate_pairs().values() for _, target in rows]
    for pattern in filter(None, PATTERNS.values()):
        assert all(re.fullmatch(pattern, target) for target in targets)
