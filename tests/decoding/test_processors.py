"""Rules around a step, in greedy search, in a beam and in draws."""

import itertools
from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.decoding.beam import beam_search
from passerelle.decoding.greedy import greedy_search
from passerelle.decoding.processors import ConstraintProcessor, MinimumLength, NoRepeatNgram, Tables, with_processors
from passerelle.decoding.sample import sample
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, START

TOKENS, WIDTH = 7, 12
A, B, C = 4, 5, 6


def table(rows: int, seed: int) -> np.ndarray:
    logits = 2.0 * np.random.default_rng(seed).normal(size=(rows, TOKENS, TOKENS)).astype("f4")
    logits[..., [0, 1, START]] = -np.inf
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    return np.maximum(logits, IMPOSSIBLE)


def chain(log_probs: Any) -> tuple[Any, Any]:
    flat = ops.reshape(log_probs, (-1, TOKENS))
    return lambda ids, row: (ops.take(flat, row * TOKENS + ids, axis=0), row), ops.arange(log_probs.shape[0])


def searched(limits: Any, log_probs: Any, rules: Any, how: str) -> Any:
    step, state = with_processors(*chain(log_probs), limits, rules)
    if how == "beam":
        found = beam_search(step, state, limits, WIDTH, SearchSettings(beam=4, n_best=4, length_penalty=0.0))
        return [values[:, 0] for values in found[:4]]
    if how == "sample":
        draws = np.random.default_rng(5).random((log_probs.shape[0], WIDTH), np.float32)
        return list(sample(step, state, limits, WIDTH, ops.convert_to_tensor(draws), SearchSettings())[:4])
    return list(greedy_search(step, state, limits, WIDTH)[:4])


def texts(log_probs: np.ndarray, rules: Any, how: str, limit: int = WIDTH) -> tuple[list[list[int]], Any, Any]:
    limits = np.full(len(log_probs), limit, np.int32)
    run = compiled(lambda limits, log_probs: searched(limits, log_probs, rules, how), [])
    ids, lengths, scores, finished = map(np.asarray, run(limits, log_probs))
    return [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)], scores, finished


each_search = pytest.mark.parametrize("how", ["greedy", "beam", "sample"])


@each_search
def test_end_does_not_come_early(how: str) -> None:
    found, _, finished = texts(table(12, 1), [MinimumLength(4)], how)
    assert all(len(row) >= 4 for row in found)
    assert finished.any()


@each_search
@pytest.mark.parametrize("length", [1, 2, 3])
def test_nothing_is_written_twice(how: str, length: int) -> None:
    found, _, _ = texts(table(12, 2), [NoRepeatNgram(length, WIDTH)], how)
    for row in found:
        runs = [tuple(row[start : start + length]) for start in range(len(row) - length + 1)]
        assert len(set(runs)) == len(runs), row
    assert any(len(row) > 2 for row in found) or how == "beam", "else there was nothing to forbid"


def test_without_an_offence_the_rule_changes_nothing() -> None:
    log_probs = table(12, 2)
    free, scores, _ = texts(log_probs, [MinimumLength(0)], "greedy")
    bound, others, _ = texts(log_probs, [NoRepeatNgram(2, WIDTH)], "greedy")
    same = [row for row, text in enumerate(free) if len(set(itertools.pairwise(text))) == max(len(text) - 1, 0)]
    assert same
    for row in same:
        assert bound[row] == free[row]
        assert others[row] == scores[row]


def even_a() -> Tables:
    """An even number of A, at least two; B anywhere; C never."""
    following = np.array([[1, 0], [2, 1], [3, 2], [2, 3]], np.int32)  # classes: A, B
    class_of = np.full(TOKENS, -1, np.int32)
    class_of[[A, B]] = 0, 1
    accepting = np.array([False, False, True, False])
    distance, progress = np.array([2, 1, 0, 1], np.int32), np.array([0, 1, 2, 2], np.int32)
    return Tables(following, class_of, accepting, distance, progress, np.int32(0))


@each_search
@pytest.mark.parametrize("limit", [3, 4, WIDTH])
def test_an_automaton_is_obeyed_to_the_end(how: str, limit: int) -> None:
    """Every row ends accepted, however tight the limit."""
    found, scores, finished = texts(table(12, 3), [ConstraintProcessor(even_a())], how, limit)
    assert finished.all()
    assert (scores > IMPOSSIBLE / 2).all()
    for row in found:
        assert set(row) <= {A, B}
        assert row.count(A) >= 2
        assert not row.count(A) % 2
        assert len(row) < limit


@each_search
def test_what_cannot_be_obeyed_is_said_to_be_impossible(how: str) -> None:
    """Two tokens and END do not go into two steps."""
    _, scores, finished = texts(table(3, 3), [ConstraintProcessor(even_a())], how, limit=2)
    assert (scores < IMPOSSIBLE / 2).all()
    assert not finished.any()


def test_rules_go_together() -> None:
    found, _, finished = texts(
        table(12, 4), [MinimumLength(3), NoRepeatNgram(2, WIDTH), ConstraintProcessor(even_a())], "beam"
    )
    for row, ended in zip(found, finished, strict=True):
        if ended:
            assert len(row) >= 3
            assert row.count(A) in (2, 4, 6)
            assert len(set(itertools.pairwise(row))) == len(row) - 1
    assert finished.any()


def test_the_best_that_obeys_already_stays_the_best() -> None:
    """A beam of everything: the rule takes away what is forbidden and nothing else."""
    log_probs = table(8, 6)
    free, scores, _ = texts(log_probs, [MinimumLength(0)], "greedy", limit=6)
    bound, others, _ = texts(log_probs, [ConstraintProcessor(even_a())], "greedy", limit=6)
    for row, text in enumerate(free):
        if set(text) <= {A, B} and text.count(A) in (2, 4):
            assert bound[row] == text
            assert others[row] == scores[row]


def test_a_score_is_the_networks_own() -> None:
    """Not made larger by what a rule took away; END counts."""
    log_probs = table(6, 7)
    found, scores, _ = texts(log_probs, [ConstraintProcessor(even_a())], "beam")
    for row, text in enumerate(found):
        path = [START, *text, END]
        expected = sum(log_probs[row, before, after] for before, after in itertools.pairwise(path))
        np.testing.assert_allclose(scores[row], expected, rtol=1e-5)
