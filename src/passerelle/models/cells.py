"""Options that all recurrent layers of a network share."""

from typing import Any

from passerelle.settings import NetworkSettings

__all__ = ["recurrent_options"]


def recurrent_options(settings: NetworkSettings) -> dict[str, Any]:
    """Return the arguments of `layers.recurrent.recurrent_layer` that are the same for all layers of a network."""
    names = ("dropout", "recurrent_dropout", "layer_norm", "recurrent_dtype")
    return {name: getattr(settings, name) for name in names}
