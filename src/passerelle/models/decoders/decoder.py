"""The decoder: previous tokens or numbers, states, memory -> predictions, states. Training and search call it alike."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras import layers, ops

from passerelle.layers.broadcast import Broadcast
from passerelle.layers.dropout import Dropout
from passerelle.layers.step_inputs import StepInputs
from passerelle.layers.tied import SharedEmbedding
from passerelle.models.entry import entry, reads_numbers
from passerelle.models.heads import HEADS
from passerelle.models.heads.head import States
from passerelle.models.ids import first_target_column
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import UNK

__all__ = ["POSITION", "Decoder"]

POSITION = "decoder_position"
"""Name of the state with the number of steps before, int32 (batch,)."""


class Decoder:
    """Base class: owns the entry of what it has written, and the head; a subclass owns the layers between.

    Args:
        settings: settings of the network.
        name: name of the output field.
        spec: spec of the output field, see `models.specs.Specs`.
        vector_fields: names of the input fields whose vector every step reads.
        step_fields: names of the input fields of which each step reads an element.
        source_embedding: embedding layer of the source, whose table the decoder shares with `tie = "all"`.
        prefix: prefix of the layer names.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        name: str,
        spec: Mapping[str, Any],
        vector_fields: Sequence[str] = (),
        step_fields: Sequence[str] = (),
        source_embedding: Any = None,
        prefix: str = "",
    ):
        decoder = settings.decoder
        self.prefix = prefix
        self.vector_fields = tuple(vector_fields)
        self.step_fields = tuple(step_fields)
        self.settings = settings
        self.spec = spec
        self.reads_numbers = reads_numbers(spec)
        self.source_embedding = source_embedding
        self.embedding: Any = None
        if settings.tie == "all":
            self.embedding = SharedEmbedding(source_embedding, name=f"{name}_embedding")
        elif decoder.feedback:
            first = first_target_column(settings)
            self.embedding = entry(name, spec, decoder.embedding, first=first, limit=settings.embedding_init_range)
        self._build_layers()
        self.dropout = Dropout(settings.dropout, name=f"{prefix}output_dropout") if settings.dropout else None
        self.head = HEADS[spec["kind"]](settings, name, spec, self.embedding, prefix)

    def _build_layers(self) -> None:
        """Build the layers between the entry and the head."""
        raise NotImplementedError

    def initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        """Return the states before the first token.

        Args:
            encoder_states: the final states of the source's encoder, see `Encoded.states`.
            memory: the memory, see `MemoryBuilder`.
        """
        return self._initial_states(encoder_states, memory) | self.head.initial_states(memory)

    def _initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        """Return the states of the layers between the entry and the head."""
        raise NotImplementedError

    def state_shapes(self, states: States) -> dict[str, tuple[int | None, ...]]:
        """Return the shapes of the states that the inference decoder reads, by name.

        Args:
            states: the initial states, Keras tensors.
        """
        return {name: state.shape for name, state in states.items()}

    def __call__(self, previous: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Read T target tokens or vectors of numbers and predict the one after each.

        One call with the entire target (teacher forcing) gives the same logits as one call per token (search).

        Args:
            previous: int (batch, T), T at least 1. The first token of a target is START. The last one may be followed
                by PAD without a mask, because later tokens do not affect earlier steps. Ids of copied tokens, which are
                above those of the vocabulary, are read as UNK. For numbers, float (batch, T, width); the first vector
                of a target has only zeros.
            states: the states before the first of these tokens.
            memory: the memory, see `MemoryBuilder`.

        Returns:
            logits: float (batch, T, columns), unnormalized log probabilities; with copying float (batch, T,
                columns + S), normalized log probabilities in nats. For numbers the parameters of the head, float
                (batch, T, columns * parameters).
            states: the states after the last of these tokens, under the same names.
            weights: float (batch, T, S), attention weights; None without attention.
        """
        sequence, new_states, weights = self._run_layers(previous, states, memory)
        if self.dropout is not None:
            sequence = self.dropout(sequence)
        logits, head_states, weights = self.head(previous, sequence, states, memory, weights)
        return logits, new_states | head_states, weights

    def _run_layers(self, previous: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Call the layers between the entry and the head.

        Returns:
            The decoder output, float (batch, T, units); all states, the changed ones new; the attention weights of soft
            attention, float (batch, T, S), or None.
        """
        raise NotImplementedError

    def _vectors(self, states: States, memory: dict[str, Any]) -> dict[str, Any]:
        """Return the vectors that every step reads in addition to the token by name, float (batch, width) or None."""
        return {name: memory.get(f"memory_{name}") for name in ("context", *self.vector_fields)}

    def _inputs(self, previous: Any, states: States, memory: dict[str, Any], *, scaled: bool = False) -> Any:
        """Return the input of the first layer: the previous tokens or numbers, vectors and elements, (batch, T, width).

        Args:
            previous: see `__call__`.
            states: see `__call__`.
            memory: see `__call__`.
            scaled: whether to multiply embeddings by the square root of their width.
        """
        steps = previous[..., 0] if self.reads_numbers else previous
        if self.settings.copying:
            previous = ops.where(previous < self.spec["size"], previous, UNK)
        parts = []
        if self.embedding is not None:
            embedded = self.embedding(previous)
            is_scaled = scaled and not self.reads_numbers
            parts.append(embedded * math.sqrt(embedded.shape[-1]) if is_scaled else embedded)
        for name, vector in self._vectors(states, memory).items():
            if vector is not None:
                parts.append(Broadcast(name=f"{self.prefix}{name}_broadcast")(vector, steps))
        for name in self.step_fields:
            elements = StepInputs(name=f"{self.prefix}{name}_elements")
            parts.append(elements(memory[f"memory_{name}"], states[POSITION], steps))
        return layers.Concatenate(name=f"{self.prefix}decoder_input")(parts) if len(parts) > 1 else parts[0]
