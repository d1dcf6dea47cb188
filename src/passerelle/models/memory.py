"""The memory: the arrays that each decoder step can read."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.attention import SplitHeads
from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.models.encoders.encoder import Encoded
from passerelle.settings import NetworkSettings

__all__ = ["MemoryBuilder", "sentence_vector"]


class MemoryBuilder:
    """Builds the memory of one output's decoder from the encoded inputs.

    Args:
        settings: settings of the network.
        prefix: prefix of the layer names.
    """

    def __init__(self, settings: NetworkSettings, prefix: str = ""):
        self.settings = settings
        units, kind = settings.decoder.units, settings.attention
        self.blocks: list[tuple[Any, Any]] = []
        self.keys = self.values = None
        if kind == "multi-head" and settings.decoder.kind == "transformer":
            self.split = SplitHeads(settings.heads, name=f"{prefix}attention_heads")
            self.blocks = [
                (
                    dense(units, use_bias=False, name=f"{prefix}attention_keys_{number}"),
                    dense(units, use_bias=False, name=f"{prefix}attention_values_{number}"),
                )
                for number in range(1, settings.decoder.layers + 1)
            ]
            return
        if kind not in ("none", "dot", "scaled-dot"):
            self.keys = dense(units, use_bias=False, name=f"{prefix}attention_keys")
        if kind == "monotonic":
            self.values = dense(units, use_bias=False, name=f"{prefix}emission_values")
        elif kind == "multi-head":
            self.values = dense(units, use_bias=False, name=f"{prefix}attention_values")

    def __call__(self, encoded: Mapping[str, Encoded], copies: Any = None) -> dict[str, Any]:
        """Build the memory.

        Args:
            encoded: the encoded inputs by field; the first one is the source.
            copies: int (batch, S), copy ids: the output's id of each source token; None without copying.

        Returns:
            Arrays by name, empty if the decoder reads only its own tokens and states:

            - with attention: `memory_mask`, bool (batch, S), True at source tokens; `memory_values`, float (batch, S,
              width, or decoder units with `multi-head` and `monotonic`); `memory_keys`, float (batch, S, decoder units,
              or width with `dot` and `scaled-dot`);
            - with the cross-attention of a Transformer decoder, instead of these keys and values, `memory_keys_N` and
              `memory_values_N` for each block N, float (batch, heads, S, decoder units / heads);
            - with copying: `memory_copies`, the argument `copies`;
            - with `decoder.context`: `memory_context`, float (batch, width), the sentence vector of the source;
            - for each field X whose encoder returns a vector: `memory_X`, float (batch, width); for each one whose
              encoder returns an element for each step, `memory_X`, float (batch, length, width).
        """
        source, *_ = encoded.values()
        memory = {}
        if self.settings.attention != "none":
            for number, (keys, values) in enumerate(self.blocks, 1):
                memory[f"memory_keys_{number}"] = self.split(keys(source.sequence))
                memory[f"memory_values_{number}"] = self.split(values(source.sequence))
            if not self.blocks:
                memory["memory_values"] = self.values(source.sequence) if self.values else source.sequence
                memory["memory_keys"] = self.keys(source.sequence) if self.keys else source.sequence
            memory["memory_mask"] = source.mask
        if copies is not None:
            memory["memory_copies"] = copies
        memory |= {f"memory_{name}": one.vector for name, one in encoded.items() if one.vector is not None}
        memory |= {f"memory_{name}": one.steps for name, one in encoded.items() if one.steps is not None}
        if self.settings.decoder.context:
            memory["memory_context"] = sentence_vector(source, self.settings)
        return memory


def sentence_vector(source: Encoded, settings: NetworkSettings) -> Any:
    """Return one vector for the source, float (batch, width).

    It is the last output of the top recurrent layer, with both directions concatenated, or the mean output of a
    Transformer.
    """
    outputs = source.states[-1][:: len(STATE_NAMES[settings.cell])]  # h of each direction, or the mean
    return ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
