"""The recurrent encoder: token ids -> a vector for each position, and final states."""

from collections.abc import Mapping
from typing import Any

from keras import layers, ops

from passerelle.layers.embedding import token_embedding
from passerelle.layers.recurrent import recurrent_layer
from passerelle.layers.reversal import Reverse
from passerelle.models.cells import recurrent_options
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.ids import first_source_column
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import PAD

__all__ = ["RecurrentEncoder"]


class RecurrentEncoder:
    """Owns the layers that read the source.

    Args:
        name: of the field.
        spec: of the field: `size` ids, of which the last `extra` have vectors that training leaves as they are.
        settings: of the network.
    """

    gives_vector = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        own = settings.encoder
        first = first_source_column(settings)
        self.settings = settings
        self.vectors = token_embedding(
            spec["size"] - first,
            own.embedding,
            first=first,
            side=name,
            limit=settings.embedding_init_range,
            mask_padding=True,
            fixed=spec["extra"],
        )
        self.reverse = Reverse(name="reverse") if own.direction == "backward" else None
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                own.units,
                **options,
                one_hot=not own.embedding and number == 1,
                name=f"encoder_{settings.cell}_{number}",
                bidirectional=width > own.units,
                sequences=number < own.layers or settings.attention != "none",
            )
            for number, width in enumerate(own.widths, 1)
        ]

    def __call__(self, ids: Any) -> Encoded:
        """Reads int (batch, length), PAD after the last token; `sequence` is None without attention."""
        mask = ops.not_equal(ids, PAD)
        sequence = self.vectors(self.reverse(ids, mask) if self.reverse else ids)
        states = []
        for number, layer in enumerate(self.recurrent, 1):
            below = sequence
            sequence, *final = layer(below)
            if self.settings.encoder.residual and number > 1 and below.shape == sequence.shape:
                sequence = layers.Add(name=f"encoder_residual_{number}")([below, sequence])
            states.append(final)
        if self.settings.attention == "none":
            return Encoded(states=states)
        return Encoded(self.reverse(sequence, mask) if self.reverse else sequence, mask, states)
