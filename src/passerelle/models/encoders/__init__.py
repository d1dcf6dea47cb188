"""Encoders by the kind of field that they read."""

from collections.abc import Callable, Mapping
from typing import Any

from passerelle.models.encoders.encoder import Encoder
from passerelle.models.encoders.recurrent import RecurrentEncoder
from passerelle.models.encoders.tags import TagsEncoder
from passerelle.settings import NetworkSettings

__all__ = ["ENCODERS"]

ENCODERS: dict[str, Callable[[str, Mapping[str, Any], NetworkSettings], Encoder]] = {
    "text": RecurrentEncoder,
    "tags": TagsEncoder,
}
"""By `Field.kind`: (name of the field, its spec, settings) -> its encoder."""
