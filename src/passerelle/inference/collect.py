"""Convert the arrays of a search to results, and join the results of the parts of a text."""

from collections.abc import Sequence

import numpy as np

from passerelle.decoding.beam import BeamResult, length_normalizer
from passerelle.decoding.greedy import is_possible
from passerelle.fields.signature import Signature
from passerelle.inference.parts import Part, SplitReason
from passerelle.inference.request import Request, decode_targets, source_tokens
from passerelle.inference.result import Result
from passerelle.ragged import Ragged

__all__ = ["join_results", "make_results"]


def make_results(
    found: BeamResult,
    requests: Sequence[Request],
    unknown: Sequence[tuple[str, ...]],
    length_penalty: float,
    signature: Signature,
) -> list[list[Result]]:
    """Return the distinct translations of each request, best first, at least one per request.

    Args:
        found: NumPy arrays, one row per request.
        requests: the requests of one batch.
        unknown: the unknown tokens of each request.
        length_penalty: see `length_normalizer`.
        signature: the signature of the model.
    """
    n = found.ids.shape[1]
    is_token = np.arange(found.ids.shape[2]) < found.lengths[..., None]
    ids = Ragged.from_lengths(found.ids[is_token], found.lengths.ravel())
    texts = decode_targets(ids, [request for request in requests for _ in range(n)], signature)
    exists = is_possible(found.scores)
    scores = np.where(exists, found.scores, -np.inf)
    counts = found.lengths + found.finished
    ranked = scores / length_normalizer(counts, length_penalty) + found.bonuses
    results = []
    for row, request in enumerate(requests):
        best: dict[str, Result] = {}  # different ids may decode to the same text
        for place in np.flatnonzero(exists[row]).tolist():
            result = Result(
                source=request.text,
                text=texts[row * n + place],
                score=float(scores[row, place]),
                normalized_score=float(ranked[row, place]),
                ids=tuple(ids[row * n + place].tolist()),
                token_scores=tuple(found.token_scores[row, place, : counts[row, place]].tolist()),
                unknown=unknown[row],
                finished=bool(found.finished[row, place]),
                copied=_copied(ids[row * n + place], request, signature),
            )
            best.setdefault(result.text, result)
        results.append(list(best.values()) or [Result.impossible(request.text, unknown[row])])
    return results


def _copied(ids: np.ndarray, request: Request, signature: Signature) -> tuple[str, ...]:
    """Return the source tokens of those ids that are copy ids."""
    size = signature.target.tokenizer.vocabulary.size
    if signature.target.copies is None or not (copy_ids := ids[ids >= size]).size:
        return ()
    (tokens,) = source_tokens([request], signature)
    return tuple(tokens[i - size] for i in copy_ids.tolist())


def join_results(
    requests: Sequence[Request], parts: Sequence[Part], found: Sequence[Sequence[list[Result]]]
) -> list[list[Result]]:
    """Join the results of the parts of each text.

    The k-th result of a text consists of the k-th result of each part, or of the last result if a part has fewer.
    Samples are ranked by normalized score.

    Args:
        requests: one request per text.
        parts: the parts of all texts, in order; at least one per text.
        found: for each part and each sample, the results, best first. A search without sampling has one sample.
    """
    parts_of: list[list[int]] = [[] for _ in requests]
    for index, part in enumerate(parts):
        parts_of[part.row].append(index)
    results = []
    for request, indices in zip(requests, parts_of, strict=True):
        whitespace = [parts[index].whitespace for index in indices]
        reason = parts[indices[0]].reason
        samples = [
            _join_ranks(request.text, of_parts, whitespace, reason)
            for of_parts in zip(*(found[i] for i in indices), strict=True)
        ]
        ranked = [result for sample in samples for result in sample]
        results.append(sorted(ranked, key=lambda result: -result.normalized_score) if len(samples) > 1 else ranked)
    return results


def _join_ranks(
    source: str, of_parts: Sequence[list[Result]], whitespace: Sequence[str], reason: SplitReason
) -> list[Result]:
    if len(of_parts) == 1:
        return of_parts[0]
    return [
        Result.joined(source, [results[min(rank, len(results) - 1)] for results in of_parts], whitespace, reason)
        for rank in range(max(map(len, of_parts)))
    ]
