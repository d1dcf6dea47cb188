"""The memory: the arrays that each decoder step can read."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.models.encoders.encoder import Encoded
from passerelle.settings import NetworkSettings

__all__ = ["MemoryBuilder", "last_output"]


class MemoryBuilder:
    """Builds the memory of one output's decoder from the encoded inputs.

    Args:
        settings: settings of the network.
        prefix: prefix of the layer names.
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
        """Build the memory.

        Args:
            encoded: the encoded inputs by field; the first one is the source.
            copies: int (batch, S), copy ids: the output's id of each source token; None without copying.

        Returns:
            Arrays by name, empty if the decoder reads only its own tokens and states:

            - with attention: `memory_values`, float (batch, S, width); `memory_keys`, float (batch, S, decoder units,
              or width with `dot` and `scaled-dot`); `memory_mask`, bool (batch, S), True at source tokens;
            - with copying: `memory_copies`, the argument `copies`;
            - with `decoder.context`: `memory_context`, float (batch, width), the last output of the encoder;
            - for each field X whose encoder returns a vector: `memory_X`, float (batch, width).
        """
        source, *_ = encoded.values()
        memory = {}
        if self.settings.attention != "none":
            memory["memory_values"] = self.emissions(source.sequence) if self.emissions else source.sequence
            memory["memory_keys"] = self.keys(source.sequence) if self.keys else source.sequence
            memory["memory_mask"] = source.mask
        if copies is not None:
            memory["memory_copies"] = copies
        memory |= {f"memory_{name}": one.vector for name, one in encoded.items() if one.vector is not None}
        if self.settings.decoder.context:
            memory["memory_context"] = last_output(source, self.settings)
        return memory


def last_output(source: Encoded, settings: NetworkSettings) -> Any:
    """Return the last output of the encoder's top layer, float (batch, width), with both directions concatenated."""
    outputs = source.states[-1][:: len(STATE_NAMES[settings.cell])]  # h of each direction
    return ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
