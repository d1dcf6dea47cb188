"""Inputs with one element for each step of the decoder, such as known future numbers."""

from typing import Any

import keras
from keras import layers

__all__ = ["FirstStep", "StepInputs"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


@keras.saving.register_keras_serializable("passerelle")
class FirstStep(layers.Layer):
    """The number of steps before the first one: any array with leading axis batch -> zeros, int32 (batch,)."""

    def call(self, inputs: Any) -> Any:
        return ops.zeros((ops.shape(inputs)[0],), "int32")

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((inputs.shape[0],), dtype="int32")


@keras.saving.register_keras_serializable("passerelle")
class StepInputs(layers.Layer):
    """Select the elements of T consecutive steps; a step beyond the last element reads zeros."""

    def call(self, elements: Any, position: Any, steps: Any) -> Any:
        """Return float (batch, T, width).

        Args:
            elements: float (batch, length, width), the elements of all steps.
            position: int (batch,), the number of steps before the first one.
            steps: any array (batch, T).
        """
        index = ops.expand_dims(position, -1) + ops.arange(steps.shape[1], dtype="int32")  # (batch, T)
        length = elements.shape[1]
        selected = ops.take_along_axis(elements, ops.expand_dims(ops.clip(index, 0, length - 1), -1), axis=1)
        return ops.where(ops.expand_dims(index < length, -1), selected, 0.0)

    def compute_output_spec(self, elements: Any, position: Any, steps: Any) -> Any:
        return keras.KerasTensor((steps.shape[0], steps.shape[1], elements.shape[-1]), dtype=elements.dtype)
