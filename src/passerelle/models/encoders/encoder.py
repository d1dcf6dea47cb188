"""The interface between encoders and the rest of the network."""

from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Encoded", "Encoder"]


@dataclass(frozen=True)
class Encoded:
    """The output of one input field's encoder.

    Attributes:
        sequence: float (batch, length, width), a vector for each position, for attention; None if there is none.
        mask: bool (batch, length), True at positions of the input, False at padding.
        states: for each recurrent layer its final states, (batch, units) each, those of the forward direction first; of
            a Transformer, one list with its mean output. The bridge computes the initial states of a recurrent decoder
            from them. Empty if the encoder has none.
        vector: float (batch, width), a summary vector that every decoder step reads; None if there is none.
        steps: float (batch, length, width), of which decoder step t reads element t; None if there are none.
    """

    sequence: Any = None
    mask: Any = None
    states: list[list[Any]] = field(default_factory=list)
    vector: Any = None
    steps: Any = None


class Encoder(Protocol):
    """Owns the layers that read one input field; created from its name, its spec and the network settings.

    Attributes:
        has_vector: whether `Encoded.vector` is set. The decoder needs this to create its layers.
        has_steps: whether `Encoded.steps` is set.
    """

    has_vector: bool
    has_steps: bool

    def __call__(self, values: Any, /) -> Encoded:
        """Encode the field's array: ids, int (batch, length), padded with PAD, or float (batch, length, width)."""
        ...
