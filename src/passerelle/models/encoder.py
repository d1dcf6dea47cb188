"""Source ids -> memory and final states."""

from typing import Any

from keras import ops

from passerelle.config import NetworkSettings
from passerelle.layers.initializers import dense
from passerelle.layers.recurrent import recurrent_layer
from passerelle.layers.symbols import symbol_vectors
from passerelle.symbols import PAD

__all__ = ["Encoder"]


class Encoder:
    """Owns the layers that read the source.

    Args:
        settings: of the whole network.
        columns: how many source ids have a vector.
        first: the id of the first of them.
    """

    def __init__(self, settings: NetworkSettings, *, columns: int, first: int):
        own = settings.encoder
        self.vectors = symbol_vectors(columns, own.embedding, first=first, side="source", mask_padding=True)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                own.units,
                dropout=settings.dropout,
                products=settings.products,
                one_hot=not own.embedding and number == 1,
                name=f"encoder_{settings.cell}_{number}",
                bidirectional=own.bidirectional,
                sequences=number < own.layers or settings.attention != "none",
            )
            for number in range(1, own.layers + 1)
        ]

        self.keys = None
        if settings.attention != "none":
            self.keys = dense(settings.decoder.units, use_bias=False, name="attention_keys")

    def __call__(self, source_ids: Any) -> tuple[dict[str, Any], list[list[Any]]]:
        """Reads the source.

        Args:
            source_ids: int (batch, source_length), PAD after the last symbol.

        Returns:
            memory: what the decoder looks at in each step, by name: with attention `memory_values`, float
                (batch, source_length, width), `memory_keys`, float (batch, source_length, decoder units), and
                `memory_mask`, bool (batch, source_length), True where a symbol stands; else nothing.
            states: for each layer its final states, (batch, units) each: forward ones, then backward ones.
        """
        sequence = self.vectors(source_ids)
        states = []
        for layer in self.recurrent:
            sequence, *final = layer(sequence)
            states.append(final)
        if self.keys is None:
            return {}, states
        return {
            "memory_values": sequence,
            "memory_keys": self.keys(sequence),
            "memory_mask": ops.not_equal(source_ids, PAD),
        }, states
