"""Pretrained word vectors by field: what they require of the settings, reading them, and their extra words."""

import os
from collections.abc import Mapping
from typing import Any

from passerelle.data.vectors import WordVectors, read_vectors
from passerelle.errors import SettingsError, require_path
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.settings import Settings, TextSettings
from passerelle.text.level import make_tokenizer

__all__ = ["check_vectors", "read_field_vectors", "vector_files", "with_extra_words"]

VectorFiles = Mapping[str, str | os.PathLike[str]]
"""The word-vector files by field: `source`, `target`, both or none."""


def vector_files(
    source: str | os.PathLike[str] | None, target: str | os.PathLike[str] | None
) -> dict[str, str | os.PathLike[str]]:
    """Return the word-vector files by field, without those that are None.

    Raises:
        SettingsError: if one is not a path.
    """
    files = {side: path for side, path in (("source", source), ("target", target)) if path is not None}
    for side, path in files.items():
        require_path(f"{side}_vectors", path)
    return files


def check_vectors(settings: Settings, files: VectorFiles, *, several: bool) -> None:
    """Check that the settings, and one or `several` outputs, allow pretrained vectors.

    Raises:
        SettingsError: if they do not.
    """
    if "target" in files and several:
        raise SettingsError("target vectors belong to one output, and the pairs have several. Leave them out.")
    for side in files:
        text: TextSettings = getattr(settings, side)
        if text.level != "word":
            raise SettingsError(f"{side} vectors require {side}.level 'word', received: {text.level!r}")
    if files and settings.network.tie == "all":
        raise SettingsError(
            "pretrained vectors belong to one side, but with network.tie 'all' both sides share an embedding table; "
            "use network.tie 'target' or 'none'"
        )
    if "target" in files and not settings.network.decoder.feedback:
        raise SettingsError(
            "target vectors initialize the decoder's input embeddings; they require network.decoder.feedback = true"
        )
    if "source" in files and settings.tags.mode == "inline" and settings.source.vector_words:
        raise SettingsError(
            "extra words and inline tags would use the same ids; use tags.mode 'separate' or source.vector_words = 0"
        )


def read_field_vectors(settings: Settings, signature: Signature, files: VectorFiles) -> dict[str, WordVectors]:
    """Read the vectors of each field's words; for the source, also those of extra words.

    Raises:
        DataError: if a file cannot be read.
    """
    max_extra_words = {"source": settings.source.vector_words}
    fields: Mapping[str, Any] = {**signature.inputs, **signature.outputs}
    return {
        side: read_vectors(path, fields[side].tokenizer.vocabulary.tokens, first=max_extra_words.get(side, 0))
        for side, path in files.items()
    }


def with_extra_words(signature: Signature, vectors: Mapping[str, WordVectors]) -> Signature | None:
    """Return a signature whose source also contains the extra words of its vectors; None without extra words."""
    source = signature.source
    extra = vectors["source"].extra_words(source.tokenizer) if "source" in vectors else []
    if not extra:
        return None
    tokens = [*source.tokenizer.vocabulary.tokens, *extra]
    tokenizer = make_tokenizer(
        "word",
        tokens=tokens,
        lowercase=source.tokenizer.lowercase,
        ignore_spacing=source.tokenizer.ignore_spacing,
        exact_whitespace=source.tokenizer.exact_whitespace,
    )
    extended = TextField(source.name, tokenizer, inline_tags=source.inline_tags, extra=len(extra))
    outputs = {
        name: field.copying(extended if field.copies else None) if isinstance(field, TextField) else field
        for name, field in signature.outputs.items()
    }
    return Signature({**signature.inputs, source.name: extended}, outputs)
