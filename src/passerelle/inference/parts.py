"""Split texts that are too long to translate at once into parts, before the search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from passerelle.fields.signature import Signature
from passerelle.inference.request import Request
from passerelle.text.sentences import split_text

__all__ = ["Part", "split_requests", "unsplit"]


@dataclass(frozen=True)
class Part:
    """A complete text, or a part of one.

    Attributes:
        request: the request for the part.
        row: index of the text in the requests.
        whitespace: the whitespace after the part in its text.
    """

    request: Request
    row: int
    whitespace: str = ""


def unsplit(requests: Sequence[Request]) -> list[Part]:
    """Return each text as a single part."""
    return [Part(request, row) for row, request in enumerate(requests)]


def split_requests(
    requests: Sequence[Request], lengths: np.ndarray, max_length: int, signature: Signature
) -> list[Part]:
    """Split texts that are too long into sentences, and sentences that are too long into runs of complete words.

    Args:
        requests: the requests to split.
        lengths: int (requests,), length of each text in tokens.
        max_length: maximum number of tokens of a part.
        signature: the signature of the model; pretokenized texts are never split.

    Returns:
        The parts of all texts, in order. A text that is short enough, or cannot be split, is a single part.
    """
    if signature.source.tokenizer.level == "pretokenized":
        return unsplit(requests)
    tokenizer = signature.source.tokenizer
    parts: list[Part] = []
    for row, request in enumerate(requests):
        texts = []
        if lengths[row] > max_length:
            texts = split_text(
                request.text, max_length, lambda text: len(tokenizer.split(tokenizer.normalize_part(text)))
            )
        if len(texts) > 1:
            parts += [Part(replace(request, text=text), row, whitespace) for text, whitespace in texts]
        else:
            parts.append(Part(request, row))
    return parts
