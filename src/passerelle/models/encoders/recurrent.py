"""The recurrent encoder: token ids or numbers -> a vector for each position, and final states."""

from collections.abc import Mapping
from typing import Any

from keras import layers

from passerelle.layers.recurrent import recurrent_layer
from passerelle.layers.reversal import Reverse
from passerelle.models.cells import recurrent_options
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.entry import entry, is_element, reads_numbers
from passerelle.models.ids import first_source_column
from passerelle.settings import NetworkSettings

__all__ = ["RecurrentEncoder"]


class RecurrentEncoder:
    """Owns the embedding and the recurrent layers that read the source.

    Args:
        name: name of the field.
        spec: spec of the field, a text or a sequence of numbers, see `models.specs.Specs`.
        settings: settings of the network.
    """

    has_vector = False
    has_steps = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        encoder = settings.encoder
        self.settings = settings
        self.embedding = entry(
            name,
            spec,
            encoder.embedding,
            first=first_source_column(settings),
            limit=settings.embedding_init_range,
            mask_padding=True,
            fixed=spec.get("extra", 0),
        )
        self.reverse = Reverse(name="reverse") if encoder.direction == "backward" else None
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                encoder.units,
                **options,
                one_hot=not encoder.embedding and number == 1 and not reads_numbers(spec),
                name=f"encoder_{settings.cell}_{number}",
                bidirectional=width > encoder.units,
                sequences=number < encoder.layers or settings.attention != "none",
            )
            for number, width in enumerate(encoder.widths, 1)
        ]

    def __call__(self, values: Any) -> Encoded:
        """Encode ids, int (batch, length), or numbers, float (batch, length, width); without attention, `sequence` is
        None.
        """
        mask = is_element(values)
        sequence = self.embedding(self.reverse(values, mask) if self.reverse else values)
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
