"""Texts too long to translate at once, split into parts before the search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from passerelle.fields.signature import Signature
from passerelle.inference.request import Request
from passerelle.text.sentences import split_text

__all__ = ["Part", "split_requests", "unsplit"]


@dataclass(frozen=True)
class Part:
    """A text, or a part of it.

    Attributes:
        request: of the part.
        row: the place of the text among the requests.
        blank: the white space after the part in its text.
    """

    request: Request
    row: int
    blank: str = ""


def unsplit(requests: Sequence[Request]) -> list[Part]:
    """Return every text as a single part."""
    return [Part(request, row) for row, request in enumerate(requests)]


def split_requests(requests: Sequence[Request], lengths: np.ndarray, longest: int, signature: Signature) -> list[Part]:
    """Split texts that are too long into sentences, and sentences that are too long into runs of whole words.

    Args:
        requests: any.
        lengths: int (requests,), in tokens.
        longest: most tokens of a part.
        signature: of the model; pretokenized texts are never split.

    Returns:
        The parts of all texts, in order; a text that need not or cannot be split is its only part.
    """
    if signature.source.tokenizer.level == "pretokenized":
        return unsplit(requests)
    read = signature.source.tokenizer.tokenize
    parts: list[Part] = []
    for row, request in enumerate(requests):
        pieces = split_text(request.text, longest, lambda text: len(read(text))) if lengths[row] > longest else []
        if len(pieces) > 1:
            parts += [Part(replace(request, text=text), row, blank) for text, blank in pieces]
        else:
            parts.append(Part(request, row))
    return parts
