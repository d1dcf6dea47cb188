"""The recurrent encoder: symmetry of its two directions."""

from typing import Any

import keras
import numpy as np
import pytest

from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.settings import NetworkSettings, validated


def encoder_model(settings: NetworkSettings) -> Any:
    source_ids = keras.Input((None,), dtype="int32")
    encoded = RecurrentEncoder("source", {"kind": "text", "size": 10, "extra": 0}, settings)(source_ids)
    return keras.Model(source_ids, {"values": encoded.sequence, "states": encoded.states})


def swapped(model: Any, units: int) -> list[np.ndarray]:
    """Return the weights of `model` with the directions of each recurrent layer swapped."""
    result = []
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.Bidirectional):
            half = len(weights) // 2
            weights = weights[half:] + weights[:half]
            if len(result) > 1 + half:  # above the first layer, swap the two halves of the input as well
                for kernel in (0, half):
                    weights[kernel] = np.roll(weights[kernel], units, axis=0)
        result += weights
    return result


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("gru", 2), ("lstm", 2)])
def test_reversed_source_and_swapped_directions_give_reversed_outputs(cell: str, layers: int) -> None:
    units = 4
    settings = validated(
        NetworkSettings,
        {
            "cell": cell,
            "attention": "general",
            "encoder": {"embedding": 4, "units": units, "layers": layers, "direction": "both"},
            "decoder": {"units": 4},
        },
    )
    plain, mirror = encoder_model(settings), encoder_model(settings)
    random = np.random.default_rng(3)
    plain.set_weights([random.normal(0, 0.5, w.shape) for w in plain.get_weights()])
    mirror.set_weights(swapped(plain, units))

    lengths = [6, 3, 1]
    source = np.zeros((3, 6), np.int32)
    mirrored = np.zeros_like(source)
    for row, length in enumerate(lengths):
        source[row, :length] = random.integers(1, 10, length)
        mirrored[row, :length] = source[row, :length][::-1]
    original, reflected = plain.predict(source, verbose=0), mirror.predict(mirrored, verbose=0)

    for row, length in enumerate(lengths):
        expected = np.roll(original["values"][row, :length][::-1], units, axis=-1)
        np.testing.assert_allclose(reflected["values"][row, :length], expected, rtol=1e-5, atol=1e-6)
    for left, right in zip(original["states"], reflected["states"], strict=True):
        half = len(left) // 2
        for state, other in zip([*left[half:], *left[:half]], right, strict=True):
            np.testing.assert_allclose(other, state, rtol=1e-5, atol=1e-6)
