"""Target ids of any length, states, memory -> logits, states: one function for training and for translating."""

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
"""By name, each with leading axis batch: every layer's `decoder_1_h`, `decoder_1_c`, ..., and what attention keeps."""

ALIGNMENT, EMISSIONS, FED = "alignment", "emissions", "fed"


class Decoder:
    """Owns the layers that write the target.

    Args:
        settings: of the network.
        name: of the output field.
        columns: how many target ids can be read and written.
        vectors: names of the input fields whose vector every step reads.
        table: the layer of the source's vectors, which the target shares where all are tied.
        prefix: of its layers' names.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        name: str,
        columns: int,
        vectors: Sequence[str] = (),
        table: Any = None,
        prefix: str = "",
    ):
        own = settings.decoder
        first = first_target_column(settings)
        self.prefix = prefix
        self.input_vectors = tuple(vectors)
        self.settings = settings
        self.columns = columns
        self.size = first + columns
        self.vectors: Any = None
        if settings.tie == "all":
            self.vectors = SharedEmbedding(table, name=f"{name}_embedding")
        elif own.feedback:
            self.vectors = token_embedding(
                columns, own.embedding, first=first, side=name, limit=settings.embedding_init_range
            )
        one_hot = not (own.embedding or own.context or settings.input_feeding or vectors)
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                own.units,
                **options,
                one_hot=one_hot and number == 1,
                name=f"{prefix}decoder_{settings.cell}_{number}",
            )
            for number in range(1, own.layers + 1)
        ]
        self.attention: Any = None
        self.combine = None
        if settings.attention in SOFT_ATTENTION:
            self.attention = soft_attention(
                settings.attention, units=own.units, heads=settings.heads, name=f"{prefix}attention"
            )
            self.combine = dense(own.units, activation="tanh", name=f"{prefix}attention_output")
        self.dropout = Dropout(settings.dropout, name=f"{prefix}output_dropout") if settings.dropout else None
        self._make_output(first)
        self.stepper = None
        if settings.input_feeding:
            tied = settings.tie == "all"
            self.stepper = StepByStep(
                self._run, self._layers(), read=lambda: [table.table] if tied else [], name=f"{prefix}step_by_step"
            )

    def _make_output(self, first: int) -> None:
        """Makes the layers that write tokens: an output layer, tied or not, or monotonic attention; and copying."""
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
            self.output = TiedOutput(self.vectors, name=f"{prefix}output")
        if settings.copying and self.monotonic is None:
            self.copier = PointerGenerator(first=first, name=f"{prefix}pointer_generator")

    def _layers(self) -> list[Any]:
        own = [self.vectors, *self.recurrent, self.attention, self.combine, self.dropout, self.output, self.copier]
        return [layer for layer in own if layer is not None]

    def first_states(self, bridged: list[list[Any]], memory: dict[str, Any]) -> States:
        """The states before the first token.

        Args:
            bridged: for each layer its states from the bridge, (batch, units) each.
            memory: from the encoder.
        """
        names = STATE_NAMES[self.settings.cell]
        states = {
            f"decoder_{number}_{name}": state
            for number, layer in enumerate(bridged, 1)
            for name, state in zip(names, layer, strict=True)
        }
        if self.monotonic is not None:
            states[ALIGNMENT], states[EMISSIONS] = self.first_alignment(memory["memory_mask"])
        if self.stepper is not None:
            states[FED] = ZeroState(self.settings.decoder.units, name=f"{self.prefix}first_fed")(bridged[0][0])
        return states

    def __call__(self, target_ids: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Reads T target tokens, says which tokens come next.

        The whole target (teacher forcing) and one token at a time (search) give the same logits.

        Args:
            target_ids: int (batch, T), T at least 1; the first is START. PAD may follow the last token: what comes
                after does not change what came before, so no mask is needed. Ids past the vocabulary, copied tokens,
                are read as UNK.
            states: before the first token.
            memory: what the encoder left to look at, by name.

        Returns:
            logits: float (batch, T, columns), unnormalized log probabilities; with copying float
                (batch, T, columns + source_length), log probabilities.
            states: as given, after the last token.
            weights: float (batch, T, source_length), how much each step looked at each source token; None without
                attention.
        """
        return (self.stepper or self._run)(target_ids, states, memory)

    def _run(self, target_ids: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        after = dict(states)
        weights = context = None
        sequence = self._inputs(target_ids, states, memory)
        for number, layer in enumerate(self.recurrent, 1):
            below = sequence
            read = (
                below
                if context is None
                else layers.Concatenate(name=f"{self.prefix}decoder_input_{number}")([below, context])
            )
            names = [f"decoder_{number}_{name}" for name in STATE_NAMES[self.settings.cell]]
            sequence, *final = layer(read, initial_state=[states[name] for name in names])
            if self.settings.decoder.residual and number > 1 and below.shape == sequence.shape:
                sequence = layers.Add(name=f"{self.prefix}decoder_residual_{number}")([below, sequence])
            after |= zip(names, final, strict=True)
            asks = 1 if self.settings.query == "bottom" else len(self.recurrent)
            if self.attention is not None and number == asks:
                # The query is what a recurrent layer says, so the layers still run over the whole target in one call.
                context, weights = self.attention(
                    sequence, memory["memory_keys"], memory["memory_values"], memory["memory_mask"]
                )
        if self.combine is not None:
            sequence = self.combine(layers.Concatenate(name=f"{self.prefix}attention_input")([sequence, context]))
        if self.stepper is not None:
            after[FED] = sequence[:, -1]
        if self.dropout is not None:
            sequence = self.dropout(sequence)
        if self.monotonic is not None:
            logits, weights, after[ALIGNMENT], after[EMISSIONS] = self.monotonic(
                target_ids,
                sequence,
                memory["memory_keys"],
                memory["memory_values"],
                memory["memory_mask"],
                states[ALIGNMENT],
                states[EMISSIONS],
                *([memory["memory_copies"]] if self.settings.copying else []),
            )
            return logits, after, weights
        logits = self.output(sequence)
        if self.copier is not None:
            logits = self.copier(sequence, logits, weights, memory["memory_copies"])
        return logits, after, weights

    def _inputs(self, target_ids: Any, states: States, memory: dict[str, Any]) -> Any:
        """What the first layer reads: float (batch, T, width)."""
        if self.settings.copying:
            target_ids = ops.where(target_ids < self.size, target_ids, UNK)
        parts = [] if self.vectors is None else [self.vectors(target_ids)]
        beside = {name: memory.get(f"memory_{name}") for name in ("context", *self.input_vectors)} | {
            FED: states.get(FED)
        }
        for name, vector in beside.items():
            if vector is not None:
                parts.append(Broadcast(name=f"{self.prefix}{name}_broadcast")(vector, target_ids))
        return layers.Concatenate(name=f"{self.prefix}decoder_input")(parts) if len(parts) > 1 else parts[0]
