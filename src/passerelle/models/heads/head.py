"""The interface between heads and decoders."""

from collections.abc import Mapping
from typing import Any, Protocol

from passerelle.settings import NetworkSettings

__all__ = ["Head", "States"]

States = dict[str, Any]
"""Arrays by name, each with leading axis batch: `decoder_1_h`, `decoder_1_keys` and so on for each layer, and the
states of monotonic attention, input feeding and of the position."""


class Head(Protocol):
    """Owns the layers that predict one output from the output of the decoder's layers.

    Attributes:
        layers: the Keras layers, in order.
    """

    layers: list[Any]

    def __init__(self, settings: NetworkSettings, name: str, spec: Mapping[str, Any], embedding: Any, prefix: str):
        """Create the layers.

        Args:
            settings: settings of the network.
            name: name of the output field.
            spec: spec of the output field.
            embedding: the layer through which the decoder reads the output; None without feedback.
            prefix: prefix of the layer names.
        """
        ...

    def initial_states(self, memory: dict[str, Any]) -> States:
        """Return the states of the head before the first step; see `models.memory.MemoryBuilder`."""
        ...

    def __call__(
        self, previous: Any, sequence: Any, states: States, memory: dict[str, Any], weights: Any
    ) -> tuple[Any, States, Any]:
        """Predict T steps.

        Args:
            previous: what the decoder reads, (batch, T, ...).
            sequence: float (batch, T, units), the output of the decoder's layers.
            states: the states before the first of these steps.
            memory: the memory.
            weights: attention weights of the decoder's layers, float (batch, T, S), or None.

        Returns:
            The prediction, float (batch, T, columns); the new states of the head; the attention weights.
        """
        ...
