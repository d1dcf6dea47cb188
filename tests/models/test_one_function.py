"""For every kind of network: the decoder is one function of T steps, and padding changes nothing."""

from typing import Any

import numpy as np
import pytest

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("chunks", [[1] * 7, [2, 3, 2]], ids=str)
def test_step_by_step_equals_teacher_forcing(harness: Any, example: Any, chunks: list[int]) -> None:
    all_logits = harness.logits(example.source, example.target)
    state = harness.begin(example.source)
    position = 0
    for length in chunks:
        outputs, state = harness.decode(example.target[:, position : position + length], state)
        expected = all_logits[:, position : position + length]
        np.testing.assert_allclose(outputs["logits"], expected, **TOLERANCE)
        position += length
    assert position == example.target.shape[1]


def test_attention_step_by_step_equals_teacher_forcing(harness: Any, example: Any, combination: Any) -> None:
    start = harness.begin(example.source)
    outputs, _ = harness.decode(example.target, start)
    assert ("attention" in outputs) == (combination.attention != "none")
    if "attention" not in outputs:
        return
    attention, steps, state = outputs["attention"], [], start
    for position in range(example.target.shape[1]):
        outputs, state = harness.decode(example.target[:, position : position + 1], state)
        steps.append(outputs["attention"])
    np.testing.assert_allclose(np.concatenate(steps, axis=1), attention, **TOLERANCE)
    for row, length in enumerate(example.source_lengths):
        assert not attention[row, :, length:].any()
        np.testing.assert_allclose(attention[row].sum(axis=-1), 1.0, rtol=1e-5)


def test_padding_changes_nothing(harness: Any, example: Any) -> None:
    expected = harness.logits(example.source, example.target)
    wider = example.padded(source=3, target=2)
    found = harness.logits(wider.source, wider.target)
    for row, length in enumerate(example.target_lengths):
        columns = expected.shape[-1]  # with copying, padding of the source adds columns
        np.testing.assert_allclose(found[row, :length, :columns], expected[row, :length], **TOLERANCE)
    state, wider_state = harness.begin(example.source), harness.begin(wider.source)
    for name, value in state.items():
        value, wider_value = np.asarray(value), np.asarray(wider_state[name])
        if wider_value.ndim == 4 and wider_value.shape[2] == wider.source.shape[1]:  # split into heads
            value, wider_value = np.moveaxis(value, 2, 1), np.moveaxis(wider_value, 2, 1)
        if wider_value.ndim > 1 and wider_value.shape[1] == wider.source.shape[1]:
            for row, length in enumerate(example.source_lengths):
                same = value[row, :length]
                unpadded = tuple(slice(size) for size in same.shape)  # with copying, also fewer columns
                np.testing.assert_allclose(wider_value[row][unpadded], same, **TOLERANCE)
        else:
            np.testing.assert_allclose(wider_value, value, **TOLERANCE)


def test_a_batch_equals_its_rows_one_by_one(harness: Any, example: Any) -> None:
    expected = harness.logits(example.source, example.target)
    for row, length in enumerate(example.target_lengths):
        single = harness.logits(example.source[row : row + 1], example.target[row : row + 1])
        np.testing.assert_allclose(single[0, :length], expected[row, :length], **TOLERANCE)


def test_the_source_changes_the_logits_unless_the_encoder_is_unused(
    harness: Any, example: Any, combination: Any
) -> None:
    other = example.source.copy()
    other[:, 0] = 8
    differs = not np.allclose(
        harness.logits(example.source, example.target), harness.logits(other, example.target), atol=1e-3
    )
    assert differs == (combination.source_affects_output or combination.tags)


def test_later_target_tokens_do_not_change_earlier_logits(harness: Any, example: Any, combination: Any) -> None:
    other = example.target.copy()
    other[:, 4:] = 3
    left, right = harness.logits(example.source, example.target), harness.logits(example.source, other)
    np.testing.assert_allclose(left[:, :4], right[:, :4], **TOLERANCE)
    reads_tokens = combination.reads != "context" or combination.attention == "monotonic"
    assert np.allclose(left[:, 4:], right[:, 4:], atol=1e-3) != reads_tokens
