"""Sampling: frequencies equal probabilities, and the same random numbers give the same tokens."""

from typing import Any

import numpy as np
import pytest
from keras import ops
from scipy import stats

from passerelle.decoding import truncation
from passerelle.decoding.sample import sample
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, START

TOKENS, ROWS = 8, 4096
ORDINARY = np.arange(4, TOKENS)


def distribution(seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=TOKENS).astype("f4")
    logits[:END] = IMPOSSIBLE
    return logits - np.log(np.exp(logits).sum())


def sampled(log_probs: np.ndarray, numbers: np.ndarray, **options: Any) -> Any:
    """Sample rows; every step has the same distribution."""

    def run(log_probs: Any, numbers: Any) -> Any:
        rows, width = numbers.shape
        limits = ops.full((rows,), width, "int32")

        def step(ids: Any, state: Any) -> Any:
            return ops.broadcast_to(log_probs, (ids.shape[0], TOKENS)), state

        return sample(step, ops.zeros((rows,)), limits, width, numbers, SearchSettings(sample=True, **options))

    return compiled(run, [])(log_probs, numbers)


def uniform(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, width), np.float32)


def first_tokens(log_probs: np.ndarray, **options: Any) -> np.ndarray:
    """Number of rows whose first token is each id, END included."""
    found = sampled(log_probs, uniform(ROWS, 1), **options)
    tokens = np.where(np.asarray(found.finished), END, np.asarray(found.ids)[:, 0])
    return np.bincount(tokens, minlength=TOKENS)


def expected(log_probs: np.ndarray, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> np.ndarray:
    """A plain implementation: set the probability of forbidden tokens to 0 and renormalize."""
    probs = np.exp(log_probs.astype("f8") / temperature)
    probs /= probs.sum()
    order = np.argsort(-probs)[: top_k or TOKENS]
    if top_k:
        probs = np.where(np.isin(np.arange(TOKENS), order), probs, 0) / probs[order].sum()
    count = int(np.searchsorted(np.cumsum(probs[order]), top_p)) + 1
    allowed = np.where(np.isin(np.arange(TOKENS), order[:count]), probs, 0)
    return allowed / allowed.sum()


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.5}, {"temperature": 3.0}, {"top_k": 2}, {"top_p": 0.7}, {"top_k": 4, "top_p": 0.8}],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_frequencies_equal_probabilities(options: Any, seed: int) -> None:
    """Chi-square test of 4,096 samples; p is close to 0 only if the frequencies are wrong."""
    log_probs = distribution(seed)
    counts, probs = first_tokens(log_probs, **options), expected(log_probs, **options)
    assert not counts[probs == 0].any()
    allowed = probs > 0
    assert allowed.sum() > 1
    assert stats.chisquare(counts[allowed], ROWS * probs[allowed]).pvalue > 1e-4


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("block", [1, 3, 8, 64])
def test_unsorted_tokens_have_the_same_frequencies(
    temperature: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large vocabulary is not sorted; the tokens are divided into blocks."""
    monkeypatch.setattr("passerelle.decoding.sample.MAX_SORTED", 0)
    monkeypatch.setattr("passerelle.decoding.sample.BLOCK", block)
    log_probs = distribution(6)
    counts, probs = first_tokens(log_probs, temperature=temperature), expected(log_probs, temperature)
    assert not counts[probs == 0].any()
    assert stats.chisquare(counts[probs > 0], ROWS * probs[probs > 0]).pvalue > 1e-4
    for numbers in (np.float32(0), np.nextafter(np.float32(1), np.float32(0))):
        found = sampled(log_probs, np.full((1, 3), numbers), temperature=temperature)
        assert set(np.asarray(found.ids)[0].tolist()) <= {0, *ORDINARY.tolist()}


def test_a_single_candidate_is_the_most_likely_token() -> None:
    log_probs = distribution(3)
    for options in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}):
        assert first_tokens(log_probs, **options).argmax() == log_probs.argmax()
        assert np.count_nonzero(first_tokens(log_probs, **options)) == 1


def test_the_same_numbers_give_the_same_text_in_any_row() -> None:
    numbers = uniform(300, 6)
    found = sampled(distribution(4), numbers)
    order = np.random.default_rng(1).permutation(300)
    permuted = sampled(distribution(4), numbers[order])
    for name in found._fields:
        np.testing.assert_array_equal(np.asarray(getattr(found, name))[order], getattr(permuted, name), err_msg=name)
    assert len({tuple(row) for row in np.asarray(found.ids).tolist()}) > 50


def test_scores_are_those_of_the_network() -> None:
    """The scores of the sampled tokens are those before temperature and truncation."""
    log_probs = distribution(5)
    found = sampled(log_probs, uniform(50, 6), temperature=2.0, top_k=3)
    for ids, length, score, finished in zip(*(np.asarray(values) for values in found[:4]), strict=True):
        tokens = [*ids[:length], END] if finished else ids[:length]
        np.testing.assert_allclose(score, log_probs[tokens].sum(), rtol=1e-5)


def test_a_random_number_near_1_selects_an_allowed_token() -> None:
    log_probs = np.full(TOKENS, IMPOSSIBLE, "f4")
    log_probs[[END, 5]] = np.log([0.5, 0.5])
    found = sampled(log_probs, np.full((1, 3), np.nextafter(np.float32(1), np.float32(0))))
    assert set(np.asarray(found.ids)[0].tolist()) <= {0, 5}
    assert START not in np.asarray(found.ids)


def test_a_truncation_may_forbid_the_most_likely_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in typical sampling, the allowed candidates need not be a prefix of the sorted candidates."""
    monkeypatch.setattr(
        truncation, "TRUNCATIONS", (lambda probs, settings: ops.logical_and(probs < probs[:, :1], probs > 0.05),)
    )
    log_probs = distribution(1)
    probs = np.exp(log_probs.astype("f8"))
    probs = np.where((probs < probs.max()) & (probs > 0.05), probs, 0)
    counts, allowed = first_tokens(log_probs), probs > 0
    assert 1 < allowed.sum() < TOKENS - END - 1
    assert not counts[~allowed].any()
    assert stats.chisquare(counts[allowed], ROWS * probs[allowed] / probs.sum()).pvalue > 1e-4
