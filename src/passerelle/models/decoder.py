"""Target ids of any length, states, memory -> logits, states: one function for teaching and for translating."""

from typing import Any

from keras import layers

from passerelle.config import NetworkSettings
from passerelle.layers.attention import GeneralAttention
from passerelle.layers.initializers import dense
from passerelle.layers.recurrent import recurrent_layer
from passerelle.layers.symbols import symbol_vectors

__all__ = ["Decoder"]


class Decoder:
    """Owns the layers that write the target.

    Args:
        settings: of the whole network.
        columns: how many target ids can be read and written.
        first: the id of the first of them.
    """

    def __init__(self, settings: NetworkSettings, *, columns: int, first: int):
        own = settings.decoder
        self.vectors = symbol_vectors(columns, own.embedding, first=first, side="target")
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                own.units,
                dropout=settings.dropout,
                products=settings.products,
                one_hot=not own.embedding and number == 1,
                name=f"decoder_{settings.cell}_{number}",
            )
            for number in range(1, own.layers + 1)
        ]
        self.attention = self.combine = None
        if settings.attention != "none":
            self.attention = GeneralAttention(name="attention")
            self.combine = dense(own.units, activation="tanh", name="attention_output")
        self.dropout = layers.Dropout(settings.dropout, name="output_dropout") if settings.dropout else None
        self.output = dense(columns, name="output")

    def __call__(
        self, target_ids: Any, states: list[list[Any]], memory: dict[str, Any]
    ) -> tuple[Any, list[list[Any]], Any]:
        """Reads T target symbols, says which symbols come next.

        The whole target (teacher forcing) and one symbol at a time (search) give the same logits.

        Args:
            target_ids: int (batch, T), T at least 1; the first is START. PAD may follow the last symbol: what comes
                after does not change what came before, so no mask is needed.
            states: for each layer its states before the first symbol, (batch, units) each.
            memory: what the encoder left to look at, by name.

        Returns:
            logits: float (batch, T, columns), unnormalized log probabilities.
            states: as given, after the last symbol.
            weights: float (batch, T, source_length), how much each step looked at each source symbol; None without
                attention.
        """
        sequence = self.vectors(target_ids)
        after = []
        for layer, before in zip(self.recurrent, states, strict=True):
            sequence, *final = layer(sequence, initial_state=before)
            after.append(final)
        weights = None
        if self.attention is not None and self.combine is not None:
            # The query is what the recurrent layers say, so they still run over the whole target in one call.
            context, weights = self.attention(
                sequence, memory["memory_keys"], memory["memory_values"], memory["memory_mask"]
            )
            sequence = self.combine(layers.Concatenate(name="attention_input")([sequence, context]))
        if self.dropout is not None:
            sequence = self.dropout(sequence)
        return self.output(sequence), after, weights
