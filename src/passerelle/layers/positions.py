"""Sinusoidal positions, which tell a network without recurrence the order of the tokens."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers

__all__ = ["Positions"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""

LONGEST_WAVE = 10_000.0
"""The longest wavelength is 2 pi times this number of tokens."""


@keras.saving.register_keras_serializable("passerelle")
class Positions(layers.Layer):
    """Add a vector of sines and cosines of the position to each token's vector. The layer has no weights.

    Any position has such a vector, so texts may be longer than those of training.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5. Deviation: the sines come first, then the cosines,
    instead of alternating.
    """

    def call(self, sequence: Any, position: Any = None, cache: Any = None) -> Any:
        """Add positions to float (batch, T, width).

        Args:
            sequence: the vectors of T consecutive tokens.
            position: int (batch,), the position of the first of these tokens in each row; None for 0.
            cache: float (batch, heads, L, any), the cache to which these tokens will be added, see `layers.cache`.
                Rows whose tokens do not fit into it become NaN, so that the mistake is visible. Without capacity
                (L = 0), these tokens must be the first ones.
        """
        _, tokens, width = sequence.shape
        count = math.ceil(width / 2)
        frequencies = (LONGEST_WAVE ** (-np.arange(count) / max(count - 1, 1))).astype("float32")
        places = ops.arange(tokens, dtype="int32")
        if position is None:
            return sequence + _waves(places, frequencies, width)
        capacity = cache.shape[2]
        position = ops.expand_dims(position, -1)
        fits = ops.expand_dims(position <= max(capacity - tokens, 0), -1)
        # Without capacity only position 0 is possible, so all rows have the same positions.
        waves = _waves(position + places if capacity else places, frequencies, width)
        return ops.where(fits, sequence + waves, math.nan)

    def compute_output_spec(self, sequence: Any, position: Any = None, cache: Any = None) -> Any:
        return keras.KerasTensor(sequence.shape, dtype=self.compute_dtype)


def _waves(places: Any, frequencies: np.ndarray, width: int) -> Any:
    """int (..., T) -> float (..., T, width)."""
    angles = ops.expand_dims(ops.cast(places, "float32"), -1) * frequencies
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)[..., :width]
