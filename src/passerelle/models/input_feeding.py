"""A decoder whose steps need what the step before them found: the same function, one step at a time, in a scan."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

__all__ = ["StepByStep"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


class StepByStep(layers.Layer):
    """Calls a decoder for one token after another, handing its states on.

    Each dropped value is dropped in all steps of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287).

    Args:
        run: (ids int (batch, T), states, memory) -> (logits, states, weights), made of `parts`.
        parts: the layers that it calls.
        read: gives the variables that they read and do not own.
    """

    def __init__(
        self,
        run: Callable[[Any, Any, Any], Any],
        parts: list[Any],
        *,
        read: Callable[[], list[Any]] = list,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.run = run
        self.read = read
        self.parts = parts

    def build(self, input_shape: Any) -> None:
        """Nothing: `compute_output_spec`, which Keras calls first, builds the parts."""

    def compute_output_spec(self, ids: Any, states: Any, memory: Any, training: bool = False) -> Any:
        def one(array: Any) -> Any:
            return keras.KerasTensor(array.shape, dtype=array.dtype)

        first = keras.KerasTensor((ids.shape[0], 1), dtype=ids.dtype)
        logits, after, weights = self.run(
            first, keras.tree.map_structure(one, states), keras.tree.map_structure(one, memory)
        )
        whole = [
            keras.KerasTensor((ids.shape[0], ids.shape[1], array.shape[-1]), dtype=array.dtype)
            for array in (logits, weights)
        ]
        return whole[0], keras.tree.map_structure(one, after), whole[1]

    def call(self, ids: Any, states: Any, memory: Any, training: bool = False) -> Any:
        # The scan's own scope: dropout's seeds are used in it, and must not be changed from inside of a traced loop.
        values = [(variable, variable.value) for variable in [*self.variables, *self.read()]]

        def step(states: Any, token: Any) -> Any:
            with keras.StatelessScope(state_mapping=values):
                logits, states, weights = self.run(ops.expand_dims(token, 1), states, memory)
            return states, (logits[:, 0], weights[:, 0])

        states, found = ops.scan(step, states, ops.transpose(ids, (1, 0)))
        for variable in self.variables if training else ():  # the next sequences drop others
            if "seed" in variable.path:
                variable.assign(variable + ops.cast([0, 1], variable.dtype))
        logits, weights = (ops.transpose(array, (1, 0, 2)) for array in found)
        return logits, states, weights
