"""Text as an input or an output of a model, at any token level."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from passerelle.fields.copying import copy_ids, copy_targets, target_tokens
from passerelle.fields.field import Columns, Field, OutputField
from passerelle.ragged import Ragged
from passerelle.special_tokens import FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["TextField", "token_list", "trimmed_rows"]


class TextField(OutputField):
    """One text for each row.

    Args:
        name: see `Field`.
        tokenizer: the tokenizer of the text.
        inline_tags: for an input, the tokenizer of the column `tags`, whose tokens are put before those of the text;
            None for no inline tags.
        copies: for an output, the input whose tokens it may copy; None for an output that does not copy.
        extra: for an input, the number of extra words. They are the last tokens of the vocabulary, and their pretrained
            vectors are not trained.
    """

    kind = "text"

    def __init__(
        self,
        name: str,
        tokenizer: Tokenizer,
        *,
        inline_tags: Tokenizer | None = None,
        copies: "TextField | None" = None,
        extra: int = 0,
    ):
        super().__init__(name)
        self.tokenizer = tokenizer
        self.inline_tags = inline_tags
        self.copies = copies
        self.extra = extra

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,) if self.inline_tags is None else (self.name, "tags")

    @property
    def copies_name(self) -> str:
        """Name of the array of copy ids, for an output that copies."""
        return f"{self.name}_copies"

    def spec(self) -> dict[str, Any]:
        """Return `kind`, `size` (the number of ids, including those of inline tags) and `extra` (see `TextField`)."""
        inline = 0 if self.inline_tags is None else len(self.inline_tags.vocabulary.tokens)
        return {"kind": self.kind, "size": self.tokenizer.vocabulary.size + inline, "extra": self.extra}

    def encode(self, columns: Columns) -> dict[str, Ragged]:
        ids = self.tokenizer.encode(columns[self.name])
        if self.inline_tags is not None:
            tags = self.inline_tags.encode(columns["tags"])
            shift = self.tokenizer.vocabulary.size - FIRST_ORDINARY
            shifted = np.where(tags.values == UNK, UNK, tags.values + shift).astype(np.int32)
            ids = Ragged(shifted, tags.offsets).concatenate_rows(ids)
        return {self.name: ids}

    def encode_copies(self, columns: Columns) -> dict[str, Ragged]:
        """Encode the input that this output copies from as copy ids; empty if the output does not copy."""
        if self.copies is None:
            return {}
        return {self.copies_name: copy_ids(self.copies.tokens(columns), self.tokenizer)}

    def encode_targets(self, columns: Columns) -> Ragged:
        """Encode the texts as targets, each with END; the target of a row without a text (None) is empty."""
        missing = np.array([text is None for text in columns[self.name]], bool)
        texts = [text or "" for text in columns[self.name]] if missing.any() else columns[self.name]
        if self.copies is None:
            ids = self.tokenizer.encode(texts, end=True)
        else:
            ids = copy_targets(self.copies.tokens(columns), self.tokenizer, texts)
        return ids.without(missing) if missing.any() else ids

    def decode(self, ids: Ragged, columns: Columns) -> list[str]:
        """Decode target ids to texts.

        Args:
            ids: one sequence for each row.
            columns: the inputs of the rows, from which tokens may have been copied.
        """
        if self.copies is None:
            return self.tokenizer.decode(ids)
        tokens = self.copies.tokens(columns)
        return [
            self.tokenizer.join(target_tokens(source, self.tokenizer, ids[row])) for row, source in enumerate(tokens)
        ]

    def links(self) -> dict[str, Any]:
        """Return `copies`, the name of the input that the output copies from, or None."""
        return {"copies": self.copies.name if self.copies else None}

    def link(self, inputs: Mapping[str, Field], content: Mapping[str, Any]) -> None:
        if content["copies"] is not None:
            source = inputs[content["copies"]]
            if not isinstance(source, TextField):
                raise ValueError(f"output {self.name!r} must copy from an input of kind 'text'")
            self.copies = source

    def copying(self, source: "TextField | None") -> "TextField":
        """Return the same output, which copies from `source`, or from no input."""
        return TextField(self.name, self.tokenizer, copies=source)

    def tokens(self, columns: Columns) -> list[list[str]]:
        """Split each row into tokens, inline tags first: one token for each id of `encode`."""
        rows = [self.tokenizer.tokenize(text) for text in columns[self.name]]
        if self.inline_tags is None:
            return rows
        return [[*self.inline_tags.tokenize(tags), *row] for tags, row in zip(columns["tags"], rows, strict=True)]

    def keys(self, columns: Columns) -> Sequence[Hashable]:
        texts = list(map(self.tokenizer.key, columns[self.name]))
        if self.inline_tags is None:
            return texts
        return list(zip(texts, map(self.inline_tags.key, columns["tags"]), strict=True))

    def trimmed(self, columns: Columns) -> set[int]:
        rows = trimmed_rows(self.tokenizer, columns[self.name])
        return rows if self.inline_tags is None else rows | trimmed_rows(self.inline_tags, columns["tags"])

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        tags = () if self.inline_tags is None else self.inline_tags.unknown(columns["tags"][row])
        return self.tokenizer.unknown(columns[self.name][row]) + tags

    def to_json(self) -> dict[str, Any]:
        inline = self.inline_tags
        return {
            "kind": self.kind,
            "level": self.tokenizer.level,
            "separator": self.tokenizer.separator,
            "lowercase": self.tokenizer.lowercase,
            "ignore_spacing": self.tokenizer.ignore_spacing,
            "exact_whitespace": self.tokenizer.exact_whitespace,
            "tokens": list(self.tokenizer.vocabulary.tokens),
            "inline_tags": None
            if inline is None
            else {"separator": inline.separator, "tokens": list(inline.vocabulary.tokens)},
            "extra": self.extra,
        }

    @classmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> Self:
        tokens = token_list(content["tokens"])
        if content["level"] == "character" and any(len(token) != 1 for token in tokens):
            raise ValueError("a character vocabulary must contain single characters only")
        if content["level"] == "word" and "ignore_spacing" not in content:
            raise ValueError("its word vocabulary is of an earlier version; train the model again")
        tokenizer = make_tokenizer(
            content["level"],
            content["separator"],
            lowercase=bool(content["lowercase"]),
            exact_whitespace=bool(content.get("exact_whitespace", False)),
            tokens=tokens,
            ignore_spacing=bool(content.get("ignore_spacing", False)),
        )
        inline = content["inline_tags"]
        if inline is not None:
            inline = make_tokenizer(
                "pretokenized", inline["separator"], exact_whitespace=False, tokens=token_list(inline["tokens"])
            )
        extra = content["extra"]
        if type(extra) is not int or not 0 <= extra < max(1, len(tokens)):
            raise ValueError("the number of extra words must be at least 0 and below the number of tokens")
        return cls(name, tokenizer, inline_tags=inline, extra=extra)


def trimmed_rows(tokenizer: Tokenizer, texts: Sequence[str | None]) -> set[int]:
    """Return the rows whose text `Tokenizer.trim` changes."""
    trimmed = [text if text is None else tokenizer.trim(text) for text in texts]
    return {row for row, text in enumerate(texts) if text != trimmed[row]} if trimmed != texts else set()


def token_list(tokens: Any) -> list[str]:
    """Return `tokens` if it is a list of strings.

    Raises:
        ValueError: if it is not a list of strings.
    """
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ValueError("a vocabulary must be a list of strings")
    return tokens
