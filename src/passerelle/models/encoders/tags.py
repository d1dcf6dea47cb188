"""The encoder of tags: a dense layer on the sum of the tags' vectors, so that their order does not matter."""

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
    """Owns the layers that read tags; its vector has the width of the source's embedding.

    Args:
        name: name of the field.
        spec: spec of the field, with `size`, see `models.specs.Specs`.
        settings: settings of the network.
    """

    has_vector = True
    has_steps = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: NetworkSettings):
        width = settings.encoder.embedding or settings.encoder.units
        self.embedding = TokenEmbedding(spec["size"] - UNK, width, first=UNK, name=f"{name}_embedding")
        self.dense = dense(width, activation="tanh", name=f"{name}_output")

    def __call__(self, ids: Any) -> Encoded:
        """Encode tag ids, int (batch, tags), padded with PAD."""
        return Encoded(vector=self.dense(ops.sum(self.embedding(ids), axis=1)))  # the vector of PAD is zero
