"""The Transformer encoder: blocks of self-attention and a feed-forward network."""

import math
from collections.abc import Mapping
from typing import Any

from passerelle.layers.dropout import Dropout
from passerelle.layers.matmul import dense
from passerelle.layers.pooling import MaskedMean
from passerelle.layers.positions import Positions
from passerelle.layers.transformer import FeedForward, SelfAttention, layer_norm
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.entry import entry, is_element, reads_numbers
from passerelle.models.ids import first_source_column
from passerelle.settings import NetworkSettings

__all__ = ["TransformerEncoder"]


class TransformerEncoder:
    """Owns the embedding and the blocks that read the source.

    A Transformer has no final state. The mean of its outputs over the source tokens replaces it: for the bridge of a
    recurrent decoder, as the decoder's context and as sentence vector.

    Source: Vaswani et al. 2017, arXiv:1706.03762, with pre-norm sublayers (see `layers.transformer`). Before a
    recurrent decoder it is the hybrid of Chen et al. 2018, arXiv:1804.09849, section 5.

    Args:
        name: name of the field.
        spec: spec of the field, a text or a sequence of numbers, see `models.specs.Specs`.
        settings: settings of the network.
    """

    has_vector = False
    has_steps = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        encoder, rate = settings.encoder, settings.dropout
        self.settings = settings
        self.embedding = entry(
            name,
            spec,
            encoder.embedding,
            first=first_source_column(settings),
            limit=settings.embedding_init_range,
            fixed=spec.get("extra", 0),
        )
        self.scales_embedding = not reads_numbers(spec)
        self.projection = (
            None if encoder.embedding == encoder.units else dense(encoder.units, name="encoder_projection")
        )
        self.positions = Positions(name="encoder_positions")
        self.dropout = Dropout(rate, name="encoder_input_dropout") if rate else None
        numbers = range(1, encoder.layers + 1)
        self.self_attention = [
            SelfAttention(encoder.units, settings.heads, rate, name=f"encoder_self_attention_{number}")
            for number in numbers
        ]
        self.feed_forward = [
            FeedForward(encoder.units, encoder.feed_forward, rate, name=f"encoder_feed_forward_{number}")
            for number in numbers
        ]
        self.norm = layer_norm("encoder_norm")
        self.mean = MaskedMean(name="encoder_mean")

    def __call__(self, values: Any) -> Encoded:
        """Encode ids, int (batch, length), or numbers, float (batch, length, width); without attention, `sequence` is
        None.
        """
        mask = is_element(values)
        sequence = self.embedding(values)
        if self.scales_embedding:
            sequence = sequence * math.sqrt(sequence.shape[-1])
        if self.projection is not None:
            sequence = self.projection(sequence)
        sequence = self.positions(sequence)
        if self.dropout is not None:
            sequence = self.dropout(sequence)
        for self_attention, feed_forward in zip(self.self_attention, self.feed_forward, strict=True):
            sequence = feed_forward(self_attention(sequence, mask))
        sequence = self.norm(sequence)
        states = [[self.mean(sequence, mask)]]
        if self.settings.attention == "none":
            return Encoded(states=states)
        return Encoded(sequence, mask, states)
