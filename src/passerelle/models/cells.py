"""What the recurrent layers of encoders and decoders have in common."""

from typing import Any

from passerelle.settings import NetworkSettings

__all__ = ["recurrent_options"]


def recurrent_options(settings: NetworkSettings) -> dict[str, Any]:
    """Returns the arguments of `layers.recurrent.recurrent_layer` that are the same for every layer of a network."""
    names = ("dropout", "recurrent_dropout", "layer_norm", "recurrent_dtype")
    return {name: getattr(settings, name) for name in names}
