"""The entry of numbers into a network: a projection of vectors, as an embedding is for ids."""

from typing import Any

import keras
from keras import layers

from passerelle.layers.matmul import dense

__all__ = ["Projection", "is_present"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class Projection(layers.Layer):
    """A dense layer without activation: float (batch, length, columns) -> float (batch, length, width).

    The last column is 1 at elements of the sequence and 0 at padding.

    Args:
        width: width of the vectors; 0 returns the inputs unchanged.
        mask_padding: whether to give the next layers a mask that is False at padding (`mask_zero` in Keras).
    """

    def __init__(self, width: int, *, mask_padding: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width
        self.mask_padding = mask_padding
        self.supports_masking = True
        self.dense = dense(width, name="projection") if width else None

    def build(self, input_shape: Any) -> None:
        if self.dense is not None:
            self.dense.build(input_shape)

    def call(self, inputs: Any) -> Any:
        # A new array: Keras attaches the mask to the output, which must not be the array of the caller.
        return inputs * 1.0 if self.dense is None else self.dense(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask, bool (batch, length), False at padding; None if `mask_padding` is False."""
        return is_present(inputs) if self.mask_padding else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.width or input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"width": self.width, "mask_padding": self.mask_padding}


def is_present(numbers: Any) -> Any:
    """Return bool (batch, length), True at elements of a sequence of numbers and False at padding."""
    return ops.not_equal(numbers[..., -1], 0.0)
