"""The decoder: target ids, states, memory -> logits, states. Training and search call the same function."""

import math
from collections.abc import Sequence
from typing import Any

from keras import layers, ops

from passerelle.layers.broadcast import Broadcast
from passerelle.layers.copying import PointerGenerator
from passerelle.layers.dropout import Dropout
from passerelle.layers.embedding import token_embedding
from passerelle.layers.matmul import dense
from passerelle.layers.monotonic import FirstAlignment, MonotonicAttention
from passerelle.layers.tied import SharedEmbedding, TiedOutput
from passerelle.models.ids import first_target_column
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import UNK

__all__ = ["Decoder", "States"]

States = dict[str, Any]
"""Arrays by name, each with leading axis batch: `decoder_1_h`, `decoder_1_keys` and so on for each layer, and the
states of monotonic attention and input feeding."""

ALIGNMENT, EMISSIONS = "alignment", "emissions"


class Decoder:
    """Base class: owns the embedding, the output layer and monotonic attention; a subclass owns the layers between.

    Args:
        settings: settings of the network.
        name: name of the output field.
        columns: number of target ids that can be read and predicted.
        vector_fields: names of the input fields whose vector every step reads.
        source_embedding: embedding layer of the source, whose table the decoder shares with `tie = "all"`.
        prefix: prefix of the layer names.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        name: str,
        columns: int,
        vector_fields: Sequence[str] = (),
        source_embedding: Any = None,
        prefix: str = "",
    ):
        decoder = settings.decoder
        first = first_target_column(settings)
        self.prefix = prefix
        self.vector_fields = tuple(vector_fields)
        self.settings = settings
        self.columns = columns
        self.size = first + columns
        self.source_embedding = source_embedding
        self.embedding: Any = None
        if settings.tie == "all":
            self.embedding = SharedEmbedding(source_embedding, name=f"{name}_embedding")
        elif decoder.feedback:
            self.embedding = token_embedding(
                columns, decoder.embedding, first=first, side=name, limit=settings.embedding_init_range
            )
        self._build_layers()
        self.dropout = Dropout(settings.dropout, name=f"{prefix}output_dropout") if settings.dropout else None
        self._build_output(first)

    def _build_layers(self) -> None:
        """Build the layers between the embedding and the output layer."""
        raise NotImplementedError

    def _build_output(self, first: int) -> None:
        """Build the layers that predict tokens: an output layer or monotonic attention, and the pointer-generator."""
        settings, prefix = self.settings, self.prefix
        self.monotonic = self.copier = None
        self.output: Any = None
        if settings.attention == "monotonic":
            options = {"copying": settings.copying}
            self.monotonic = MonotonicAttention(
                self.columns, settings.decoder.units, first=first, name=f"{prefix}monotonic_attention", **options
            )
            self.first_alignment = FirstAlignment(self.columns, name=f"{prefix}first_alignment", **options)
        elif settings.tie == "none":
            self.output = dense(self.columns, name=f"{prefix}output")
        else:
            self.output = TiedOutput(self.embedding, name=f"{prefix}output")
        if settings.copying and self.monotonic is None:
            self.copier = PointerGenerator(first=first, name=f"{prefix}pointer_generator")

    def initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        """Return the states before the first token.

        Args:
            encoder_states: the final states of the source's encoder, see `Encoded.states`.
            memory: the memory, see `MemoryBuilder`.
        """
        states = self._initial_states(encoder_states, memory)
        if self.monotonic is not None:
            states[ALIGNMENT], states[EMISSIONS] = self.first_alignment(memory["memory_mask"])
        return states

    def _initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        """Return the states of the layers between the embedding and the output layer."""
        raise NotImplementedError

    def state_shapes(self, states: States) -> dict[str, tuple[int | None, ...]]:
        """Return the shapes of the states that the inference decoder reads, by name.

        Args:
            states: the initial states, Keras tensors.
        """
        return {name: state.shape for name, state in states.items()}

    def __call__(self, target_ids: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Read T target tokens and return the logits of each next token.

        One call with the entire target (teacher forcing) gives the same logits as one call per token (search).

        Args:
            target_ids: int (batch, T), T at least 1. The first token of a target is START. The last one may be followed
                by PAD without a mask, because later tokens do not affect earlier steps. Ids of copied tokens, which are
                above those of the vocabulary, are read as UNK.
            states: the states before the first of these tokens.
            memory: the memory, see `MemoryBuilder`.

        Returns:
            logits: float (batch, T, columns), unnormalized log probabilities; with copying float (batch, T,
                columns + S), normalized log probabilities in nats.
            states: the states after the last of these tokens, under the same names.
            weights: float (batch, T, S), attention weights; None without attention.
        """
        sequence, new_states, weights = self._run_layers(target_ids, states, memory)
        if self.dropout is not None:
            sequence = self.dropout(sequence)
        if self.monotonic is not None:
            logits, weights, new_states[ALIGNMENT], new_states[EMISSIONS] = self.monotonic(
                target_ids,
                sequence,
                memory["memory_keys"],
                memory["memory_values"],
                memory["memory_mask"],
                states[ALIGNMENT],
                states[EMISSIONS],
                *([memory["memory_copies"]] if self.settings.copying else []),
            )
            return logits, new_states, weights
        logits = self.output(sequence)
        if self.copier is not None:
            logits = self.copier(sequence, logits, weights, memory["memory_copies"])
        return logits, new_states, weights

    def _run_layers(self, target_ids: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Call the layers between the embedding and the output layer.

        Returns:
            The decoder output, float (batch, T, units); all states, the changed ones new; the attention weights of soft
            attention, float (batch, T, S), or None.
        """
        raise NotImplementedError

    def _vectors(self, states: States, memory: dict[str, Any]) -> dict[str, Any]:
        """Return the vectors that every step reads in addition to the token by name, float (batch, width) or None."""
        return {name: memory.get(f"memory_{name}") for name in ("context", *self.vector_fields)}

    def _inputs(self, target_ids: Any, states: States, memory: dict[str, Any], *, scaled: bool = False) -> Any:
        """Return the input of the first layer: the token's embedding and the vectors, float (batch, T, width).

        Args:
            target_ids: see `__call__`.
            states: see `__call__`.
            memory: see `__call__`.
            scaled: whether to multiply embeddings by the square root of their width.
        """
        if self.settings.copying:
            target_ids = ops.where(target_ids < self.size, target_ids, UNK)
        parts = []
        if self.embedding is not None:
            embedded = self.embedding(target_ids)
            parts.append(embedded * math.sqrt(embedded.shape[-1]) if scaled else embedded)
        for name, vector in self._vectors(states, memory).items():
            if vector is not None:
                parts.append(Broadcast(name=f"{self.prefix}{name}_broadcast")(vector, target_ids))
        return layers.Concatenate(name=f"{self.prefix}decoder_input")(parts) if len(parts) > 1 else parts[0]
