"""Encoding: one vector per text, from the encoder."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.data.rows import padded_inputs, row_batches
from passerelle.fields.signature import Signature
from passerelle.inference.request import Request, encode_requests
from passerelle.models.compiled import compiled
from passerelle.models.sequence_to_sequence import SequenceToSequence

__all__ = ["TextEncoder"]


class TextEncoder:
    """Encodes texts as vectors.

    Args:
        network: the network, whose encoder is used.
        signature: the signature of the model.
    """

    def __init__(self, network: SequenceToSequence, signature: Signature):
        self.network = network
        self.signature = signature

    def __call__(self, requests: Sequence[Request]) -> np.ndarray:
        """Return the last output of the encoder for each request, float32 (requests, width); zeros for blank texts."""
        inputs = encode_requests(requests, self.signature)
        vectors = np.zeros((len(requests), self.network.settings.encoder.widths[-1]), np.float32)
        rows = [row for row, request in enumerate(requests) if not request.is_blank]
        for batch in row_batches(rows, inputs[self.signature.source.name].lengths):
            vectors[batch] = np.asarray(self._compiled(padded_inputs(inputs, batch)))[: len(batch)]
        return vectors

    @cached_property
    def _compiled(self) -> Any:
        encoder = self.network.sentence_encoder()
        return compiled(lambda inputs: encoder(inputs[self.signature.source.name]), self.network.variables)
