"""The bridge: final encoder states -> initial decoder states."""

from typing import Any

import numpy as np
import pytest

from passerelle.models.bridge import Bridge, ZeroState
from passerelle.settings import NetworkSettings, validated


def states(random: np.random.Generator, layers: int, per_layer: int, width: int) -> list[list[Any]]:
    return [[random.normal(size=(2, width)).astype("f4") for _ in range(per_layer)] for _ in range(layers)]


def bridge(**settings: Any) -> Bridge:
    return Bridge(validated(NetworkSettings, settings))


def test_copy_returns_the_states_of_each_layer_unchanged() -> None:
    encoder_states = states(np.random.default_rng(1), layers=2, per_layer=2, width=4)
    sizes = {"units": 4, "layers": 2}
    decoder_states = bridge(cell="lstm", bridge="copy", encoder=sizes, decoder=sizes)(encoder_states)
    for before, after in zip(encoder_states, decoder_states, strict=True):
        for left, right in zip(before, after, strict=True):
            np.testing.assert_array_equal(left, right)


def test_copy_concatenates_the_two_directions() -> None:
    forward_h, forward_c, backward_h, backward_c = states(np.random.default_rng(1), 1, 4, 3)[0]
    copy_bridge = bridge(cell="lstm", bridge="copy", encoder={"units": 3, "direction": "both"}, decoder={"units": 6})
    ((h, c),) = copy_bridge([[forward_h, forward_c, backward_h, backward_c]])
    np.testing.assert_array_equal(h, np.concatenate([forward_h, backward_h], axis=-1))
    np.testing.assert_array_equal(c, np.concatenate([forward_c, backward_c], axis=-1))


def test_dense_computes_each_state_from_all_encoder_states() -> None:
    encoder_states = states(np.random.default_rng(1), layers=2, per_layer=2, width=4)
    dense_bridge = bridge(cell="lstm", encoder={"units": 4, "layers": 2}, decoder={"units": 3, "layers": 1})
    ((h, c),) = dense_bridge(encoder_states)
    all_states = np.concatenate([state for layer in encoder_states for state in layer], axis=-1)
    for state, layer, activation in (
        (h, dense_bridge.layers[0][0], np.tanh),
        (c, dense_bridge.layers[0][1], lambda x: x),
    ):
        assert layer is not None
        kernel, bias = (np.asarray(weight) for weight in layer.weights)
        np.testing.assert_allclose(state, activation(all_states @ kernel + bias), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [0.5, np.inf, np.nan])
def test_zero_state_is_zero_for_any_input(value: float) -> None:
    found = np.asarray(ZeroState(3)(np.full((2, 5), value, "f4")))
    np.testing.assert_array_equal(found, np.zeros((2, 3)))
