"""Beams, n-best lists and scores from the command line; a model and its pairs come from `trained`."""

import json
from typing import Any

import pytest


def test_a_beam_writes_a_line_a_text(quick: Any, trained: Any) -> None:
    sources = [source for source, _ in trained.rows[:5]]
    plain = quick("translate", trained.model, stdin="\n".join(sources).encode())
    beam = quick("translate", trained.model, "--beam", "3", stdin="\n".join(sources).encode())
    assert (beam.status, len(beam.out.splitlines())) == (0, len(plain.out.splitlines()))
    one = quick("translate", trained.model, "--beam", "1", stdin="\n".join(sources).encode())
    assert one.out == plain.out


def test_scores_are_columns(quick: Any, trained: Any) -> None:
    texts = [source for source, _ in trained.rows[:2]]
    outcome = quick("translate", trained.model, *texts, "--n-best", "3", "--scores")
    assert outcome.status == 0, outcome.err
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert {len(row) for row in rows} == {5}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for number in "12":
        own = [row for row in rows if row[0] == number]
        assert [int(row[1]) for row in own] == list(range(1, len(own) + 1))
        assert all(float(row[3]) <= 0 for row in own)


def test_json_says_everything(quick: Any, trained: Any) -> None:
    text = trained.rows[0][0]
    outcome = quick("translate", trained.model, text, "--n-best", "2", "--json")
    (line,) = outcome.out.splitlines()
    found = json.loads(line)
    assert found["source"] == text
    for translation in found["translations"]:
        assert "".join(translation["symbols"]) == translation["text"]
        assert len(translation["probabilities"]) == len(translation["symbols"]) + translation["finished"]
        assert all(0 <= probability <= 1 for probability in translation["probabilities"])


def test_lines_stay_in_step_where_there_are_fewer_translations(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, "--n-best", "2", stdin=b"\nA cat\n")
    assert len(outcome.out.split("\n")) == 5
    assert outcome.out.startswith("\n\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beam", "2", "--n-best", "3"], "3 best translations need a beam of as many, received: beam=2"),
        (["--beam", "0"], "beam: input should be greater than or equal to 1"),
        (["--length-power", "-1"], "length_power"),
        (["--max-length", "0"], "max_length"),
    ],
)
def test_bad_options(quick: Any, trained: Any, options: list[str], message: str) -> None:
    assert message in quick("translate", trained.model, "text", *options).refused()
