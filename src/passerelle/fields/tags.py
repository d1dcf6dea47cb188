"""Tags: labels of a source that control its translation, such as `V;PST`, `formal` or `fr`."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

from passerelle.fields.field import Columns, Field
from passerelle.fields.text import token_list, trimmed_rows
from passerelle.ragged import Ragged
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["TagsField"]


class TagsField(Field):
    """Tags as a separate input with its own encoder; their order has no effect.

    Args:
        name: see `Field`.
        tokenizer: the tokenizer of the tags of a row.
    """

    kind = "tags"

    def __init__(self, name: str, tokenizer: Tokenizer):
        super().__init__(name)
        self.tokenizer = tokenizer

    def encode(self, columns: Columns) -> dict[str, Ragged]:
        return {self.name: self.tokenizer.encode(columns[self.name])}

    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind, "size": self.tokenizer.vocabulary.size}

    def keys(self, columns: Columns) -> Sequence[Hashable]:
        return [tuple(sorted(self.tokenizer.tokenize(tags))) for tags in columns[self.name]]

    def trimmed(self, columns: Columns) -> set[int]:
        return trimmed_rows(self.tokenizer, columns[self.name])

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        return self.tokenizer.unknown(columns[self.name][row])

    def to_json(self) -> dict[str, Any]:
        tokens = list(self.tokenizer.vocabulary.tokens)
        return {"kind": self.kind, "separator": self.tokenizer.separator, "tokens": tokens}

    @classmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> Self:
        tokens = token_list(content["tokens"])
        return cls(name, make_tokenizer("pretokenized", content["separator"], exact_whitespace=False, tokens=tokens))
