"""The signature of a model: its named inputs and outputs, which training and translation share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from passerelle.errors import DataError
from passerelle.fields.field import Columns, Field, field_from_json
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField
from passerelle.ragged import Ragged
from passerelle.settings import Settings, TextSettings
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Signature", "fit_text_signature"]


@dataclass(frozen=True)
class Signature:
    """Named inputs and outputs.

    Attributes:
        inputs: the fields that a model reads; the first one is the source that decoders attend to.
        outputs: the fields that it writes, at least one; the first one is the main output.
    """

    inputs: Mapping[str, Field]
    outputs: Mapping[str, TextField]

    @property
    def source(self) -> Any:
        """The first input."""
        return next(iter(self.inputs.values()))

    @property
    def target(self) -> TextField:
        """The first output."""
        return next(iter(self.outputs.values()))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that the inputs read."""
        return tuple(dict.fromkeys(name for field in self.inputs.values() for name in field.columns))

    def with_output(self, output: str, *, copying: bool) -> "Signature":
        """Returns the signature with this output only, which copies from the source or not."""
        field = self.outputs[output]
        return Signature(
            self.inputs, {output: TextField(output, field.tokenizer, copies=self.source if copying else None)}
        )

    @property
    def tagged(self) -> bool:
        """Whether the inputs need tags."""
        return "tags" in self.columns

    def encode_inputs(self, columns: Columns) -> dict[str, Ragged]:
        """Encodes the inputs of some rows: arrays by name, and where an output copies, its ids of the source's tokens.

        Args:
            columns: those that `self.columns` names; others are ignored.
        """
        arrays: dict[str, Ragged] = {}
        for field in self.inputs.values():
            arrays |= field.encode(columns)
        for field in self.outputs.values():
            arrays |= field.encode_copies(columns)
        return arrays

    def encode_targets(self, columns: Columns) -> dict[str, Ragged]:
        """Encodes the outputs of some rows, by field name; copying ones read the inputs too."""
        return {name: field.encode_targets(columns) for name, field in self.outputs.items()}

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        """Returns the distinct parts of a row's inputs that training never showed."""
        return tuple(part for field in self.inputs.values() for part in field.unknown(columns, row))

    def specs(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Returns what a network must know: `inputs` and `outputs`, each field's `spec` by name."""
        return {
            "inputs": {name: field.spec() for name, field in self.inputs.items()},
            "outputs": {name: field.spec() for name, field in self.outputs.items()},
        }

    def differences(self, other: "Signature") -> list[str]:
        """Names what differs in `other`, such as `source tokens`; empty if both share all ids."""
        found = []
        for own, others in ((self.inputs, other.inputs), (self.outputs, other.outputs)):
            found += [f"field {name}" for name in {**own, **others} if not (name in own and name in others)]
            for name in own:
                if name in others:
                    found += [f"{name} {part}" for part in own[name].differences(others[name])]
        return found

    def to_json(self) -> dict[str, Any]:
        """Returns JSON values of all fields; `copies` names the input that an output copies from."""
        return {
            "inputs": {name: field.to_json() for name, field in self.inputs.items()},
            "outputs": {
                name: field.to_json() | {"copies": field.copies.name if field.copies else None}
                for name, field in self.outputs.items()
            },
        }

    @classmethod
    def from_json(cls, content: Any) -> "Signature":
        """Makes the signature that `to_json` described.

        Raises:
            ValueError, KeyError, TypeError or DataError: if the content describes none.
        """
        inputs = {name: field_from_json(name, own) for name, own in content["inputs"].items()}
        outputs = {}
        for name, own in content["outputs"].items():
            field = field_from_json(name, own)
            if not isinstance(field, TextField):
                raise ValueError(f"output {name!r} is not of kind 'text'")
            if own["copies"] is not None:
                source = inputs[own["copies"]]
                if not isinstance(source, TextField):
                    raise ValueError(f"output {name!r} copies from what is not text")
                field.copies = source
            outputs[name] = field
        if not inputs or not outputs:
            raise ValueError("a model needs an input and an output")
        return cls(inputs, outputs)


def fit_text_signature(settings: Settings, columns: Columns, *, name: str) -> Signature:
    """Learns the vocabularies of pairs of texts, with or without tags, from the training rows.

    Args:
        settings: of everything; with `network.tie` = `all`, both sides share one vocabulary.
        columns: `source` and `target`, and `tags` where the settings have them.
        name: where the rows come from, for messages.

    Raises:
        DataError: if a field has no tokens.
    """
    sources, targets = columns["source"], columns["target"]
    if settings.network.tie == "all":
        sources = targets = [*sources, *targets]
    source = _fitted(settings.source, sources)
    target = source if sources is targets else _fitted(settings.target, targets)
    mode = settings.tags.mode
    tags = None
    if mode != "none":
        tags = _fitted(TextSettings(level="pretokenized", separator=settings.tags.separator), columns["tags"])
    _require_tokens(source, "source", settings.source.min_count, name)
    _require_tokens(target, "target", settings.target.min_count, name)
    if tags is not None:
        _require_tokens(tags, "tags", 1, name)
    inputs: dict[str, Field] = {"source": TextField("source", source, inline_tags=tags if mode == "inline" else None)}
    if tags is not None and mode == "separate":
        inputs["tags"] = TagsField("tags", tags)
    copies = inputs["source"] if settings.network.copying else None
    return Signature(inputs, {"target": TextField("target", target, copies=copies)})  # pyright: ignore[reportArgumentType]


def _fitted(settings: TextSettings, texts: Sequence[str]) -> Tokenizer:
    return make_tokenizer(
        settings.level,
        settings.separator,
        texts=texts,
        lowercase=settings.lowercase,
        size=settings.vocabulary_size,
        min_count=settings.min_count,
    )


def _require_tokens(tokenizer: Tokenizer, field: str, min_count: int, name: str) -> None:
    if not tokenizer.vocabulary.tokens:
        if min_count > 1:
            raise DataError(f"{name}: no {field} token occurs {min_count} times. Lower min_count.")
        raise DataError(f"{name}: no {field} holds a token between its separators.")
