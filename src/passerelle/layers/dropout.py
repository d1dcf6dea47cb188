"""Dropout masks; on JAX from a hash of each value's place, for its own generator took a tenth of every update."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers

__all__ = ["Dropout", "dropout_mask"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def dropout_mask(like: Any, rate: float, seeds: keras.random.SeedGenerator) -> Any:
    """What values are multiplied by, in training: 0 for a share of them, and more than 1 for the rest.

    Args:
        like: float array of the mask's shape and dtype.
        rate: the share of zeros, 0 or more and less than 1. The others are 1 / (1 - rate), so that the mean stays.
        seeds: where from; each call takes its next seed.
    """
    if keras.backend.backend() != "jax":
        return keras.random.dropout(ops.ones_like(like), rate, seed=seeds)
    first, second = seeds.next()
    key = _hash(first ^ _hash(second))
    places = ops.reshape(ops.arange(math.prod(like.shape), dtype="uint32"), like.shape)
    kept = _hash(_hash(places + key) ^ first) >= np.uint32(rate * 2**32)
    return kept.astype(like.dtype) / (1 - rate)


def _hash(x: Any) -> Any:
    """uint32 -> uint32, one to one, each bit of the one near to half likely to turn each bit of the other.

    Wellons, "Prospecting for Hash Functions" (2018), https://nullprogram.com/blog/2018/07/31/, `lowbias32`.
    """
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


@keras.saving.register_keras_serializable("passerelle")
class Dropout(layers.Layer):
    """Drops a share of the values in training (Srivastava et al. 2014), each for itself; see `dropout_mask`.

    Args:
        rate: the share.
        seed: of the masks.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs * dropout_mask(inputs, self.rate, self.seed_generator) if training else inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate, "seed": self.seed}
