"""Encoders of numbers other than sequences: one vector for each row, or one for each step of the decoder."""

from collections.abc import Mapping
from typing import Any

from passerelle.layers.matmul import dense
from passerelle.models.encoders.encoder import Encoded
from passerelle.settings import NetworkSettings

__all__ = ["StepsEncoder", "VectorEncoder"]


class VectorEncoder:
    """A dense layer: float (batch, 1, columns) -> a vector, which every step reads.

    Args:
        name: name of the field.
        spec: spec of the field, see `models.specs.Specs`.
        settings: settings of the network; the vector has the width of the source's embedding.
    """

    has_vector = True
    has_steps = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        width = settings.encoder.embedding or settings.encoder.units
        self.dense = dense(width, activation="tanh", name=f"{name}_output")

    def __call__(self, numbers: Any) -> Encoded:
        return Encoded(vector=self.dense(numbers[:, 0]))


class StepsEncoder:
    """Passes numbers on: float (batch, length, columns) -> an element for each step of the decoder.

    Args:
        name: name of the field.
        spec: spec of the field, see `models.specs.Specs`.
        settings: settings of the network.
    """

    has_vector = False
    has_steps = True

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        pass

    def __call__(self, numbers: Any) -> Encoded:
        return Encoded(steps=numbers)
