"""Input feeding: a scan that calls the decoder one step at a time, because each step needs the previous output."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

__all__ = ["StepByStep"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


class StepByStep(layers.Layer):
    """Calls a decoder token by token and passes its states on.

    The dropout masks are the same at all steps of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287).

    Args:
        run: the decoder: (ids int (batch, T) or numbers float (batch, T, width), states, memory) -> (logits, states,
            weights).
        parts: the layers that `run` calls.
        shared_variables: returns the variables that `run` reads but that belong to none of the `parts`.
        **kwargs: keyword arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        run: Callable[[Any, Any, Any], Any],
        parts: list[Any],
        *,
        shared_variables: Callable[[], list[Any]] = list,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.run = run
        self.shared_variables = shared_variables
        self.parts = parts

    def build(self, input_shape: Any) -> None:
        """Do nothing: Keras calls `compute_output_spec` first, which builds the parts."""

    def compute_output_spec(self, ids: Any, states: Any, memory: Any, training: bool = False) -> Any:
        def spec(array: Any) -> Any:
            return keras.KerasTensor(array.shape, dtype=array.dtype)

        one_step = keras.KerasTensor((ids.shape[0], 1, *ids.shape[2:]), dtype=ids.dtype)
        logits, new_states, weights = self.run(
            one_step, keras.tree.map_structure(spec, states), keras.tree.map_structure(spec, memory)
        )
        logits, weights = [
            keras.KerasTensor((ids.shape[0], ids.shape[1], array.shape[-1]), dtype=array.dtype)
            for array in (logits, weights)
        ]
        return logits, keras.tree.map_structure(spec, new_states), weights

    def call(self, ids: Any, states: Any, memory: Any, training: bool = False) -> Any:
        # The steps run in a StatelessScope: dropout changes its seeds, but a traced loop must not change variables.
        values = [(variable, variable.value) for variable in [*self.variables, *self.shared_variables()]]

        def step(states: Any, token: Any) -> Any:
            with keras.StatelessScope(state_mapping=values):
                logits, states, weights = self.run(ops.expand_dims(token, 1), states, memory)
            return states, (logits[:, 0], weights[:, 0])

        states, outputs = ops.scan(step, states, ops.swapaxes(ids, 0, 1))
        for variable in self.variables if training else ():  # the next call must use other masks
            if "seed" in variable.path:
                variable.assign(variable + ops.cast([0, 1], variable.dtype))
        logits, weights = (ops.transpose(array, (1, 0, 2)) for array in outputs)
        return logits, states, weights
