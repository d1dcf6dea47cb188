"""The signature of a model: its named inputs and outputs, which training, inference and the model file share."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from passerelle.errors import DataError, SettingsError
from passerelle.fields.field import Columns, Field, OutputField, field_from_json
from passerelle.fields.numbers import NumbersField
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField
from passerelle.ragged import Ragged
from passerelle.settings import Settings, TextSettings
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Signature", "fit_text_signature", "fit_tokenizer"]


@dataclass(frozen=True)
class Signature:
    """The named inputs and outputs of a model.

    Attributes:
        inputs: the input fields by name, at least one; the first one is the source, which decoders attend to.
        outputs: the output fields by name, at least one; the first one is the main output.
    """

    inputs: Mapping[str, Field]
    outputs: Mapping[str, OutputField]

    @property
    def source(self) -> Any:
        """The first input."""
        return next(iter(self.inputs.values()))

    @property
    def target(self) -> Any:
        """The first output."""
        return next(iter(self.outputs.values()))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that the inputs read."""
        return tuple(dict.fromkeys(name for field in self.inputs.values() for name in field.columns))

    def with_output(self, output: str, *, copying: bool) -> "Signature":
        """Return a signature with this output only, which copies from the source if `copying` is set."""
        field = self.outputs[output]
        if isinstance(field, TextField):
            field = field.copying(self.source if copying else None)
        return Signature(self.inputs, {output: field})

    @property
    def copying_sizes(self) -> dict[str, int]:
        """The vocabulary size of each output that copies, by name."""
        texts = {name: field for name, field in self.outputs.items() if isinstance(field, TextField)}
        return {name: field.tokenizer.vocabulary.size for name, field in texts.items() if field.copies}

    @property
    def tagged(self) -> bool:
        """Whether the inputs need tags."""
        return "tags" in self.columns

    def encode_inputs(self, columns: Columns) -> dict[str, Ragged]:
        """Encode the inputs of rows: arrays by field name, and the copy ids for each output that copies.

        Args:
            columns: the columns in `self.columns`; others are ignored.
        """
        arrays: dict[str, Ragged] = {}
        for field in self.inputs.values():
            arrays |= field.encode(columns)
        for field in self.outputs.values():
            arrays |= field.encode_copies(columns)
        return arrays

    def encode_targets(self, columns: Columns) -> dict[str, Ragged]:
        """Encode the outputs of rows, by field name; outputs that copy also require the input columns."""
        return {name: field.encode_targets(columns) for name, field in self.outputs.items()}

    def input_keys(self, columns: Columns) -> list[Hashable]:
        """Return a value for each row; it is equal for rows whose inputs are the same to the model."""
        return list(zip(*(field.keys(columns) for field in self.inputs.values()), strict=True))

    def trimmed(self, columns: Columns) -> int:
        """Return the number of rows of which some whitespace or separators are ignored; see `Tokenizer.trim`."""
        fields: list[Field] = [*self.inputs.values(), *self.outputs.values()]
        return len(set().union(*(field.trimmed(columns) for field in fields)))

    def unknown(self, columns: Columns, row: int) -> tuple[str, ...]:
        """Return the distinct parts of the inputs of a row that the training rows did not contain, as text."""
        return tuple(part for field in self.inputs.values() for part in field.unknown(columns, row))

    def specs(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the facts that a network needs: under `inputs` and `outputs`, the `spec` of each field by name."""
        return {
            "inputs": {name: field.spec() for name, field in self.inputs.items()},
            "outputs": {name: field.spec() for name, field in self.outputs.items()},
        }

    def differences(self, other: "Signature") -> list[str]:
        """Return descriptions of the differences, such as `source tokens`; empty if both assign the same ids."""
        found = []
        for mine, theirs in ((self.inputs, other.inputs), (self.outputs, other.outputs)):
            found += [f"field {name}" for name in {**mine, **theirs} if not (name in mine and name in theirs)]
            for name in mine:
                if name in theirs:
                    found += [f"{name} {part}" for part in mine[name].differences(theirs[name])]
        return found

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values; those of outputs with their dependencies on inputs."""
        return {
            "inputs": {name: field.to_json() for name, field in self.inputs.items()},
            "outputs": {name: field.to_json() | field.links() for name, field in self.outputs.items()},
        }

    @classmethod
    def from_json(cls, content: Any) -> "Signature":
        """Create a signature from the result of `to_json`.

        Raises:
            ValueError, KeyError, TypeError or DataError: if `content` does not describe a signature.
        """
        inputs = {name: field_from_json(name, field) for name, field in content["inputs"].items()}
        outputs = {}
        for name, description in content["outputs"].items():
            field = field_from_json(name, description)
            if not isinstance(field, OutputField):
                raise ValueError(f"output {name!r} must have a kind that can be an output")
            field.link(inputs, description)
            outputs[name] = field
        if not inputs or not outputs:
            raise ValueError("a model needs an input and an output")
        return cls(inputs, outputs)


def fit_text_signature(
    settings: Settings, columns: Columns, *, name: str, outputs: Sequence[str] = ("target",)
) -> Signature:
    """Build the vocabularies of the source, the outputs and the tags from the training rows.

    Sources and outputs that are numbers get a scaling instead of a vocabulary.

    Args:
        settings: all settings; with `network.tie` = `all`, source and outputs share one vocabulary.
        columns: the column `source`, that of each output, and `tags` if the settings use tags.
        name: the name of the data, for error messages.
        outputs: the names of the outputs. A row may have no text or numbers (None) of some outputs.

    Raises:
        DataError: if a vocabulary is empty.
    """
    sources = columns["source"]
    numbers, targets = {}, {}
    for output in outputs:
        values = _Present(columns[output])
        has_texts = isinstance(next(iter(values), ""), str)
        (targets if has_texts else numbers)[output] = values
    number_fields = {output: _fit_numbers(output, list(rows)) for output, rows in numbers.items()}
    if len(sources) and not isinstance(sources[0], str):
        found = _signature_of_numbers(settings, columns, targets, name=name)
        return Signature(found.inputs, _in_order(outputs, found.outputs, number_fields))
    if settings.network.tie == "all":
        shared = fit_tokenizer(settings.target, chain(sources, *targets.values()))
        tokenizers = dict.fromkeys(targets, shared)
        source = _reading(shared, settings)
    else:
        tokenizers = {output: fit_tokenizer(settings.output(output), texts) for output, texts in targets.items()}
        source = fit_tokenizer(settings.source, sources, ignore_spacing=settings.source.ignore_spacing)
    mode = settings.tags.mode
    tags = None
    if mode != "none":
        tags = fit_tokenizer(TextSettings(level="pretokenized", separator=settings.tags.separator), columns["tags"])
    _require_tokens(source, "source", settings.source.min_count, name)
    for output, tokenizer in tokenizers.items():
        _require_tokens(tokenizer, output, settings.output(output).min_count, name)
    if tags is not None:
        _require_tokens(tags, "tags", 1, name)
    field = TextField("source", source, inline_tags=tags if mode == "inline" else None)
    inputs: dict[str, Field] = {"source": field}
    if tags is not None and mode == "separate":
        inputs["tags"] = TagsField("tags", tags)
    copies = field if settings.network.copying else None
    texts = {output: TextField(output, tokenizer, copies=copies) for output, tokenizer in tokenizers.items()}
    return Signature(inputs, _in_order(outputs, texts, number_fields))


def _in_order(names: Sequence[str], *groups: Mapping[str, OutputField]) -> dict[str, OutputField]:
    found = {name: field for group in groups for name, field in group.items()}
    return {name: found[name] for name in names}


def _fit_numbers(output: str, rows: Sequence[Any]) -> NumbersField:
    """Fit the scaling of an output of numbers to its rows, which have the same shape (steps, columns)."""
    names = [str(number) for number in range(1, len(rows[0][0]) + 1)]
    return NumbersField.fit(output, {output: rows}, names=names, use="forecast")


@dataclass(frozen=True)
class _Present(Iterable[Any]):
    """The values of a column, without those that a row does not have (None)."""

    column: Iterable[Any]

    def __iter__(self) -> Iterator[Any]:
        return (value for value in self.column if value is not None)


def _reading(shared: Tokenizer, settings: Settings) -> Tokenizer:
    """Return the tokenizer of the source that shares the vocabulary of the outputs."""
    if settings.source.level != "word" or not settings.source.ignore_spacing:
        return shared
    return make_tokenizer(
        "word",
        tokens=shared.vocabulary.tokens,
        lowercase=shared.lowercase,
        exact_whitespace=shared.exact_whitespace,
        ignore_spacing=True,
    )


def _signature_of_numbers(
    settings: Settings, columns: Columns, targets: Mapping[str, Iterable[str]], *, name: str
) -> Signature:
    """Fit the scaling of a source of numbers and build the vocabularies of the outputs."""
    if settings.tags.mode != "none":
        raise SettingsError("tags belong to texts, and the sources are numbers. Set tags.mode to none.")
    outputs = {
        output: TextField(output, fit_tokenizer(settings.output(output), texts)) for output, texts in targets.items()
    }
    for output, field in outputs.items():
        _require_tokens(field.tokenizer, output, settings.output(output).min_count, name)
    names = [str(number) for number in range(1, len(columns["source"][0][0]) + 1)]
    numbers = settings.numbers
    options: dict[str, Any] = {"mode": numbers.scaling, "season": numbers.season, "segment": numbers.segment}
    source = NumbersField.fit("source", columns, names=names, **options)
    return Signature({"source": source}, outputs)


def fit_tokenizer(settings: TextSettings, texts: Iterable[str], *, ignore_spacing: bool = False) -> Tokenizer:
    """Create a tokenizer with the vocabulary of texts.

    Args:
        settings: settings of its side.
        texts: the training texts.
        ignore_spacing: see `WordTokenizer`.

    Raises:
        DataError: if a text is not valid Unicode.
    """
    return make_tokenizer(
        settings.level,
        settings.separator,
        texts=texts,
        lowercase=settings.lowercase,
        exact_whitespace=settings.exact_whitespace,
        size=settings.vocabulary_size,
        min_count=settings.min_count,
        ignore_spacing=ignore_spacing,
    )


def _require_tokens(tokenizer: Tokenizer, field: str, min_count: int, name: str) -> None:
    if not tokenizer.vocabulary.tokens:
        if min_count > 1:
            raise DataError(f"{name}: no {field} token occurs {min_count} times. Lower min_count.")
        raise DataError(f"{name}: the {field} column contains no tokens. Check the separator.")
