"""The encoder of tags: the sum of their vectors, so their order does not matter, through a dense layer."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.embedding import TokenEmbedding
from passerelle.layers.matmul import dense
from passerelle.models.encoders.encoder import Encoded
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import UNK

__all__ = ["TagsEncoder"]


class TagsEncoder:
    """Owns the layers that read tags; its vector is as wide as the source's embedding.

    Args:
        name: of the field.
        spec: of the field: `size` ids.
        settings: of the network.
    """

    gives_vector = True

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        width = settings.encoder.embedding or settings.encoder.units
        self.vectors = TokenEmbedding(spec["size"] - UNK, width, first=UNK, name=f"{name}_embedding")
        self.dense = dense(width, activation="tanh", name=f"{name}_output")

    def __call__(self, ids: Any) -> Encoded:
        """Reads int (batch, tags), PAD after the last tag."""
        return Encoded(vector=self.dense(ops.sum(self.vectors(ids), axis=1)))  # PAD has a vector of zeros
