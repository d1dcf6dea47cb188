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
    """Owns the embedding and the recurrent layers that read the source.

    Args:
        name: name of the field.
        spec: spec of the field, with `size` and `extra`, see `models.specs.Specs`.
        settings: settings of the network.
    """

    has_vector = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        encoder = settings.encoder
        first = first_source_column(settings)
        self.settings = settings
        self.embedding = token_embedding(
            spec["size"] - first,
            encoder.embedding,
            first=first,
            side=name,
            limit=settings.embedding_init_range,
            mask_padding=True,
            fixed=spec["extra"],
        )
        self.reverse = Reverse(name="reverse") if encoder.direction == "backward" else None
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                encoder.units,
                **options,
                one_hot=not encoder.embedding and number == 1,
                name=f"encoder_{settings.cell}_{number}",
                bidirectional=width > encoder.units,
                sequences=number < encoder.layers or settings.attention != "none",
            )
            for number, width in enumerate(encoder.widths, 1)
        ]

    def __call__(self, ids: Any) -> Encoded:
        """Encode ids, int (batch, length), padded with PAD; `sequence` is None without attention."""
        mask = ops.not_equal(ids, PAD)
        sequence = self.embedding(self.reverse(ids, mask) if self.reverse else ids)
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
