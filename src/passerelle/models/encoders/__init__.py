"""Encoders of the input fields, by kind of field."""

from collections.abc import Callable

from passerelle.models.encoders.encoder import Encoder
from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.models.encoders.tags import TagsEncoder

__all__ = ["ENCODERS"]

ENCODERS: dict[str, Callable[..., Encoder]] = {
    "text": RecurrentEncoder,
    "tags": TagsEncoder,
}
"""Encoder class for each `Field.kind`, called with the name of the field, its spec and the network settings."""
