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
from passerelle.fields.text import TextField
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.model import InferenceModel
from passerelle.inference.request import Request, encode_requests, source_tokens
from passerelle.inference.result import Result
from passerelle.models.compiled import compiled
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, START, UNK

__all__ = ["MAX_WEIGHTS", "Aligner", "Alignment", "replace_unknown"]

MAX_WEIGHTS = 2**24
"""Maximum number of weights in the alignment of a text that was split: 64 MB."""


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

        The alignment is empty if the result is empty. If the text was split, each part is aligned separately; the
        alignment is empty if it would have more than `MAX_WEIGHTS` weights.

        Args:
            requests: the request of each result.
            results: results of a search.

        Raises:
            SettingsError: if no network has attention.
        """
        model = self.model
        if not model.network.attends:
            raise SettingsError(
                "this translator has no attention, so its translations cannot be aligned. Train a translator with "
                "the setting network.attention, for example with the preset 'compact'."
            )
        parts = [[part for part, _ in result.part_results] or [result] for result in results]
        part_requests = [
            replace(request, text=part.source) for request, own in zip(requests, parts, strict=True) for part in own
        ]
        aligned = iter(self._align(part_requests, [part for own in parts for part in own]))
        return [
            _joined(result, [next(aligned) for _ in own], model.signature)
            for result, own in zip(results, parts, strict=True)
        ]

    def _align(self, requests: Sequence[Request], results: Sequence[Result]) -> list[Alignment]:
        """Return the alignment of each result; none of their texts was split."""
        model, signature = self.model, self.model.signature
        inputs = encode_requests(requests, signature)
        targets = Ragged.from_lists([*result.ids, END] for result in results)
        if not isinstance(signature.source, TextField):
            raise SettingsError("alignments are between tokens, and the source of this model has numbers.")
        sources = [tuple(signature.source.tokenizer.tokenize(request.text)) for request in requests]
        weights = [np.zeros((0, len(source)), np.float32) for source in sources]
        rows_to_align = [row for row, result in enumerate(results) if result.ids]
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
    if result.part_results:
        return _replace_in_parts(result, alignment, signature, replacements)
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


def _joined(result: Result, parts: Sequence[Alignment], signature: Signature) -> Alignment:
    """Join the alignments of the parts of a text; tokens of different parts have the weight 0."""
    if not result.part_results:
        return parts[0]
    gaps = _gaps(result, signature)
    source = tuple(
        token for part, gap in zip(parts, gaps, strict=True) for tokens in (part.source, gap) for token in tokens
    )
    target = tuple(token for part in parts for token in part.target)
    if len(source) * len(target) > MAX_WEIGHTS:
        return Alignment(source, (), np.zeros((0, len(source)), np.float32))
    weights = np.zeros((len(target), len(source)), np.float32)
    row = column = 0
    for part, gap in zip(parts, gaps, strict=True):
        rows, columns = part.weights.shape
        weights[row : row + rows, column : column + columns] = part.weights
        row, column = row + rows, column + columns + len(gap)
    return Alignment(source, target, weights)


def _gaps(result: Result, signature: Signature) -> list[tuple[str, ...]]:
    """Return the source tokens after each part: the whitespace, at level character."""
    tokenizer = signature.source.tokenizer
    whitespace = [after if tokenizer.level == "character" else "" for _, after in result.part_results]
    return [tuple(tokenizer.split(tokenizer.normalize_part(after))) for after in whitespace]


def _replace_in_parts(
    result: Result, alignment: Alignment, signature: Signature, replacements: Mapping[str, str]
) -> Result:
    """Do the work of `replace_unknown` in each part of a text that was split."""
    replaced = []
    row = column = 0
    for (part, _), gap in zip(result.part_results, _gaps(result, signature), strict=True):
        rows, columns = len(part.ids), len(signature.source.tokenizer.tokenize(part.source))
        own = Alignment(
            alignment.source[column : column + columns],
            alignment.target[row : row + rows],
            alignment.weights[row : row + rows, column : column + columns],
        )
        replaced.append(replace_unknown(part, own, signature, replacements))
        row, column = row + rows, column + columns + len(gap)
    whitespace = [after for _, after in result.part_results]
    joined = Result.joined(result.source, replaced, whitespace, result.split_by)
    return replace(joined, normalized_score=result.normalized_score)
