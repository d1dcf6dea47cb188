"""The head of numbers: a point, quantiles or a distribution for each number of a step."""

from collections.abc import Mapping
from typing import Any

from passerelle.layers.number_head import NumberHead
from passerelle.models.heads.head import States
from passerelle.settings import NetworkSettings

__all__ = ["NumbersHead"]


class NumbersHead:
    """Owns the layer that computes the parameters of each number. See `Head` for the arguments.

    It returns float (batch, T, columns * parameters), see `layers.number_head.NumberHead`.
    """

    def __init__(self, settings: NetworkSettings, name: str, spec: Mapping[str, Any], embedding: Any, prefix: str):
        self.output = NumberHead(spec["width"] - 1, settings.decoder.head, name=f"{prefix}output")
        self.layers: list[Any] = [self.output]

    def initial_states(self, memory: dict[str, Any]) -> States:
        """Return no states; see `Head`."""
        return {}

    def __call__(
        self, previous: Any, sequence: Any, states: States, memory: dict[str, Any], weights: Any
    ) -> tuple[Any, States, Any]:
        """Return the parameters, no states, and the attention weights; see `Head`."""
        return self.output(sequence), {}, weights
