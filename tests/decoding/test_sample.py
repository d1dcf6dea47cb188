"""Draws: as often as they are likely, and the same for the same numbers."""

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


def drawn(log_probs: np.ndarray, draws: np.ndarray, **options: Any) -> Any:
    """Every step has the same distribution."""

    def run(log_probs: Any, draws: Any) -> Any:
        rows, width = draws.shape
        limits = ops.full((rows,), width, "int32")

        def step(ids: Any, state: Any) -> Any:
            return ops.broadcast_to(log_probs, (ids.shape[0], TOKENS)), state

        return sample(step, ops.zeros((rows,)), limits, width, draws, SearchSettings(sample=True, **options))

    return compiled(run, [])(log_probs, draws)


def draws(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, width), np.float32)


def first_tokens(log_probs: np.ndarray, **options: Any) -> np.ndarray:
    """Counts of the first token of each row, END included, by id."""
    found = drawn(log_probs, draws(ROWS, 1), **options)
    tokens = np.where(np.asarray(found.finished), END, np.asarray(found.ids)[:, 0])
    return np.bincount(tokens, minlength=TOKENS)


def expected(log_probs: np.ndarray, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> np.ndarray:
    """Written the plain way: cut off what may not be drawn, scale to one."""
    shares = np.exp(log_probs.astype("f8") / temperature)
    shares /= shares.sum()
    order = np.argsort(-shares)[: top_k or TOKENS]
    if top_k:
        shares = np.where(np.isin(np.arange(TOKENS), order), shares, 0) / shares[order].sum()
    enough = int(np.searchsorted(np.cumsum(shares[order]), top_p)) + 1
    kept = np.where(np.isin(np.arange(TOKENS), order[:enough]), shares, 0)
    return kept / kept.sum()


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.5}, {"temperature": 3.0}, {"top_k": 2}, {"top_p": 0.7}, {"top_k": 4, "top_p": 0.8}],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_tokens_come_as_often_as_they_are_likely(options: Any, seed: int) -> None:
    """Chi-square over 4,096 draws; p is far from 0 unless the frequencies are wrong."""
    log_probs = distribution(seed)
    counts, shares = first_tokens(log_probs, **options), expected(log_probs, **options)
    assert not counts[shares == 0].any()
    possible = shares > 0
    assert possible.sum() > 1
    assert stats.chisquare(counts[possible], ROWS * shares[possible]).pvalue > 1e-4


def test_one_candidate_is_the_likeliest() -> None:
    log_probs = distribution(3)
    for options in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}):
        assert first_tokens(log_probs, **options).argmax() == log_probs.argmax()
        assert np.count_nonzero(first_tokens(log_probs, **options)) == 1


def test_the_same_numbers_give_the_same_text_wherever_they_stand() -> None:
    numbers = draws(300, 6)
    together = drawn(distribution(4), numbers)
    order = np.random.default_rng(1).permutation(300)
    mixed = drawn(distribution(4), numbers[order])
    for name in together._fields:
        np.testing.assert_array_equal(np.asarray(getattr(together, name))[order], getattr(mixed, name), err_msg=name)
    assert len({tuple(row) for row in np.asarray(together.ids).tolist()}) > 50


def test_scores_are_the_networks_own() -> None:
    """Of the tokens drawn, before temperature and limits."""
    log_probs = distribution(5)
    found = drawn(log_probs, draws(50, 6), temperature=2.0, top_k=3)
    for ids, length, score, finished in zip(*(np.asarray(values) for values in found[:4]), strict=True):
        tokens = [*ids[:length], END] if finished else ids[:length]
        np.testing.assert_allclose(score, log_probs[tokens].sum(), rtol=1e-5)


def test_a_draw_of_almost_one_takes_what_may_be_written() -> None:
    log_probs = np.full(TOKENS, IMPOSSIBLE, "f4")
    log_probs[[END, 5]] = np.log([0.5, 0.5])
    found = drawn(log_probs, np.full((1, 3), np.nextafter(np.float32(1), np.float32(0))))
    assert set(np.asarray(found.ids)[0].tolist()) <= {0, 5}
    assert START not in np.asarray(found.ids)


def test_a_truncation_may_drop_the_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    """As typical sampling does: what may be drawn need not be the beginning of the order."""
    monkeypatch.setattr(
        truncation, "TRUNCATIONS", (lambda shares, settings: ops.logical_and(shares < shares[:, :1], shares > 0.05),)
    )
    log_probs = distribution(1)
    shares = np.exp(log_probs.astype("f8"))
    shares = np.where((shares < shares.max()) & (shares > 0.05), shares, 0)
    counts, kept = first_tokens(log_probs), shares > 0
    assert 1 < kept.sum() < TOKENS - END - 1
    assert not counts[~kept].any()
    assert stats.chisquare(counts[kept], ROWS * shares[kept] / shares.sum()).pvalue > 1e-4
