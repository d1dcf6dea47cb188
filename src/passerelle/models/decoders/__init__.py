"""Decoders of an output: one function (previous tokens or numbers, states, memory) -> (logits, states, weights)."""

from passerelle.models.decoders.decoder import Decoder
from passerelle.models.decoders.recurrent import RecurrentDecoder
from passerelle.models.decoders.transformer import TransformerDecoder

__all__ = ["DECODERS"]

DECODERS: dict[str, type[Decoder]] = {
    "recurrent": RecurrentDecoder,
    "transformer": TransformerDecoder,
}
"""Decoder class for each value of `decoder.kind`; see `Decoder` for the arguments."""
