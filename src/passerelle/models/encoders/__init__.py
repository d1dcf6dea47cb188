"""Encoders of the input fields, by kind of field."""

from collections.abc import Callable, Mapping
from typing import Any

from passerelle.models.encoders.encoder import Encoder
from passerelle.models.encoders.numbers import StepsEncoder, VectorEncoder
from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.models.encoders.tags import TagsEncoder
from passerelle.models.encoders.transformer import TransformerEncoder
from passerelle.settings import NetworkSettings

__all__ = ["ENCODERS", "SEQUENCE_ENCODERS"]

SEQUENCE_ENCODERS: dict[str, Callable[..., Encoder]] = {
    "recurrent": RecurrentEncoder,
    "transformer": TransformerEncoder,
}
"""Encoder class of texts and of sequences of numbers for each value of `encoder.kind`."""


def _sequence_encoder(name: str, spec: Mapping[str, Any], settings: NetworkSettings) -> Encoder:
    return SEQUENCE_ENCODERS[settings.encoder.kind](name, spec, settings)


def _number_encoder(name: str, spec: Mapping[str, Any], settings: NetworkSettings) -> Encoder:
    encoder = {"vector": VectorEncoder, "steps": StepsEncoder}.get(spec["use"], _sequence_encoder)
    return encoder(name, spec, settings)


ENCODERS: dict[str, Callable[..., Encoder]] = {
    "text": _sequence_encoder,
    "tags": TagsEncoder,
    "numbers": _number_encoder,
}
"""Function that creates the encoder for each `Field.kind`, from the name of the field, its spec and the settings."""
