"""Encoding: the encoder's vector of each text."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.data.rows import padded_inputs, row_batches
from passerelle.inference.request import Request, encoded
from passerelle.models.compiled import compiled
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.text.codec import Codec

__all__ = ["TextEncoder"]


class TextEncoder:
    """Encodes texts as vectors.

    Args:
        network: whose encoder reads them.
        codec: of the translator.
    """

    def __init__(self, network: SequenceToSequence, codec: Codec):
        self.network = network
        self.codec = codec

    def __call__(self, requests: Sequence[Request]) -> np.ndarray:
        """Return float32 (requests, width), the encoder's last output for each request; zeros for blank texts."""
        inputs = encoded(requests, self.codec)
        vectors = np.zeros((len(requests), self.network.settings.encoder.widths[-1]), np.float32)
        rows = [row for row, request in enumerate(requests) if request.text.strip()]
        for batch in row_batches(rows, inputs["source_ids"].lengths):
            vectors[batch] = np.asarray(self._compiled(padded_inputs(inputs, batch)))[: len(batch)]
        return vectors

    @cached_property
    def _compiled(self) -> Any:
        encoder = self.network.sentence_encoder()
        return compiled(lambda inputs: encoder(self.network.own_inputs(inputs)), self.network.variables)
