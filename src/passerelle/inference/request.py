"""Requests: the texts that a user asks about, and the arrays that the networks read for them.

Only this module calls a codec with texts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from passerelle.errors import DataError
from passerelle.special_tokens import UNK
from passerelle.text.codec import Codec
from passerelle.text.sequences import Sequences

__all__ = [
    "Request",
    "decoded",
    "encoded",
    "encoded_targets",
    "requests_of",
    "source_tokens",
    "unknown_tokens",
]


@dataclass(frozen=True)
class Request:
    """One source text.

    Attributes:
        text: as the user gave it.
        tags: its tags; None for a translator without tags.
    """

    text: str
    tags: str | None = None


def requests_of(texts: Iterable[str], tags: str | Iterable[str] | None, codec: Codec) -> list[Request]:
    """Make one request of each text.

    Args:
        texts: any strings.
        tags: the tags of each text, or one string for all; None for a codec without tags.
        codec: of the translator.

    Raises:
        DataError: if `texts` is not a sequence of strings, or `tags` does not fit them or the codec.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise DataError(f"texts must be a list of strings, received: {texts!r:.80}")
    texts = list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"texts must be strings, received: {text!r:.80}")
    return [Request(text, own) for text, own in zip(texts, _checked_tags(tags, len(texts), codec), strict=True)]


def _checked_tags(tags: str | Iterable[str] | None, count: int, codec: Codec) -> Sequence[str | None]:
    if codec.tags is None:
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


def encoded(requests: Sequence[Request], codec: Codec) -> dict[str, Sequences]:
    """Return the inputs of a network for some requests, by name; see `Codec.inputs`."""
    return codec.inputs(_texts(requests), _tags(requests, codec))


def encoded_targets(pairs: Sequence[tuple[Request, str]], codec: Codec) -> Sequences:
    """Return the target ids of each pair's target, END after each."""
    requests = [request for request, _ in pairs]
    return codec.targets(_texts(requests), _tags(requests, codec), [target for _, target in pairs])


def decoded(ids: Sequences, requests: Sequence[Request], codec: Codec) -> list[str]:
    """Return the texts of target ids, one for each request, whose tokens may have been copied."""
    return codec.texts(ids, _texts(requests), _tags(requests, codec))


def source_tokens(requests: Sequence[Request], codec: Codec) -> list[list[str]]:
    """Return the tokens of each source as copying counts them: inline tags first."""
    return codec.tokens(_texts(requests), _tags(requests, codec))


def unknown_tokens(request: Request, inputs: dict[str, Sequences], row: int, codec: Codec) -> tuple[str, ...]:
    """Return the distinct tokens of a request that have no id, in order of appearance.

    Args:
        request: one request.
        inputs: of many requests, as `encoded` gives them.
        row: the place of the request in `inputs`.
        codec: of the translator.
    """
    if not any(UNK in ids[row] for name, ids in inputs.items() if name != "copy_ids"):
        return ()
    return codec.unknown(request.text, request.tags or "")


def _texts(requests: Sequence[Request]) -> list[str]:
    return [request.text for request in requests]


def _tags(requests: Sequence[Request], codec: Codec) -> list[str] | None:
    return None if codec.tags is None else [request.tags or "" for request in requests]
