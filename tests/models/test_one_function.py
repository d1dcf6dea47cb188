"""The decoder is one function of T steps, and padding is no part of any text: for every kind of network."""

from typing import Any

import numpy as np
import pytest

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("chunks", [[1] * 7, [3, 1, 3]], ids=str)
def test_step_by_step_equals_teacher_forcing(harness: Any, example: Any, chunks: list[int]) -> None:
    whole = harness.logits(example.source, example.target)
    state = harness.begin(example.source)
    position = 0
    for length in chunks:
        outputs, state = harness.decode(example.target[:, position : position + length], state)
        expected = whole[:, position : position + length]
        np.testing.assert_allclose(outputs["logits"], expected, **TOLERANCE)
        position += length
    assert position == example.target.shape[1]


def test_attention_step_by_step_equals_attention_at_once(harness: Any, example: Any, combination: Any) -> None:
    start = harness.begin(example.source)
    whole, _ = harness.decode(example.target, start)
    assert ("attention" in whole) == (combination.attention != "none")
    if "attention" not in whole:
        return
    steps, state = [], start
    for position in range(example.target.shape[1]):
        outputs, state = harness.decode(example.target[:, position : position + 1], state)
        steps.append(outputs["attention"])
    np.testing.assert_allclose(np.concatenate(steps, axis=1), whole["attention"], **TOLERANCE)
    for row, length in enumerate(example.source_lengths):
        assert not whole["attention"][row, :, length:].any()
        np.testing.assert_allclose(whole["attention"][row].sum(axis=-1), 1.0, rtol=1e-5)


def test_neither_padding_nor_other_rows_change_anything(harness: Any, example: Any) -> None:
    """A row in its batch, and by itself with more columns of PAD."""
    together = harness.logits(example.source, example.target)
    states = harness.begin(example.source)
    wider = example.padded(source=3, target=2)
    for row, (source_length, length) in enumerate(zip(example.source_lengths, example.target_lengths, strict=True)):
        source, target = wider.source[row : row + 1], wider.target[row : row + 1]
        columns = together.shape[-1]  # a copying network has one more for each source position
        alone = harness.logits(source, target)
        np.testing.assert_allclose(alone[0, :length, :columns], together[row, :length], **TOLERANCE)
        for name, got in harness.begin(source).items():
            got, expected = np.asarray(got)[0], np.asarray(states[name])[row]
            if got.shape and got.shape[0] == source.shape[1]:
                expected = expected[:source_length]
            kept = tuple(slice(size) for size in expected.shape)  # copying has columns for positions, also here
            np.testing.assert_allclose(got[kept], expected, **TOLERANCE)


def test_the_source_matters_where_it_can(harness: Any, example: Any, combination: Any) -> None:
    other = example.source.copy()
    other[:, 0] = 8
    differs = not np.allclose(
        harness.logits(example.source, example.target), harness.logits(other, example.target), atol=1e-3
    )
    assert differs == (combination.encoder_is_heard or combination.tags)


def test_later_target_symbols_do_not_reach_back(harness: Any, example: Any, combination: Any) -> None:
    other = example.target.copy()
    other[:, 4:] = 3
    left, right = harness.logits(example.source, example.target), harness.logits(example.source, other)
    np.testing.assert_allclose(left[:, :4], right[:, :4], **TOLERANCE)
    reads = combination.reads != "context" or combination.attention == "monotonic"
    assert np.allclose(left[:, 4:], right[:, 4:], atol=1e-3) != reads
