"""Encoders by the kind of field that they read."""

from collections.abc import Callable

from passerelle.models.encoders.encoder import Encoder
from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.models.encoders.tags import TagsEncoder

__all__ = ["ENCODERS"]

ENCODERS: dict[str, Callable[..., Encoder]] = {
    "text": RecurrentEncoder,
    "tags": TagsEncoder,
}
"""By `Field.kind`: (name of the field, its spec, settings) -> its encoder."""
