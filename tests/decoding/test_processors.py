"""Logits processors in greedy search, beam search and sampling."""

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


def searched(limits: Any, log_probs: Any, processors: Any, how: str) -> Any:
    step, state = with_processors(*chain(log_probs), limits, processors)
    if how == "beam":
        found = beam_search(step, state, limits, WIDTH, SearchSettings(beam=4, n_best=4, length_penalty=0.0))
        return [values[:, 0] for values in found[:4]]
    if how == "sample":
        uniform = np.random.default_rng(5).random((log_probs.shape[0], WIDTH), np.float32)
        return list(sample(step, state, limits, WIDTH, ops.convert_to_tensor(uniform), SearchSettings())[:4])
    return list(greedy_search(step, state, limits, WIDTH)[:4])


def texts(log_probs: np.ndarray, processors: Any, how: str, limit: int = WIDTH) -> tuple[list[list[int]], Any, Any]:
    limits = np.full(len(log_probs), limit, np.int32)
    run = compiled(lambda limits, log_probs: searched(limits, log_probs, processors, how), [])
    ids, lengths, scores, finished = map(np.asarray, run(limits, log_probs))
    return [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)], scores, finished


each_search = pytest.mark.parametrize("how", ["greedy", "beam", "sample"])


@each_search
def test_minimum_length(how: str) -> None:
    found, _, finished = texts(table(12, 1), [MinimumLength(4)], how)
    assert all(len(row) >= 4 for row in found)
    assert finished.any()


@each_search
@pytest.mark.parametrize("length", [1, 2, 3])
def test_no_ngram_is_repeated(how: str, length: int) -> None:
    found, _, _ = texts(table(12, 2), [NoRepeatNgram(length, WIDTH)], how)
    for row in found:
        runs = [tuple(row[start : start + length]) for start in range(len(row) - length + 1)]
        assert len(set(runs)) == len(runs), row
    assert any(len(row) > 2 for row in found) or how == "beam", "otherwise nothing was forbidden"


def test_texts_without_repetition_are_unchanged() -> None:
    log_probs = table(12, 2)
    unconstrained, scores, _ = texts(log_probs, [MinimumLength(0)], "greedy")
    constrained, others, _ = texts(log_probs, [NoRepeatNgram(2, WIDTH)], "greedy")
    same = [
        row for row, text in enumerate(unconstrained) if len(set(itertools.pairwise(text))) == max(len(text) - 1, 0)
    ]
    assert same
    for row in same:
        assert constrained[row] == unconstrained[row]
        assert others[row] == scores[row]


def even_a() -> Tables:
    """An automaton that accepts an even number of A, at least two, any number of B, and no C."""
    following = np.array([[1, 0], [2, 1], [3, 2], [2, 3]], np.int32)  # classes: A, B
    class_of = np.full(TOKENS, -1, np.int32)
    class_of[[A, B]] = 0, 1
    accepting = np.array([False, False, True, False])
    distance, progress = np.array([2, 1, 0, 1], np.int32), np.array([0, 1, 2, 2], np.int32)
    return Tables(following, class_of, accepting, distance, progress, np.int32(0))


@each_search
@pytest.mark.parametrize("limit", [3, 4, WIDTH])
def test_every_text_satisfies_the_constraint(how: str, limit: int) -> None:
    """Every row ends in an accepting state, also with a low limit."""
    found, scores, finished = texts(table(12, 3), [ConstraintProcessor(even_a())], how, limit)
    assert finished.all()
    assert (scores > IMPOSSIBLE / 2).all()
    for row in found:
        assert set(row) <= {A, B}
        assert row.count(A) >= 2
        assert not row.count(A) % 2
        assert len(row) < limit


@each_search
def test_an_unsatisfiable_constraint_gives_an_impossible_score(how: str) -> None:
    """Two tokens and END do not fit into two steps."""
    _, scores, finished = texts(table(3, 3), [ConstraintProcessor(even_a())], how, limit=2)
    assert (scores < IMPOSSIBLE / 2).all()
    assert not finished.any()


def test_processors_can_be_combined() -> None:
    found, _, finished = texts(
        table(12, 4), [MinimumLength(3), NoRepeatNgram(2, WIDTH), ConstraintProcessor(even_a())], "beam"
    )
    for row, ended in zip(found, finished, strict=True):
        if ended:
            assert len(row) >= 3
            assert row.count(A) in (2, 4, 6)
            assert len(set(itertools.pairwise(row))) == len(row) - 1
    assert finished.any()


def test_a_text_that_satisfies_the_constraint_is_unchanged() -> None:
    """If the unconstrained result satisfies the constraint, text and score are the same with it."""
    log_probs = table(8, 6)
    unconstrained, scores, _ = texts(log_probs, [MinimumLength(0)], "greedy", limit=6)
    constrained, others, _ = texts(log_probs, [ConstraintProcessor(even_a())], "greedy", limit=6)
    for row, text in enumerate(unconstrained):
        if set(text) <= {A, B} and text.count(A) in (2, 4):
            assert constrained[row] == text
            assert others[row] == scores[row]


def test_scores_are_not_renormalized() -> None:
    """The score is the sum of the log probabilities of the network, END included."""
    log_probs = table(6, 7)
    found, scores, _ = texts(log_probs, [ConstraintProcessor(even_a())], "beam")
    for row, text in enumerate(found):
        path = [START, *text, END]
        expected = sum(log_probs[row, before, after] for before, after in itertools.pairwise(path))
        np.testing.assert_allclose(scores[row], expected, rtol=1e-5)
