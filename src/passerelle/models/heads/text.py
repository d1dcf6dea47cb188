"""The head of text: logits of tokens by an output layer or by monotonic attention, and copying."""

from collections.abc import Mapping
from typing import Any

from passerelle.layers.copying import PointerGenerator
from passerelle.layers.matmul import dense
from passerelle.layers.monotonic import FirstAlignment, MonotonicAttention
from passerelle.layers.tied import TiedOutput
from passerelle.models.heads.head import States
from passerelle.models.ids import first_target_column
from passerelle.settings import NetworkSettings

__all__ = ["TextHead"]

ALIGNMENT, EMISSIONS = "alignment", "emissions"


class TextHead:
    """Owns an output layer or monotonic attention, and the pointer-generator. See `Head` for the arguments.

    It returns logits, float (batch, T, columns): unnormalized log probabilities. With copying they are normalized and
    have S more columns.
    """

    def __init__(self, settings: NetworkSettings, name: str, spec: Mapping[str, Any], embedding: Any, prefix: str):
        self.settings = settings
        first = first_target_column(settings)
        columns = spec["size"] - first
        self.monotonic = self.copier = None
        self.output: Any = None
        if settings.attention == "monotonic":
            options = {"copying": settings.copying}
            self.monotonic = MonotonicAttention(
                columns, settings.decoder.units, first=first, name=f"{prefix}monotonic_attention", **options
            )
            self.first_alignment = FirstAlignment(columns, name=f"{prefix}first_alignment", **options)
        elif settings.tie == "none":
            self.output = dense(columns, name=f"{prefix}output")
        else:
            self.output = TiedOutput(embedding, name=f"{prefix}output")
        if settings.copying and self.monotonic is None:
            self.copier = PointerGenerator(first=first, name=f"{prefix}pointer_generator")
        self.layers = [layer for layer in (self.output, self.copier) if layer is not None]

    def initial_states(self, memory: dict[str, Any]) -> States:
        """Return the states of monotonic attention; see `Head`."""
        if self.monotonic is None:
            return {}
        alignment, emissions = self.first_alignment(memory["memory_mask"])
        return {ALIGNMENT: alignment, EMISSIONS: emissions}

    def __call__(
        self, previous: Any, sequence: Any, states: States, memory: dict[str, Any], weights: Any
    ) -> tuple[Any, States, Any]:
        """Return the logits of the tokens, the new states and the attention weights; see `Head`."""
        if self.monotonic is not None:
            logits, weights, alignment, emissions = self.monotonic(
                previous,
                sequence,
                memory["memory_keys"],
                memory["memory_values"],
                memory["memory_mask"],
                states[ALIGNMENT],
                states[EMISSIONS],
                *([memory["memory_copies"]] if self.settings.copying else []),
            )
            return logits, {ALIGNMENT: alignment, EMISSIONS: emissions}, weights
        logits = self.output(sequence)
        if self.copier is not None:
            logits = self.copier(sequence, logits, weights, memory["memory_copies"])
        return logits, {}, weights
