"""Final encoder states -> initial decoder states, whatever the layers, directions and widths."""

from typing import Any

import keras
from keras import layers, ops

from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.settings import NetworkSettings

__all__ = ["Bridge", "ZeroState"]


@keras.saving.register_keras_serializable("passerelle")
class ZeroState(layers.Layer):
    """float (batch, any) -> zeros (batch, units): a state that knows nothing of the source."""

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
    """Makes the decoder's first states from the encoder's last.

    `copy` hands them over, the two directions of a state side by side. `dense` computes each decoder state from all
    encoder states together, through a layer of its own: tanh for h, whose values stay within 1, linear for c
    (compare Bahdanau et al. 2014, arXiv:1409.0473, appendix A.2.2, which uses the backward state alone). `zero`
    begins from nothing.
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
        """Takes each encoder layer's final states, gives each decoder layer's initial states, (batch, units)."""
        if self.kind == "copy":
            return [self._both_directions(layer) for layer in states]
        everything = [state for layer in states for state in layer]
        joined = (
            layers.Concatenate(name=f"{self.prefix}bridge_input")(everything) if len(everything) > 1 else everything[0]
        )
        return [[layer(joined) for layer in row if layer is not None] for row in self.layers]

    def _both_directions(self, states: list[Any]) -> list[Any]:
        kinds = len(self.state_names)
        if len(states) == kinds:
            return states
        return [ops.concatenate([states[kind], states[kinds + kind]], axis=-1) for kind in range(kinds)]
