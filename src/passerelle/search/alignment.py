"""Where a translation's tokens come from: the attention of steps that are made again, all of them in one call.

Search needs no attention weights, so it does not carry them along; the decoder is one function of T steps, so those of
a finished translation are the same when they are asked for at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from passerelle.data.rows import BATCH_SIZES, padded_inputs, row_batches
from passerelle.fields.copying import copied_tokens
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.ragged import Ragged
from passerelle.search.memory_limits import rows_at_once
from passerelle.search.results import Result
from passerelle.special_tokens import END, START, UNK
from passerelle.text.codec import Codec

__all__ = ["Alignment", "alignments", "without_unknown"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where each token of a translation looked when it was written.

    Attributes:
        source: the source's tokens, tags left out.
        target: the translation's tokens.
        weights: float32 (target tokens, source tokens), attention's.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """For each target token the source token that it looked at most: (source, target), from 0."""
        if not self.source:
            return ()
        return tuple((int(place), row) for row, place in enumerate(self.weights.argmax(axis=1)))

    @property
    def pharaoh(self) -> str:
        """The links as word aligners write them: `0-0 1-2 2-1`, source first."""
        return " ".join(f"{source}-{target}" for source, target in self.links)


def alignments(
    weigh: Callable[[Any, Any], Any],
    networks: Sequence[SequenceToSequence],
    codec: Codec,
    results: Sequence[Result],
    tags: Sequence[str] | None,
) -> list[Alignment]:
    """One alignment a result; without links where nothing was written, or where a text was translated in parts.

    Args:
        weigh: the networks' inputs and target ids, int32 (batch, T), START first -> weights, float (batch, T, S);
            compiled.
        networks: those that are asked.
        codec: texts <-> their ids.
        results: as search gives them.
        tags: of each result's source.
    """
    texts = [result.source for result in results]
    inputs = codec.inputs(texts, tags)
    targets = Ragged.from_lists([*result.ids, END] for result in results)
    sources = [tuple(codec.source.read(text)) for text in texts]
    weights = [np.zeros((0, len(source)), np.float32) for source in sources]
    wanted = [row for row, result in enumerate(results) if result.ids and result.parts == 1]
    lengths = np.maximum(inputs["source"].lengths, targets.lengths)
    at_once = rows_at_once(networks, wanted, lengths, steps=int(lengths.max(initial=1)), growing=BATCH_SIZES[-1])
    for rows in row_batches(wanted, lengths, at_once):
        arrays = padded_inputs(inputs, rows, least=int(lengths[rows].max()))
        height, width = arrays["source"].shape
        found = np.asarray(weigh(arrays, targets.padded(rows, width, first=START, height=height)))
        for row, own in zip(rows.tolist(), found, strict=False):
            stop = int(inputs["source"].lengths[row])
            # Tags that stand beside the source come before its own tokens.
            weights[row] = own[: len(results[row].ids), stop - len(sources[row]) : stop]
    written = [
        tuple(copied_tokens(source, codec.target, np.array(result.ids, np.int32))) if len(own) else ()
        for source, result, own in zip(codec.tokens(texts, tags), results, weights, strict=True)
    ]
    return [Alignment(*parts) for parts in zip(sources, written, weights, strict=True)]


def without_unknown(result: Result, alignment: Alignment, codec: Codec, replacements: Mapping[str, str]) -> Result:
    """The result with the source token that it looked at in the place of every unknown one (Luong et al. 2014,
    arXiv:1410.8206, whose positions are attention's here).

    Args:
        result: any.
        alignment: of it.
        codec: that made it.
        replacements: what is written for a source token, by the token without its blank; others stand as they are.
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
    return replace(result, text=codec.target.join(tokens))
