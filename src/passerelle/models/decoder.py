"""The decoder: target ids, states, memory -> logits, states. Training and search call the same function."""

from collections.abc import Sequence
from typing import Any

from keras import layers, ops

from passerelle.layers.attention import soft_attention
from passerelle.layers.broadcast import Broadcast
from passerelle.layers.copying import PointerGenerator
from passerelle.layers.dropout import Dropout
from passerelle.layers.embedding import token_embedding
from passerelle.layers.matmul import dense
from passerelle.layers.monotonic import FirstAlignment, MonotonicAttention
from passerelle.layers.recurrent import STATE_NAMES, recurrent_layer
from passerelle.layers.tied import SharedEmbedding, TiedOutput
from passerelle.models.bridge import ZeroState
from passerelle.models.cells import recurrent_options
from passerelle.models.ids import first_target_column
from passerelle.models.input_feeding import StepByStep
from passerelle.settings import SOFT_ATTENTION, NetworkSettings
from passerelle.special_tokens import UNK

__all__ = ["Decoder"]

States = dict[str, Any]
"""Arrays by name, each with leading axis batch: `decoder_1_h`, `decoder_1_c` and so on for each layer, and the states
of monotonic attention and input feeding."""

ALIGNMENT, EMISSIONS, FED = "alignment", "emissions", "fed"


class Decoder:
    """Owns the layers of the decoder, including attention and the output layer.

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
        self.embedding: Any = None
        if settings.tie == "all":
            self.embedding = SharedEmbedding(source_embedding, name=f"{name}_embedding")
        elif decoder.feedback:
            self.embedding = token_embedding(
                columns, decoder.embedding, first=first, side=name, limit=settings.embedding_init_range
            )
        one_hot = not (decoder.embedding or decoder.context or settings.input_feeding or vector_fields)
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                decoder.units,
                **options,
                one_hot=one_hot and number == 1,
                name=f"{prefix}decoder_{settings.cell}_{number}",
            )
            for number in range(1, decoder.layers + 1)
        ]
        self.attention: Any = None
        self.combine = None
        if settings.attention in SOFT_ATTENTION:
            self.attention = soft_attention(
                settings.attention, units=decoder.units, heads=settings.heads, name=f"{prefix}attention"
            )
            self.combine = dense(decoder.units, activation="tanh", name=f"{prefix}attention_output")
        self.dropout = Dropout(settings.dropout, name=f"{prefix}output_dropout") if settings.dropout else None
        self._build_output(first)
        self.step_by_step = None
        if settings.input_feeding:
            tied = settings.tie == "all"
            self.step_by_step = StepByStep(
                self._run,
                self._layers(),
                shared_variables=lambda: [source_embedding.table] if tied else [],
                name=f"{prefix}step_by_step",
            )

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

    def _layers(self) -> list[Any]:
        parts = [self.embedding, *self.recurrent, self.attention, self.combine, self.dropout, self.output, self.copier]
        return [layer for layer in parts if layer is not None]

    def initial_states(self, bridged: list[list[Any]], memory: dict[str, Any]) -> States:
        """Return the states before the first token.

        Args:
            bridged: for each recurrent layer its initial states from the bridge, (batch, units) each.
            memory: the memory, see `MemoryBuilder`.
        """
        names = STATE_NAMES[self.settings.cell]
        states = {
            f"decoder_{number}_{name}": state
            for number, layer in enumerate(bridged, 1)
            for name, state in zip(names, layer, strict=True)
        }
        if self.monotonic is not None:
            states[ALIGNMENT], states[EMISSIONS] = self.first_alignment(memory["memory_mask"])
        if self.step_by_step is not None:
            states[FED] = ZeroState(self.settings.decoder.units, name=f"{self.prefix}first_fed")(bridged[0][0])
        return states

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
        return (self.step_by_step or self._run)(target_ids, states, memory)

    def _run(self, target_ids: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        new_states = dict(states)
        weights = context = None
        sequence = self._inputs(target_ids, states, memory)
        for number, layer in enumerate(self.recurrent, 1):
            below = sequence
            layer_input = (
                below
                if context is None
                else layers.Concatenate(name=f"{self.prefix}decoder_input_{number}")([below, context])
            )
            names = [f"decoder_{number}_{name}" for name in STATE_NAMES[self.settings.cell]]
            sequence, *final = layer(layer_input, initial_state=[states[name] for name in names])
            if self.settings.decoder.residual and number > 1 and below.shape == sequence.shape:
                sequence = layers.Add(name=f"{self.prefix}decoder_residual_{number}")([below, sequence])
            new_states |= zip(names, final, strict=True)
            query_layer = 1 if self.settings.query == "bottom" else len(self.recurrent)
            if self.attention is not None and number == query_layer:
                # The query is the output of a recurrent layer, so each layer still runs over all steps in one call.
                context, weights = self.attention(
                    sequence, memory["memory_keys"], memory["memory_values"], memory["memory_mask"]
                )
        if self.combine is not None:
            sequence = self.combine(layers.Concatenate(name=f"{self.prefix}attention_input")([sequence, context]))
        if self.step_by_step is not None:
            new_states[FED] = sequence[:, -1]
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

    def _inputs(self, target_ids: Any, states: States, memory: dict[str, Any]) -> Any:
        """Return the input of the first recurrent layer, float (batch, T, width)."""
        if self.settings.copying:
            target_ids = ops.where(target_ids < self.size, target_ids, UNK)
        parts = [] if self.embedding is None else [self.embedding(target_ids)]
        vectors = {name: memory.get(f"memory_{name}") for name in ("context", *self.vector_fields)} | {
            FED: states.get(FED)
        }
        for name, vector in vectors.items():
            if vector is not None:
                parts.append(Broadcast(name=f"{self.prefix}{name}_broadcast")(vector, target_ids))
        return layers.Concatenate(name=f"{self.prefix}decoder_input")(parts) if len(parts) > 1 else parts[0]
