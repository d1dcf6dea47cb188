"""Exact monotonic attention compared with enumerating all alignments."""

import itertools
from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.layers.monotonic import JUMP_PENALTY, FirstAlignment, MonotonicAttention

COLUMNS, UNITS, FIRST = 5, 4, 2


def log_softmax(values: np.ndarray) -> np.ndarray:
    return values - np.log(np.exp(values).sum(-1, keepdims=True))


def example(source_length: int, steps: int, seed: int = 1, *, copying: bool = False) -> Any:
    random = np.random.default_rng(seed)
    layer = MonotonicAttention(COLUMNS, UNITS, first=FIRST, copying=copying)
    layer.build((None, None))
    layer.set_weights([random.normal(0, 1, weight.shape) for weight in layer.get_weights()])
    arrays = {
        "ids": np.array([[FIRST, *random.integers(FIRST, FIRST + COLUMNS, steps - 1)]], np.int32),
        "queries": random.normal(0, 1, (1, steps, UNITS)).astype("f4"),
        "keys": random.normal(0, 2, (1, source_length, UNITS)).astype("f4"),
        "values": random.normal(0, 1, (1, source_length, UNITS)).astype("f4"),
        "mask": np.ones((1, source_length), bool),
    }
    return layer, arrays


def run(layer: Any, arrays: dict[str, Any], *copies: np.ndarray) -> list[np.ndarray]:
    alignment, emissions = FirstAlignment(COLUMNS, copying=layer.copying)(ops.convert_to_tensor(arrays["mask"]))
    return [np.asarray(array) for array in layer(*arrays.values(), alignment, emissions, *copies)]


@pytest.mark.parametrize("copying", [False, True], ids=["no copying", "copying"])
@pytest.mark.parametrize(("source_length", "steps"), [(1, 3), (2, 1), (3, 4), (5, 3)])
def test_likelihood_is_the_sum_over_all_alignments(source_length: int, steps: int, copying: bool) -> None:
    layer, arrays = example(source_length, steps, copying=copying)
    # Copy ids: a known token, then unknown ones, one of them twice.
    copy_ids = FIRST + np.array([2, COLUMNS + 1, COLUMNS + 2, COLUMNS + 1, COLUMNS + 4])[:source_length]
    copies = [copy_ids[None].astype(np.int32)] if copying else []
    answers = np.random.default_rng(2).integers(0, COLUMNS, steps)
    if copying and source_length > 1:
        answers[-1] = COLUMNS + 1  # a token that can only be copied
    arrays["ids"][0, 1:] = answers[:-1] + FIRST  # each step reads the output of the previous one
    log_probs, weights, _, _ = run(layer, arrays, *copies)

    jumps, query, query_bias, output, output_bias, *gate = (weight.astype("f8") for weight in layer.get_weights())
    queries, keys, values = (arrays[name][0].astype("f8") for name in ("queries", "keys", "values"))
    scores = queries @ keys.T / np.sqrt(UNITS)
    hidden = np.tanh((queries @ query + query_bias)[:, None] + values[None])
    emitted = log_softmax(hidden @ output + output_bias)  # (steps, source, columns)
    if copying:
        generate = 1 / (1 + np.exp(-(hidden @ gate[0] + gate[1])))
        copied = np.equal.outer(copy_ids - FIRST, np.arange(COLUMNS + source_length))
        generated = np.pad(np.exp(emitted), ((0, 0), (0, 0), (0, source_length)))
        emitted = np.log(generate * generated + (1 - generate) * copied + 1e-30)

    def transition(step: int, before: int, to: int) -> float:
        moves = scores[step, before:] + (jumps - JUMP_PENALTY * np.arange(len(jumps)))[: source_length - before]
        return float(moves[to - before] - np.log(np.exp(moves).sum()))

    total, last = 0.0, np.zeros(source_length)
    for path in itertools.combinations_with_replacement(range(source_length), steps):
        log = sum(
            transition(step, path[step - 1] if step else 0, path[step]) + emitted[step, path[step], answers[step]]
            for step in range(steps)
        )
        total += np.exp(log)
        last[path[-1]] += np.exp(log - emitted[-1, path[-1], answers[-1]])
    log_likelihood = sum(log_probs[0, step, answers[step]] for step in range(steps))
    np.testing.assert_allclose(log_likelihood, np.log(total), rtol=1e-5)
    np.testing.assert_allclose(weights[0, -1], last / last.sum(), rtol=1e-4, atol=1e-6)


def test_each_step_is_a_distribution_and_the_alignment_never_moves_back() -> None:
    layer, arrays = example(6, 5)
    log_probs, weights, _, _ = run(layer, arrays)
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-5)
    reached = np.cumsum(weights[0, :, ::-1], axis=1)[:, ::-1]  # probability of position s or later
    observed = np.diff(reached[:, 1:], axis=0)
    # Emissions that differ by position can make earlier positions likelier again, so use equal emissions.
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    reached = np.cumsum(run(layer, arrays)[1][0, :, ::-1], axis=1)[:, ::-1]
    assert (np.diff(reached[:, 1:], axis=0) >= -1e-6).all()
    assert observed.shape == (4, 5)


@pytest.mark.parametrize("copying", [False, True], ids=["no copying", "copying"])
def test_padding_has_no_weight_and_changes_nothing(copying: bool) -> None:
    layer, arrays = example(4, 3, copying=copying)
    copies = [np.array([[3, FIRST + COLUMNS + 1, 5, 5, 0, 0, 0]], np.int32)] if copying else []
    expected = run(layer, arrays, *(one[:, :4] for one in copies))
    random = np.random.default_rng(9)
    for name in ("keys", "values"):
        arrays[name] = np.concatenate([arrays[name], random.normal(0, 5, (1, 3, UNITS)).astype("f4")], axis=1)
    arrays["mask"] = np.array([[True] * 4 + [False] * 3])
    log_probs, weights, _, _ = run(layer, arrays, *copies)
    columns = expected[0].shape[-1]
    np.testing.assert_allclose(log_probs[:, :, :columns], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(weights[:, :, 4:], 0.0)
