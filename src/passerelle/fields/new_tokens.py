"""New tokens in the vocabularies of a trained model, and the ids that the other tokens had before."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain

import numpy as np

from passerelle.errors import SettingsError
from passerelle.fields.field import Columns, Field
from passerelle.fields.signature import Signature, fit_tokenizer
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField
from passerelle.settings import Settings, TextSettings
from passerelle.special_tokens import FIRST_ORDINARY
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["former_ids", "with_new_tokens"]


def with_new_tokens(signature: Signature, settings: Settings, columns: Columns) -> Signature:
    """Return the signature of a model with the tokens of new pairs in its vocabularies.

    The new tokens of a vocabulary are those that one of the new pairs alone would contain, by the settings of the
    model. They come after the tokens that the model knows, and before its extra words.

    Args:
        signature: the signature of the model, with the fields of `fit_text_signature`.
        settings: the settings of the model.
        columns: the columns of the new pairs.

    Raises:
        SettingsError: if the vocabularies of the model have no new tokens by their nature.
    """
    source, tags_field = signature.source, signature.inputs.get("tags")
    targets = {name: field for name, field in signature.outputs.items() if isinstance(field, TextField)}
    tokenizers = [source.tokenizer, *(field.tokenizer for field in targets.values())]
    if all(tokenizer.alphabet for tokenizer in tokenizers) and not signature.tagged:
        raise SettingsError(
            "new_tokens has no effect at level subword: its tokens are bytes and sequences of them, which write every "
            "text. Leave it out."
        )
    texts = {name: (text for text in columns[name] if text is not None) for name in targets}
    if settings.network.tie == "all":  # one vocabulary, which the source may read in another way
        first = next(iter(targets.values())).tokenizer
        shared = _extended(first, settings.target, chain(columns["source"], *texts.values()))
        extended = dict.fromkeys(targets, shared)
        own = source.tokenizer is first
        new_source = shared if own else _with_tokens(source.tokenizer, shared.vocabulary.tokens)
    else:
        extended = {
            name: _extended(field.tokenizer, settings.output(name), texts[name]) for name, field in targets.items()
        }
        new_source = _extended(source.tokenizer, settings.source, columns["source"], extra=source.extra)
    inline = source.inline_tags
    tag_settings = TextSettings(level="pretokenized", separator=settings.tags.separator)
    if inline is not None:
        inline = _extended(inline, tag_settings, columns["tags"])
    inputs: dict[str, Field] = {source.name: TextField(source.name, new_source, inline_tags=inline, extra=source.extra)}
    if isinstance(tags_field, TagsField):
        inputs["tags"] = TagsField("tags", _extended(tags_field.tokenizer, tag_settings, columns["tags"]))
    outputs = {
        name: TextField(name, extended[name], copies=inputs[source.name] if field.copies is not None else None)  # pyright: ignore[reportArgumentType]
        if isinstance(field, TextField)
        else field
        for name, field in signature.outputs.items()
    }
    return Signature(inputs, outputs)


def _extended(tokenizer: Tokenizer, settings: TextSettings, texts: Iterable[str], extra: int = 0) -> Tokenizer:
    """Return a tokenizer with the tokens of new texts before its `extra` last tokens; itself if there are none."""
    if tokenizer.alphabet:
        return tokenizer
    known = tokenizer.vocabulary.tokens
    fresh = fit_tokenizer(settings, texts, ignore_spacing=tokenizer.ignore_spacing).vocabulary.tokens
    new = [token for token in fresh if token not in tokenizer.vocabulary]
    place = len(known) - extra
    return _with_tokens(tokenizer, [*known[:place], *new, *known[place:]]) if new else tokenizer


def _with_tokens(tokenizer: Tokenizer, tokens: Sequence[str]) -> Tokenizer:
    return make_tokenizer(
        tokenizer.level,
        tokenizer.separator,
        tokens=tokens,
        lowercase=tokenizer.lowercase,
        exact_whitespace=tokenizer.exact_whitespace,
        ignore_spacing=tokenizer.ignore_spacing,
    )


def former_ids(field: Field, before: Field) -> np.ndarray | None:
    """Return the id that each id of a field had before new tokens were added.

    Args:
        field: the field with new tokens.
        before: the same field without them.

    Returns:
        int64 (size,), -1 for a new token; None if the field has no ids, or the same ones.
    """
    names, former = _names(field), _names(before)
    if names == former:
        return None
    place = {name: identifier for identifier, name in enumerate(former)}
    return np.array([place.get(name, -1) for name in names], np.int64)


def _names(field: Field) -> list[Hashable]:
    """Return a name for each id of a field, the same before and after new tokens are added; empty without ids."""
    if not isinstance(field, (TextField, TagsField)):
        return []
    names: list[Hashable] = [*range(FIRST_ORDINARY), *field.tokenizer.vocabulary.tokens]
    if isinstance(field, TextField) and field.inline_tags is not None:
        names += [("tag", tag) for tag in field.inline_tags.vocabulary.tokens]
    return names
