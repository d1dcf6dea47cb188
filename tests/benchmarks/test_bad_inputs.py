"""A small part of the bad inputs of the benchmark; each must end with one line of error, quickly, and leave nothing."""

import pytest

from bad_inputs import Outcome, run_cases, train_model
from mutations import make_case


def test_cases_are_reproducible():
    assert [make_case(seed) for seed in range(50)] == [make_case(seed) for seed in range(50)]


ERROR = "passerelle: error: no pairs. Add pairs.\n"


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (Outcome(2, ERROR, 0, 1, 0, ()), ""),
        (Outcome(2, f"a.tsv: all rows are equal.\n{ERROR}", 0, 1, 0, ()), ""),
        (Outcome(0, "", 0, 1, 0, ()), ""),
        (Outcome(1, "Traceback (most recent call last):", 0, 1, 0, ()), "status 1"),
        (Outcome("died (-9)", "", 0, 1, 0, ()), "status died (-9)"),
        (Outcome(2, ERROR + "more\n", 0, 1, 0, ()), "status 2 with 1 lines of error, of 2"),
        (Outcome(2, "", 0, 1, 0, ()), "status 2 with 0 lines of error, of 0"),
        (Outcome(0, ERROR, 0, 1, 0, ()), "status 0 with 1 lines of error, of 1"),
        (Outcome(2, ERROR, 0, 6, 0, ()), "6.0 s"),
        (Outcome(2, ERROR, 9, 6, 0, ()), ""),
        (Outcome(2, ERROR, 0, 1, 10**9, ()), "1000 MB"),
        (Outcome(2, ERROR, 0, 1, 0, ("a.tmp",)), "left behind: a.tmp"),
    ],
)
def test_problems_are_found(outcome, problem):
    assert outcome.problem() == problem


@pytest.mark.slow
def test_bad_inputs(tmp_path):
    problems = run_cases(range(100), train_model(tmp_path))
    assert not problems, "\n".join(problems)
