"""Text as an input or an output: ids of characters, words, subwords or ready-made tokens."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from passerelle.fields.copying import copy_ids, copy_targets, target_tokens
from passerelle.fields.field import Columns, Field
from passerelle.ragged import Ragged
from passerelle.special_tokens import FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["TextField", "token_list"]


class TextField(Field):
    """One text a row.

    Args:
        name: see `Field`.
        tokenizer: text <-> ids.
        inline_tags: the tokenizer of tags that are read as tokens before the text's own; None without. They are in the
            column `tags`.
        copies: of an output, the input whose tokens it may copy, known or not; None without.
        extra: of an input, how many of the last tokens only have ready-made vectors, which training leaves as they are.
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
        """Name of the array with the output's id for each token of the input that it copies."""
        return f"{self.name}_copies"

    def spec(self) -> dict[str, Any]:
        """`size`: the ids, those of inline tags included; `extra`: see `TextField`."""
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
        """Encodes, of a copying output, the input's tokens as ids of this field; nothing if it does not copy."""
        if self.copies is None:
            return {}
        return {self.copies_name: copy_ids(self.copies.tokens(columns), self.tokenizer)}

    def encode_targets(self, columns: Columns) -> Ragged:
        """Encodes the texts as targets, END after each."""
        if self.copies is None:
            return self.tokenizer.encode(columns[self.name], end=True)
        return copy_targets(self.copies.tokens(columns), self.tokenizer, columns[self.name])

    def decode(self, ids: Ragged, columns: Columns) -> list[str]:
        """Decodes target ids, one sequence for each row of inputs in `columns`."""
        if self.copies is None:
            return self.tokenizer.decode(ids)
        tokens = self.copies.tokens(columns)
        return [self.tokenizer.join(target_tokens(own, self.tokenizer, ids[row])) for row, own in enumerate(tokens)]

    def tokens(self, columns: Columns) -> list[list[str]]:
        """Splits each row into tokens, inline tags first: one token for each id of `encode`."""
        own = [self.tokenizer.tokenize(text) for text in columns[self.name]]
        if self.inline_tags is None:
            return own
        return [[*self.inline_tags.tokenize(tags), *row] for tags, row in zip(columns["tags"], own, strict=True)]

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
            raise ValueError("a vocabulary of characters holds more than single characters")
        tokenizer = make_tokenizer(
            content["level"], content["separator"], lowercase=bool(content["lowercase"]), tokens=tokens
        )
        inline = content["inline_tags"]
        if inline is not None:
            inline = make_tokenizer("pretokenized", inline["separator"], tokens=token_list(inline["tokens"]))
        extra = content["extra"]
        if type(extra) is not int or not 0 <= extra < max(1, len(tokens)):
            raise ValueError("the number of extra words is out of bounds")
        return cls(name, tokenizer, inline_tags=inline, extra=extra)


def token_list(tokens: Any) -> list[str]:
    """Returns `tokens` if it is a list of strings.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ValueError("a vocabulary holds values that are not text")
    return tokens
