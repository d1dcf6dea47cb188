"""A small part of the bad inputs of the benchmark; each must end with one line of error, quickly, and leave nothing."""

import pytest

from bad_inputs import run_cases, train_model
from mutations import make_case


def test_cases_are_reproducible():
    assert [make_case(seed) for seed in range(50)] == [make_case(seed) for seed in range(50)]


@pytest.mark.slow
def test_bad_inputs(tmp_path):
    problems = run_cases(range(100), train_model(tmp_path))
    assert not problems, "\n".join(problems)
