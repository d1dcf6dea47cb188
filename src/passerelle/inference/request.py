"""Requests: the texts that a user asks about, and the arrays that the networks read for them.

Only this module calls a signature with requests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from passerelle.errors import DataError
from passerelle.fields.signature import Signature
from passerelle.ragged import Ragged
from passerelle.special_tokens import UNK

__all__ = [
    "Request",
    "decode_targets",
    "encode_requests",
    "encode_targets",
    "make_requests",
    "source_tokens",
    "unknown_tokens",
]


@dataclass(frozen=True)
class Request:
    """One source text, and what comes with it.

    Attributes:
        text: as the user gave it.
        tags: its tags; None for a translator without tags.
        others: the values of further inputs by field name.
    """

    text: str
    tags: str | None = None
    extra_inputs: Mapping[str, Any] = field(default_factory=dict)


def make_requests(
    texts: Iterable[str],
    tags: str | Iterable[str] | None,
    signature: Signature,
    inputs: Mapping[str, Sequence[Any]] | None = None,
) -> list[Request]:
    """Make one request of each text.

    Args:
        texts: any strings.
        tags: the tags of each text, or one string for all; None for a model without tags.
        signature: of the model.
        inputs: the values of further input fields by name, one for each text.

    Raises:
        DataError: if `texts` is not a sequence of strings, or `tags` does not fit them or the model.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise DataError(f"texts must be a list of strings, received: {texts!r:.80}")
    texts = list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"texts must be strings, received: {text!r:.80}")
    others = _checked_inputs(inputs or {}, len(texts), signature)
    return [
        Request(text, own, {name: values[row] for name, values in others.items()})
        for row, (text, own) in enumerate(zip(texts, _checked_tags(tags, len(texts), signature), strict=True))
    ]


def _checked_inputs(
    inputs: Mapping[str, Sequence[Any]], count: int, signature: Signature
) -> Mapping[str, Sequence[Any]]:
    wanted = [name for name in signature.columns if name not in (signature.source.name, "tags")]
    if sorted(inputs) != sorted(wanted):
        raise DataError(f"this translator needs inputs for: {', '.join(wanted) or 'none'}; received: {sorted(inputs)}.")
    for name, values in inputs.items():
        if len(values) != count:
            raise DataError(f"inputs must have a value for each of {count} texts, received: {len(values)} of {name}.")
    return inputs


def _checked_tags(tags: str | Iterable[str] | None, count: int, signature: Signature) -> Sequence[str | None]:
    if not signature.tagged:
        if tags is not None:
            raise DataError(
                f"this translator was trained without tags, received: tags={tags!r:.80}. Omit `tags`, or train with "
                f"the setting tags.mode."
            )
        return [None] * count
    if tags is None:
        raise DataError(
            "this translator was trained with tags and needs `tags` for each text; an empty string means no tags."
        )
    tags = [tags] * count if isinstance(tags, str) else list(tags)
    if len(tags) != count or not all(isinstance(tag, str) for tag in tags):
        raise DataError(f"tags must be one string, or one for each of {count} texts, received: {tags!r:.80}")
    return tags


def encode_requests(requests: Sequence[Request], signature: Signature) -> dict[str, Ragged]:
    """Return the inputs of a network for some requests, by name; see `Signature.encode_inputs`."""
    return signature.encode_inputs(_columns(requests, signature))


def encode_targets(pairs: Sequence[tuple[Request, str]], signature: Signature) -> Ragged:
    """Return the ids of each pair's target, END after each."""
    columns = _columns([request for request, _ in pairs], signature)
    target = signature.target
    return target.encode_targets(columns | {target.name: [text for _, text in pairs]})


def decode_targets(ids: Ragged, requests: Sequence[Request], signature: Signature) -> list[str]:
    """Return the texts of target ids, one for each request, whose tokens may have been copied."""
    return signature.target.decode(ids, _columns(requests, signature))


def source_tokens(requests: Sequence[Request], signature: Signature) -> list[list[str]]:
    """Return the tokens of each source as copying counts them: inline tags first."""
    return signature.source.tokens(_columns(requests, signature))


def unknown_tokens(request: Request, inputs: dict[str, Ragged], row: int, signature: Signature) -> tuple[str, ...]:
    """Return the distinct tokens of a request that have no id, in order of appearance.

    Args:
        request: one request.
        inputs: of many requests, as `encode_requests` gives them.
        row: the place of the request in `inputs`.
        signature: of the model.
    """
    if not any(UNK in inputs[name][row] for name in signature.inputs if inputs[name].values.dtype == np.int32):
        return ()
    return signature.unknown(_columns([request], signature), 0)


def _columns(requests: Sequence[Request], signature: Signature) -> dict[str, list[Any]]:
    """The values of the requests by column, as the signature's inputs read them."""
    columns: dict[str, list[Any]] = {name: [request.extra_inputs.get(name) for request in requests] for name in
                                     signature.columns}  # fmt: skip
    columns[signature.source.name] = [request.text for request in requests]
    if signature.tagged:
        columns["tags"] = [request.tags or "" for request in requests]
    return columns
