"""Alignment: the source token that each token of a translation attends to.

A search does not store attention weights. Instead, one teacher-forced call of the decoder repeats all steps of a
finished translation and returns their weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.data.rows import BATCH_SIZES, padded_inputs, row_batches
from passerelle.errors import SettingsError
from passerelle.fields.copying import target_tokens
from passerelle.fields.signature import Signature
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.model import InferenceModel
from passerelle.inference.request import Request, encode_requests, source_tokens
from passerelle.inference.result import Result
from passerelle.models.compiled import compiled
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, START, UNK

__all__ = ["Aligner", "Alignment", "replace_unknown"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """The attention weights of a translation.

    Attributes:
        source: the tokens of the source, without tags.
        target: the tokens of the translation.
        weights: float32 (target tokens, source tokens), the attention weights.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """The source token with the largest weight for each target token: (source index, target index), from 0."""
        if not self.source:
            return ()
        return tuple((int(place), row) for row, place in enumerate(self.weights.argmax(axis=1)))

    @property
    def pharaoh(self) -> str:
        """The links in Pharaoh format, source index first: `0-0 1-2 2-1`."""
        return " ".join(f"{source}-{target}" for source, target in self.links)


class Aligner:
    """Aligns translations with their sources.

    Args:
        model: the networks and their signature.
    """

    def __init__(self, model: InferenceModel):
        self.model = model

    def __call__(self, requests: Sequence[Request], results: Sequence[Result]) -> list[Alignment]:
        """Return the alignment of each result.

        The alignment is empty if the result is empty, or if its text was split into parts.

        Args:
            requests: the request of each result.
            results: results of a search.

        Raises:
            SettingsError: if no network has attention.
        """
        model, signature = self.model, self.model.signature
        if not model.network.attends:
            raise SettingsError(
                "this translator has no attention, so its translations cannot be aligned. Train a translator with "
                "the setting network.attention, for example with the preset 'compact'."
            )
        inputs = encode_requests(requests, signature)
        targets = Ragged.from_lists([*result.ids, END] for result in results)
        sources = [tuple(signature.source.tokenizer.tokenize(request.text)) for request in requests]
        weights = [np.zeros((0, len(source)), np.float32) for source in sources]
        rows_to_align = [row for row, result in enumerate(results) if result.ids and result.parts == 1]
        lengths = np.maximum(inputs[self.model.signature.source.name].lengths, targets.lengths)
        steps = int(lengths.max(initial=1))
        max_rows = rows_at_once(model.steppers, rows_to_align, lengths, steps=steps, growing=BATCH_SIZES[-1])
        for rows in row_batches(rows_to_align, lengths, max_rows):
            arrays = padded_inputs(inputs, rows, min_length=int(lengths[rows].max()))
            height, width = arrays[self.model.signature.source.name].shape
            found = np.asarray(self._weights(arrays, targets.padded(rows, width, first=START, height=height)))
            for row, row_weights in zip(rows.tolist(), found, strict=False):
                stop = int(inputs[self.model.signature.source.name].lengths[row])
                # Inline tags are before the tokens of the source.
                weights[row] = row_weights[: len(results[row].ids), stop - len(sources[row]) : stop]
        written = [
            tuple(target_tokens(source, signature.target.tokenizer, np.array(result.ids, np.int32)))
            if len(array)
            else ()
            for source, result, array in zip(source_tokens(requests, signature), results, weights, strict=True)
        ]
        return [Alignment(*parts) for parts in zip(sources, written, weights, strict=True)]

    @cached_property
    def _weights(self) -> Any:
        """Compiled function (inputs, target ids int32 (batch, T), START first) -> attention weights (batch, T, S)."""
        network = self.model.network
        return compiled(lambda inputs, ids: network.steps(ids, network.begin(inputs))[2], network.variables)


def replace_unknown(
    result: Result, alignment: Alignment, signature: Signature, replacements: Mapping[str, str]
) -> Result:
    """Replace each UNK of a result by the source token with the largest attention weight.

    Args:
        result: a result of a search.
        alignment: the alignment of the result.
        signature: the signature of the model.
        replacements: source token without whitespace -> its translation; other source tokens are copied. The tokens are
            normalized in the same way as sources.

    Source: Luong et al. 2014, arXiv:1410.8206, with positions from attention.
    """
    if UNK not in result.ids or not alignment.links:
        return result
    normalize = signature.source.tokenizer.normalize
    replacements = {normalize(token): word for token, word in replacements.items()}
    tokens = list(alignment.target)
    for source, target in alignment.links:
        if result.ids[target] == UNK:
            token = alignment.source[source]
            whitespace = token[: len(token) - len(token.lstrip())]
            word = replacements.get(token.strip())
            tokens[target] = token if word is None else whitespace + word
    return replace(result, text=signature.target.tokenizer.join(tokens))
