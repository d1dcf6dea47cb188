"""Recurrent layers by the name of their cell."""

from typing import Any

import keras

__all__ = ["STATE_NAMES", "recurrent_layer"]

STATE_NAMES = {"lstm": ("h", "c"), "gru": ("h",)}
"""A cell's states in Keras's order: h is what it says to the layers above, c what it keeps to itself."""

_LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def recurrent_layer(
    cell: str, units: int, *, dropout: float, name: str, bidirectional: bool = False, sequences: bool = True
) -> Any:
    """A layer (batch, length, width), [initial states] -> sequence (batch, length, units), then final states.

    Args:
        cell: a key of `STATE_NAMES`.
        units: width of the sequence and of each state, per direction.
        dropout: share of the input's values dropped in training, the same ones at every step.
        name: of the layer.
        bidirectional: whether a second layer reads from the end: the sequence is twice as wide, and the states of
            the forward layer stand before those of the backward layer.
        sequences: whether the whole sequence is wanted, and not only its end, (batch, units).
    """
    layer = _LAYERS[cell](units, dropout=dropout, return_sequences=sequences, return_state=True, name=name)
    return keras.layers.Bidirectional(layer, name=name) if bidirectional else layer
