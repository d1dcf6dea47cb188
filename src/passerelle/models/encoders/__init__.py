"""Encoders of the input fields, by kind of field."""

from collections.abc import Callable, Mapping
from typing import Any

from passerelle.models.encoders.encoder import Encoder
from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.models.encoders.tags import TagsEncoder
from passerelle.models.encoders.transformer import TransformerEncoder
from passerelle.settings import NetworkSettings

__all__ = ["ENCODERS", "TEXT_ENCODERS"]

TEXT_ENCODERS: dict[str, Callable[..., Encoder]] = {
    "recurrent": RecurrentEncoder,
    "transformer": TransformerEncoder,
}
"""Encoder class of texts for each value of `encoder.kind`."""


def _text_encoder(name: str, spec: Mapping[str, Any], settings: NetworkSettings) -> Encoder:
    return TEXT_ENCODERS[settings.encoder.kind](name, spec, settings)


ENCODERS: dict[str, Callable[..., Encoder]] = {
    "text": _text_encoder,
    "tags": TagsEncoder,
}
"""Function that creates the encoder for each `Field.kind`, from the name of the field, its spec and the settings."""
