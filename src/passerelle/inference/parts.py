"""Split texts that are too long, or have more sentences than training sources, into parts before the search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from passerelle.data.lengths import Lengths
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.inference.request import Request
from passerelle.settings import SplitMode
from passerelle.text.sentence_ends import SentenceEnds
from passerelle.text.sentences import split_long, split_sentences

__all__ = ["Part", "SplitReason", "can_be_split", "split_requests", "unsplit"]

SplitReason = Literal["", "sentences", "length"]
"""Why a text was split: it has more sentences than training sources usually have, or it is too long; or not at all."""


@dataclass(frozen=True)
class Part:
    """A complete text, or a part of one.

    Attributes:
        request: the request for the part.
        row: index of the text in the requests.
        whitespace: the whitespace after the part in its text.
        reason: the reason why the text was split.
    """

    request: Request
    row: int
    whitespace: str = ""
    reason: SplitReason = ""


def unsplit(requests: Sequence[Request]) -> list[Part]:
    """Return each text as a single part."""
    return [Part(request, row) for row, request in enumerate(requests)]


def can_be_split(signature: Signature) -> bool:
    """Whether sources of a model can be split: texts that are not pretokenized."""
    source = signature.source
    return isinstance(source, TextField) and source.tokenizer.level != "pretokenized"


def split_requests(
    requests: Sequence[Request],
    lengths: np.ndarray,
    trained: Lengths,
    signature: Signature,
    mode: SplitMode,
) -> list[Part]:
    """Split texts into sentences, and sentences that are too long into runs of complete words.

    Args:
        requests: the requests to split.
        lengths: int (requests,), length of each text in tokens.
        trained: the lengths of the training pairs. A text of more than `trained.split_above` tokens is too long.
        signature: the signature of the model; pretokenized texts and numbers are never split.
        mode: `auto` splits texts that are too long and texts with more sentences than training sources usually have,
            into parts with as many sentences as those; `never` splits only texts that are too long; `always` splits
            all texts into single sentences.

    Returns:
        The parts of all texts, in order. A text that need not or cannot be split is a single part.
    """
    if not can_be_split(signature):
        return unsplit(requests)
    tokenizer = signature.source.tokenizer
    ends = trained.sentences.ends if trained.sentences else SentenceEnds()
    usual = {"auto": trained.sentences.usual if trained.sentences else None, "never": None, "always": 1}[mode]
    parts: list[Part] = []
    for row, (request, too_long) in enumerate(zip(requests, (lengths > trained.split_above).tolist(), strict=True)):
        texts: list[tuple[str, str]] = []
        reason: SplitReason = "sentences"
        if too_long:
            sentences = split_sentences(request.text, ends)
            texts = split_long(
                sentences, trained.split_above, lambda text: len(tokenizer.split(tokenizer.normalize_part(text)))
            )
            if usual is None or len(sentences) <= usual or len(texts) > len(sentences):
                reason = "length"
        elif usual is not None:
            texts = split_sentences(request.text, ends, at_once=usual)
        if len(texts) > 1:
            parts += [Part(replace(request, text=text), row, whitespace, reason) for text, whitespace in texts]
        else:
            parts.append(Part(request, row))
    return parts
