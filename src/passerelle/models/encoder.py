"""Source ids -> memory and final states."""

from typing import Any

from keras import layers, ops

from passerelle.layers.embedding import TokenEmbedding, token_embedding
from passerelle.layers.products import dense
from passerelle.layers.recurrent import STATE_NAMES, recurrent_layer
from passerelle.layers.reversal import Reverse
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import PAD, UNK

__all__ = ["Encoder", "TagEncoder"]


class Encoder:
    """Owns the layers that read the source.

    Args:
        settings: of the whole network.
        columns: how many source ids have a vector.
        first: the id of the first of them.
        tag_size: ids of the tags that have an encoder of their own; 0 for none.
        fixed: how many of the last columns have vectors that training leaves alone.
    """

    def __init__(self, settings: NetworkSettings, *, columns: int, first: int, tag_size: int = 0, fixed: int = 0):
        own = settings.encoder
        self.settings = settings
        self.vectors = token_embedding(
            columns,
            own.embedding,
            first=first,
            side="source",
            limit=settings.embedding_init_range,
            mask_padding=True,
            fixed=fixed,
        )
        self.reverse = Reverse(name="reverse") if own.direction == "backward" else None
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                own.units,
                dropout=settings.dropout,
                recurrent_dropout=settings.recurrent_dropout,
                layer_norm=settings.layer_norm,
                recurrent_dtype=settings.recurrent_dtype,
                one_hot=not own.embedding and number == 1,
                name=f"encoder_{settings.cell}_{number}",
                bidirectional=width > own.units,
                sequences=number < own.layers or settings.attention != "none",
            )
            for number, width in enumerate(own.widths, 1)
        ]
        self.tags = TagEncoder(tag_size, own.embedding or own.units) if tag_size else None
        units = settings.decoder.units
        kind = settings.attention
        self.keys = (
            None if kind in ("none", "dot", "scaled-dot") else dense(units, use_bias=False, name="attention_keys")
        )
        self.emissions = dense(units, use_bias=False, name="emission_values") if kind == "monotonic" else None

    def __call__(
        self, source_ids: Any, copies: Any = None, tag_ids: Any = None
    ) -> tuple[dict[str, Any], list[list[Any]]]:
        """Reads the source.

        Args:
            source_ids: int (batch, source_length), PAD after the last token.
            copies: int (batch, source_length), the target id of each source token; for a copying network.
            tag_ids: int (batch, tags), PAD after the last tag; where tags have an encoder of their own.

        Returns:
            memory: what the decoder looks at in each step, by name: with attention `memory_values`, float
                (batch, source_length, width), `memory_keys`, float (batch, source_length, decoder units), and
                `memory_mask`, bool (batch, source_length), True where a token stands; `memory_copies`, as given;
                `memory_context`, float (batch, width), where every step is given the last state; `memory_tags`,
                float (batch, width), what the tags say.
            states: for each layer its final states, (batch, units) each: forward ones, then backward ones.
        """
        mask = ops.not_equal(source_ids, PAD)
        sequence = self.vectors(self.reverse(source_ids, mask) if self.reverse else source_ids)
        states = []
        for number, layer in enumerate(self.recurrent, 1):
            below = sequence
            sequence, *final = layer(below)
            if self.settings.encoder.residual and number > 1 and below.shape == sequence.shape:
                sequence = layers.Add(name=f"encoder_residual_{number}")([below, sequence])
            states.append(final)
        memory = {}
        if self.settings.attention != "none":
            sequence = self.reverse(sequence, mask) if self.reverse else sequence
            memory["memory_values"] = self.emissions(sequence) if self.emissions else sequence
            memory["memory_keys"] = self.keys(sequence) if self.keys else sequence
            memory["memory_mask"] = mask
        if copies is not None:
            memory["memory_copies"] = copies
        if self.tags is not None:
            memory["memory_tags"] = self.tags(tag_ids)
        if self.settings.decoder.context:
            kinds = len(STATE_NAMES[self.settings.cell])
            last = states[-1][::kinds]  # h of each direction
            memory["memory_context"] = ops.concatenate(last, axis=-1) if len(last) > 1 else last[0]
        return memory, states


class TagEncoder:
    """Owns the layers that read tags: their vectors' sum, in whatever order they stand, through a dense layer.

    Args:
        size: ids of the tags.
        width: of what it says.
    """

    def __init__(self, size: int, width: int):
        self.vectors = TokenEmbedding(size - UNK, width, first=UNK, name="tag_embedding")
        self.dense = dense(width, activation="tanh", name="tag_output")

    def __call__(self, tag_ids: Any) -> Any:
        """int (batch, tags), PAD after the last -> float (batch, width)."""
        return self.dense(ops.sum(self.vectors(tag_ids), axis=1))  # PAD has a vector of zeros
