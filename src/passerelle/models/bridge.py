"""The bridge: final encoder states -> initial decoder states."""

from typing import Any

import keras
from keras import layers, ops

from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.settings import NetworkSettings

__all__ = ["Bridge", "ZeroState"]


@keras.saving.register_keras_serializable("passerelle")
class ZeroState(layers.Layer):
    """An initial state of zeros: float (batch, any) -> zeros (batch, units)."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units

    def call(self, inputs: Any) -> Any:
        return ops.zeros_like(inputs[:, :1]) * ops.zeros((1, self.units), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


class Bridge:
    """Computes the initial states of the decoder from the final states of the encoder.

    There are three kinds. `copy` copies each encoder layer's states to the decoder layer at the same position, with the
    two directions of a bidirectional layer concatenated. `dense` computes each decoder state from the concatenation of
    all encoder states by a separate dense layer, with tanh for h, whose values are between -1 and 1, and without
    activation for c. Compare Bahdanau et al. 2014, arXiv:1409.0473, appendix A.2.2, where only the backward state is
    used. `zero` starts from zeros.

    Args:
        settings: settings of the network.
        prefix: prefix of the layer names.
    """

    def __init__(self, settings: NetworkSettings, prefix: str = ""):
        self.prefix = prefix
        self.kind = settings.bridge
        self.state_names = STATE_NAMES[settings.cell]
        self.layers = [
            [self._layer(settings.decoder.units, f"{prefix}bridge_{number}_{name}", name) for name in self.state_names]
            for number in range(1, settings.decoder.layers + 1)
        ]

    def _layer(self, units: int, label: str, state_name: str) -> layers.Layer | None:
        if self.kind == "dense":
            return dense(units, activation="tanh" if state_name == "h" else None, name=label)
        if self.kind == "zero":
            return ZeroState(units, name=label)
        return None

    def __call__(self, states: list[list[Any]]) -> list[list[Any]]:
        """Map the final states of each encoder layer to initial states of each decoder layer, (batch, units) each."""
        if self.kind == "copy":
            return [self._concatenate_directions(layer) for layer in states]
        all_states = [state for layer in states for state in layer]
        joined = (
            layers.Concatenate(name=f"{self.prefix}bridge_input")(all_states) if len(all_states) > 1 else all_states[0]
        )
        return [[layer(joined) for layer in row if layer is not None] for row in self.layers]

    def _concatenate_directions(self, states: list[Any]) -> list[Any]:
        count = len(self.state_names)
        if len(states) == count:
            return states
        return [ops.concatenate([states[index], states[count + index]], axis=-1) for index in range(count)]
