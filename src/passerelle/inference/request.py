"""Requests: the input texts of inference, and their conversion to arrays.

Only this module passes requests to a signature.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from passerelle.errors import DataError
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.ragged import Ragged
from passerelle.special_tokens import UNK

__all__ = [
    "Request",
    "decode_targets",
    "encode_requests",
    "encode_targets",
    "make_requests",
    "request_columns",
    "source_tokens",
    "unknown_tokens",
]


@dataclass(frozen=True)
class Request:
    """One source with its tags and further inputs.

    Attributes:
        text: the unchanged source: a text, or numbers (length, width).
        tags: the tags of the text; None for a translator without tags.
        extra_inputs: the values of further input fields, by name.
    """

    text: Any
    tags: str | None = None
    extra_inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether the source is a text without content, whose translation is empty."""
        return isinstance(self.text, str) and not self.text.strip()

    @property
    def key(self) -> str:
        """A string that is equal for equal sources."""
        return self.text if isinstance(self.text, str) else np.asarray(self.text, np.float64).tobytes().hex()


def make_requests(
    texts: Iterable[Any],
    tags: str | Iterable[str] | None,
    signature: Signature,
    inputs: Mapping[str, Sequence[Any]] | None = None,
) -> list[Request]:
    """Create a request for each text.

    Args:
        texts: any strings; for a model that reads numbers, numbers (length, width).
        tags: the tags of each text, or one string for all texts; None for a model without tags.
        signature: the signature of the model.
        inputs: the values of further input fields by name, one value for each text.

    Raises:
        DataError: if `texts` is not a sequence of strings, or `tags` or `inputs` do not match the texts or the model.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise DataError(f"texts must be a list of strings, received: {texts!r:.80}")
    texts = list(texts)
    for text in texts if isinstance(signature.source, TextField) else ():
        if not isinstance(text, str):
            raise DataError(f"texts must be strings, received: {text!r:.80}")
    extra_inputs = _checked_inputs(inputs or {}, len(texts), signature)
    return [
        Request(text, own_tags, {name: values[row] for name, values in extra_inputs.items()})
        for row, (text, own_tags) in enumerate(zip(texts, _checked_tags(tags, len(texts), signature), strict=True))
    ]


def _checked_inputs(
    inputs: Mapping[str, Sequence[Any]], count: int, signature: Signature
) -> Mapping[str, Sequence[Any]]:
    required = [name for name in signature.columns if name not in (signature.source.name, "tags")]
    if not isinstance(inputs, Mapping):
        raise DataError(f"inputs must be a mapping of field names to values, received: {inputs!r:.80}")
    if sorted(inputs) != sorted(required):
        raise DataError(f"inputs must have the keys {required}, received: {sorted(inputs)}.")
    for name, values in inputs.items():
        if len(values) != count:
            raise DataError(
                f"inputs must have one value for each of {count} texts, received: {len(values)} for {name!r}."
            )
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
            "this translator was trained with tags and requires `tags` for each text; an empty string means no tags."
        )
    if not isinstance(tags, Iterable):
        raise DataError(f"tags must be one string, or one for each of {count} texts, received: {tags!r:.80}")
    tags = [tags] * count if isinstance(tags, str) else list(tags)
    if len(tags) != count or not all(isinstance(tag, str) for tag in tags):
        raise DataError(f"tags must be one string, or one for each of {count} texts, received: {tags!r:.80}")
    return tags


def encode_requests(requests: Sequence[Request], signature: Signature) -> dict[str, Ragged]:
    """Encode requests as the inputs of a network, by name; see `Signature.encode_inputs`."""
    return signature.encode_inputs(request_columns(requests, signature))


def encode_targets(pairs: Sequence[tuple[Request, str]], signature: Signature) -> Ragged:
    """Return the ids of the target of each pair, each with END."""
    columns = request_columns([request for request, _ in pairs], signature)
    target = signature.target
    return target.encode_targets(columns | {target.name: [text for _, text in pairs]})


def decode_targets(ids: Ragged, requests: Sequence[Request], signature: Signature) -> list[str]:
    """Decode target ids to texts.

    Args:
        ids: one sequence for each request.
        requests: the requests, from which tokens may have been copied.
        signature: the signature of the model.
    """
    return signature.target.decode(ids, request_columns(requests, signature))


def source_tokens(requests: Sequence[Request], signature: Signature) -> list[list[str]]:
    """Return the tokens of each source, inline tags first; copy ids count positions in them."""
    return signature.source.tokens(request_columns(requests, signature))


def unknown_tokens(request: Request, inputs: dict[str, Ragged], row: int, signature: Signature) -> tuple[str, ...]:
    """Return the distinct tokens of a request that the vocabularies do not contain, in order of appearance.

    Args:
        request: one request.
        inputs: the encoded inputs of several requests, from `encode_requests`.
        row: index of the request in `inputs`.
        signature: the signature of the model.
    """
    if not any(UNK in inputs[name][row] for name in signature.inputs if inputs[name].values.dtype == np.int32):
        return ()
    return signature.unknown(request_columns([request], signature), 0)


def request_columns(requests: Sequence[Request], signature: Signature) -> dict[str, list[Any]]:
    """Return the values of the requests by column, for the signature."""
    columns: dict[str, list[Any]] = {name: [request.extra_inputs.get(name) for request in requests] for name in
                                     signature.columns}  # fmt: skip
    columns[signature.source.name] = [request.text for request in requests]
    if signature.tagged:
        columns["tags"] = [request.tags or "" for request in requests]
    return columns
