"""Cross-entropy, compared with a loop in NumPy."""

import math

import numpy as np
import pytest

from passerelle.special_tokens import END, PAD, UNK
from passerelle.training.loss import cross_entropy_sums

COLUMNS = 5


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - np.log(np.exp(scores - scores.max()).sum()) - scores.max()


def loop(logits: np.ndarray, labels: np.ndarray, first: int, smoothing: float) -> tuple[float, int, int]:
    """Compute the sums of loss, tokens and correct predictions token by token."""
    total, tokens, correct = 0.0, 0, 0
    for scores, label in zip(logits.reshape(-1, COLUMNS).astype("f8"), labels.ravel(), strict=True):
        if label < first:
            continue
        distribution = np.full(COLUMNS, smoothing / COLUMNS)
        distribution[label - first] += 1 - smoothing
        total -= float(distribution @ log_softmax(scores))
        tokens += 1
        correct += int(scores.argmax() == label - first)
    return total, tokens, correct


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("first", [1, 2])
def test_sums_equal_a_loop(first: int, smoothing: float) -> None:
    random = np.random.default_rng(first)
    logits = random.normal(0, 3, (4, 6, COLUMNS)).astype("f4")
    labels = random.integers(PAD, first + COLUMNS, (4, 6)).astype("i4")
    labels[0, :2] = [PAD, UNK]
    expected = loop(logits, labels, first, smoothing)
    assert 0 < expected[2] < expected[1] < 24
    sums = [float(value) for value in cross_entropy_sums(logits, labels, first=first, smoothing=smoothing)]
    np.testing.assert_allclose(sums, expected, rtol=1e-5)


@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_loss_is_invariant_to_a_shift_of_logits(shift: float) -> None:
    logits = np.arange(2 * COLUMNS, dtype="f4").reshape(1, 2, COLUMNS)
    labels = np.array([[END, PAD]], np.int32)
    expected = [float(value) for value in cross_entropy_sums(logits, labels, first=1)]
    sums = [float(value) for value in cross_entropy_sums(logits + np.float32(shift), labels, first=1)]
    np.testing.assert_allclose(sums, expected, rtol=1e-3)


@pytest.mark.parametrize(("first", "ignored"), [(1, [PAD]), (2, [PAD, UNK])])
def test_tokens_without_a_column_are_ignored(first: int, ignored: list[int]) -> None:
    jax = pytest.importorskip("jax")
    logits = np.random.default_rng(1).normal(size=(1, 4, COLUMNS)).astype("f4")
    labels = np.array([[4, END, 0, 0]], np.int32)
    expected = [float(value) for value in cross_entropy_sums(logits[:, :2], labels[:, :2], first=first)]
    for token in ignored:
        labels[:, 2:] = token
        sums = [float(value) for value in cross_entropy_sums(logits, labels, first=first)]
        np.testing.assert_allclose(sums, expected, rtol=1e-6)
        gradient = jax.grad(lambda x: cross_entropy_sums(x, labels, first=first)[0])(logits)
        assert not np.asarray(gradient)[:, 2:].any()
    if UNK not in ignored:
        labels[:, 2:] = UNK
        assert float(cross_entropy_sums(logits, labels, first=first)[1]) == 4


def test_only_padding() -> None:
    sums = cross_entropy_sums(np.ones((2, 3, COLUMNS), "f4"), np.zeros((2, 3), "i4"), first=1)
    assert [float(value) for value in sums] == [0.0, 0.0, 0.0]


def test_gradient_is_probabilities_minus_smoothed_label() -> None:
    jax = pytest.importorskip("jax")
    logits = np.random.default_rng(1).normal(size=(1, 1, COLUMNS)).astype("f4")
    labels = np.array([[4]], np.int32)
    gradient = jax.grad(lambda x: cross_entropy_sums(x, labels, first=2, smoothing=0.2)[0])(logits)
    label = np.full(COLUMNS, 0.04)
    label[2] += 0.8
    np.testing.assert_allclose(
        np.asarray(gradient)[0, 0], np.exp(log_softmax(logits[0, 0])) - label, rtol=1e-4, atol=1e-6
    )


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[[1e4, 0, 0, 0, -1e4]]], np.float32)
    loss, _, correct = cross_entropy_sums(logits, np.array([[5]], np.int32), first=1)
    assert (float(loss), float(correct)) == (2e4, 0.0)


def test_bfloat16_logits_are_summed_in_float32() -> None:
    jax = pytest.importorskip("jax")
    logits = jax.numpy.zeros((64, 100, COLUMNS), "bfloat16")
    loss, tokens, _ = cross_entropy_sums(logits, np.full((64, 100), 4, np.int32), first=1)
    assert float(tokens) == 6400
    np.testing.assert_allclose(float(loss), 6400 * math.log(COLUMNS), rtol=1e-5)


@pytest.mark.parametrize("first", [1, 2])
def test_label_beyond_the_columns_gives_no_finite_loss(first: int) -> None:
    """Ids that do not match the network must not give a loss that looks valid."""
    logits = np.random.default_rng(1).normal(size=(1, 2, COLUMNS)).astype("f4")
    labels = np.array([[4, first + COLUMNS]], np.int32)
    try:
        loss = float(cross_entropy_sums(logits, labels, first=first)[0])
    except (ValueError, IndexError):
        return
    assert not math.isfinite(loss)
