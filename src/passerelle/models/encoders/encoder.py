"""The interface between encoders and the rest of the network."""

from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Encoded", "Encoder"]


@dataclass(frozen=True)
class Encoded:
    """The output of one input field's encoder.

    Attributes:
        sequence: float (batch, length, width), a vector for each position, to attend to; None if there is none.
        mask: bool (batch, length), True where `sequence` holds a position of the input.
        states: for each recurrent layer its final states, (batch, units) each: forward ones, then backward ones; what
            the bridge turns into the decoder's initial states. Empty if the encoder has none.
        vector: float (batch, width), a summary that every decoder step reads; None if there is none.
    """

    sequence: Any = None
    mask: Any = None
    states: list[list[Any]] = field(default_factory=list)
    vector: Any = None


class Encoder(Protocol):
    """Owns the layers that read one input field; made from its name, its spec and the network's settings.

    Attributes:
        gives_vector: whether `Encoded.vector` is there, which the decoder must know before its layers are made.
    """

    gives_vector: bool

    def __call__(self, values: Any, /) -> Encoded:
        """Reads the field's array: int (batch, length), PAD after the last, or float (batch, length, width)."""
        ...
