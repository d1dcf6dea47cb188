"""The function `recurrent_layer`: outputs, states and dropout."""

import numpy as np
import pytest

from passerelle.layers.recurrent import STATE_NAMES, recurrent_layer

PLAIN = {"dropout": 0.0, "recurrent_dtype": "float32", "one_hot": False, "name": "layer"}


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", STATE_NAMES)
def test_outputs_and_states(cell: str, bidirectional: bool, layer_norm: bool) -> None:
    layer = recurrent_layer(cell, 4, **PLAIN, bidirectional=bidirectional, layer_norm=layer_norm)
    inputs = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("f4")
    sequence, *states = layer(inputs)
    directions = 2 if bidirectional else 1
    assert sequence.shape == (2, 5, 4 * directions)
    assert [state.shape for state in states] == [(2, 4)] * len(STATE_NAMES[cell]) * directions
    # h, the first state of each direction, equals the last output of that direction.
    np.testing.assert_array_equal(sequence[:, -1, :4], states[0])
    if bidirectional:
        np.testing.assert_array_equal(sequence[:, 0, 4:], states[len(STATE_NAMES[cell])])


def test_layer_without_sequences_returns_the_last_output() -> None:
    inputs = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("f4")
    last, *states = recurrent_layer("gru", 4, **PLAIN, sequences=False)(inputs)
    assert last.shape == (2, 4)
    np.testing.assert_array_equal(last, states[0])


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("cell", STATE_NAMES)
def test_dropout_applies_in_training_only(cell: str, layer_norm: bool) -> None:
    inputs = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("f4")
    for rates in ({}, {"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        layer = recurrent_layer(cell, 4, **PLAIN | rates, layer_norm=layer_norm)
        sequence, *_ = layer(inputs)
        np.testing.assert_array_equal(layer(inputs)[0], sequence)
        assert np.array_equal(layer(inputs, training=True)[0], sequence) == (not rates)
