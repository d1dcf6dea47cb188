"""Alignment: which source token each token of a translation attended to.

A search does not carry attention weights along. The decoder is one function of T steps, so one call repeats all steps
of a finished translation and returns its weights.
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
    """The attention of each token of a translation.

    Attributes:
        source: the source's tokens, without tags.
        target: the translation's tokens.
        weights: float32 (target tokens, source tokens), attention weights.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """For each target token the source token that it attended to most: (source, target), from 0."""
        if not self.source:
            return ()
        return tuple((int(place), row) for row, place in enumerate(self.weights.argmax(axis=1)))

    @property
    def pharaoh(self) -> str:
        """The links in Pharaoh format: `0-0 1-2 2-1`, source first."""
        return " ".join(f"{source}-{target}" for source, target in self.links)


class Aligner:
    """Aligns translations with their sources.

    Args:
        model: the networks and their signature.
    """

    def __init__(self, model: InferenceModel):
        self.model = model

    def __call__(self, requests: Sequence[Request], results: Sequence[Result]) -> list[Alignment]:
        """Return the alignment of each result; without links where it is empty, or where its text was split.

        Args:
            requests: one per result: what was searched for.
            results: of a search.

        Raises:
            SettingsError: if no network has attention.
        """
        model, signature = self.model, self.model.signature
        if not model.network.attends:
            raise SettingsError(
                "this translator has no attention, so its translations cannot be aligned. Train one with "
                "network.attention, for example with the preset 'compact'."
            )
        inputs = encode_requests(requests, signature)
        targets = Ragged.from_lists([*result.ids, END] for result in results)
        sources = [tuple(signature.source.tokenizer.tokenize(request.text)) for request in requests]
        weights = [np.zeros((0, len(source)), np.float32) for source in sources]
        wanted = [row for row, result in enumerate(results) if result.ids and result.parts == 1]
        lengths = np.maximum(inputs[self.model.signature.source.name].lengths, targets.lengths)
        steps = int(lengths.max(initial=1))
        at_once = rows_at_once(model.steppers, wanted, lengths, steps=steps, growing=BATCH_SIZES[-1])
        for rows in row_batches(wanted, lengths, at_once):
            arrays = padded_inputs(inputs, rows, min_length=int(lengths[rows].max()))
            height, width = arrays[self.model.signature.source.name].shape
            found = np.asarray(self._weights(arrays, targets.padded(rows, width, first=START, height=height)))
            for row, own in zip(rows.tolist(), found, strict=False):
                stop = int(inputs[self.model.signature.source.name].lengths[row])
                # Inline tags come before the source's own tokens.
                weights[row] = own[: len(results[row].ids), stop - len(sources[row]) : stop]
        written = [
            tuple(target_tokens(source, signature.target.tokenizer, np.array(result.ids, np.int32))) if len(own) else ()
            for source, result, own in zip(source_tokens(requests, signature), results, weights, strict=True)
        ]
        return [Alignment(*parts) for parts in zip(sources, written, weights, strict=True)]

    @cached_property
    def _weights(self) -> Any:
        """Inputs and target ids, int32 (batch, T), START first -> attention weights, float (batch, T, S)."""
        network = self.model.network
        return compiled(lambda inputs, ids: network.steps(ids, network.begin(inputs))[2], network.variables)


def replace_unknown(
    result: Result, alignment: Alignment, signature: Signature, replacements: Mapping[str, str]
) -> Result:
    """Replace every unknown token of a result by the source token that it attended to most.

    Source: Luong et al. 2014, arXiv:1410.8206; here the positions are attention's.

    Args:
        result: any.
        alignment: of it.
        signature: of the model.
        replacements: translations of source tokens, by the token without white space; others are copied.
    """
    if UNK not in result.ids or not alignment.links:
        return result
    tokens = list(alignment.target)
    for source, target in alignment.links:
        if result.ids[target] == UNK:
            own = alignment.source[source]
            blank = own[: len(own) - len(own.lstrip())]
            word = replacements.get(own.strip())
            tokens[target] = own if word is None else blank + word
    return replace(result, text=signature.target.tokenizer.join(tokens))
