"""The memory: everything of the inputs that each decoder step may look at."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.models.encoders.encoder import Encoded
from passerelle.settings import NetworkSettings

__all__ = ["MemoryBuilder", "last_output"]


class MemoryBuilder:
    """Owns the layers that prepare the encoded inputs for one output's decoder.

    Args:
        settings: of the network.
        prefix: of its layers' names.
    """

    def __init__(self, settings: NetworkSettings, prefix: str = ""):
        self.settings = settings
        units, kind = settings.decoder.units, settings.attention
        self.keys = None
        if kind not in ("none", "dot", "scaled-dot"):
            self.keys = dense(units, use_bias=False, name=f"{prefix}attention_keys")
        self.emissions = None
        if kind == "monotonic":
            self.emissions = dense(units, use_bias=False, name=f"{prefix}emission_values")

    def __call__(self, encoded: Mapping[str, Encoded], copies: Any = None) -> dict[str, Any]:
        """Makes the memory.

        Args:
            encoded: the inputs by field; the first one is the source.
            copies: int (batch, source_length), the output's id of each source token; of an output that copies.

        Returns:
            Arrays by name, empty if a decoder step looks at nothing. With attention `memory_values`, float (batch,
            source_length, width), `memory_keys`, float (batch, source_length, decoder units), and `memory_mask`, bool
            (batch, source_length), True where there is a token; `memory_copies`, as given; `memory_context`, float
            (batch, width), where every step reads the source's last state; and `memory_X`, float (batch, width), for
            every field X whose encoder gives a vector.
        """
        source, *_ = encoded.values()
        memory = {}
        if self.settings.attention != "none":
            memory["memory_values"] = self.emissions(source.sequence) if self.emissions else source.sequence
            memory["memory_keys"] = self.keys(source.sequence) if self.keys else source.sequence
            memory["memory_mask"] = source.mask
        if copies is not None:
            memory["memory_copies"] = copies
        memory |= {f"memory_{name}": own.vector for name, own in encoded.items() if own.vector is not None}
        if self.settings.decoder.context:
            memory["memory_context"] = last_output(source, self.settings)
        return memory


def last_output(source: Encoded, settings: NetworkSettings) -> Any:
    """float (batch, width): the last output of the encoder's last layer, forward and backward side by side."""
    outputs = source.states[-1][:: len(STATE_NAMES[settings.cell])]  # h of each direction
    return ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
