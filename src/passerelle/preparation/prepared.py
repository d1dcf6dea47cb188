"""Prepared data: pairs, signature, batches and settings, ready for training, and facts about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.data.lengths import Lengths
from passerelle.data.pairs import Pairs
from passerelle.data.row_keys import row_numbers
from passerelle.data.vectors import WordVectors
from passerelle.fields.signature import Signature
from passerelle.fine_tuning.plan import FineTuning
from passerelle.ragged import Ragged
from passerelle.scripts import has_no_spaces
from passerelle.settings import Settings, validated
from passerelle.special_tokens import UNK

__all__ = ["NO_PAIRS", "Prepared"]

NO_PAIRS = Pairs((), ())


@dataclass(frozen=True)
class Prepared:
    """Prepared data: the result of `prepare`.

    Attributes:
        training: training pairs.
        validation: validation pairs; may be empty.
        settings: complete settings, with levels and embedding widths resolved.
        signature: fields of the model, fitted to the training pairs only.
        training_batches: encoded training pairs.
        validation_batches: encoded validation pairs; None without validation pairs.
        lengths: lengths of the training pairs; with several outputs, those of the longest target of each pair.
        choices: what was chosen for the preset `auto` and the level `auto`, with the reasons, one line each.
        vectors: pretrained word vectors by field.
        output_lengths: lengths of the training pairs of each of several outputs; empty for one output.
        fine_tuning: the model from whose weights training starts, and more; None to start from new weights.
        old: old pairs of which each epoch has a sample; empty without any.
        old_validation: pairs that measure what fine-tuning forgets; empty without any.
    """

    training: Pairs
    validation: Pairs
    settings: Settings
    signature: Signature
    training_batches: Batches
    validation_batches: Batches | None
    lengths: Lengths
    choices: tuple[str, ...] = ()
    vectors: Mapping[str, WordVectors] = field(default_factory=dict)
    output_lengths: Mapping[str, Lengths] = field(default_factory=dict)
    fine_tuning: FineTuning | None = None
    old: Pairs = NO_PAIRS
    old_validation: Pairs = NO_PAIRS

    @property
    def output_weights(self) -> dict[str, float]:
        """The weight of the loss of each output; 1 for one output."""
        weights = {name: output.weight for name, output in self.settings.outputs.items()}
        return {name: weights.get(name, 1.0) for name in self.signature.outputs}

    @property
    def extra_words(self) -> int:
        """Number of extra words: source tokens, last in the vocabulary, that occur only in the pretrained vectors."""
        return getattr(self.signature.source, "extra", 0)  # sequences of numbers have no words

    @property
    def vector_coverage(self) -> dict[str, dict[str, Any]]:
        """Coverage by field: number of training tokens, number of these with a pretrained vector, vector file."""
        coverage = {}
        for name, vectors in self.vectors.items():
            rows = self.vector_rows(name)[0]
            coverage[name] = {"tokens": len(rows), "with_vectors": int((rows >= 0).sum()), "file": vectors.name}
        return coverage

    def vector_rows(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the row of each token in the field's vectors, -1 without a vector: (training tokens, extra words)."""
        fields: Mapping[str, Any] = {**self.signature.inputs, **self.signature.outputs}
        rows = self.vectors[name].rows(fields[name].tokenizer.vocabulary.tokens)
        trained = len(rows) - fields[name].extra
        return rows[:trained], rows[trained:]

    @property
    def unknown_validation_tokens(self) -> dict[str, int]:
        """Number of unknown tokens in the validation pairs, by field.

        The loss ignores those of an output if the network has no column for UNK.
        """
        return self._unknown_tokens(self.validation_batches)

    @property
    def unknown_training_tokens(self) -> dict[str, int]:
        """Number of unknown tokens in the training pairs, old ones included, by field."""
        return self._unknown_tokens(self.training_batches)

    def _unknown_tokens(self, batches: Batches | None) -> dict[str, int]:
        source, outputs = self.signature.source.name, self.signature.outputs
        if batches is None:
            return dict.fromkeys([source, *outputs], 0)
        arrays = {source: batches.inputs[source], **{name: batches.targets[name] for name in outputs}}
        return {name: ids.count(UNK) if ids.values.ndim == 1 else 0 for name, ids in arrays.items()}

    @cached_property
    def overlap(self) -> int:
        """Number of distinct validation sources (with their tags) that are also used for training.

        Sources are the same if they are the same to the tokenizer. They make the validation results look better than
        they are.
        """
        if self.validation_batches is None:
            return 0
        held_out = {key for block in self.validation.blocks() for key in self.signature.input_keys(block.columns)}
        rows = _rows_in(self.training_batches.source, self.validation_batches.source)
        used: set[Any] = set()
        for pairs in (self.training, self.old):
            own, rows = rows[rows < len(pairs)], rows[rows >= len(pairs)] - len(pairs)
            for block in pairs.select(own).blocks() if len(own) else ():
                used.update(held_out.intersection(self.signature.input_keys(block.columns)))
        return len(used)

    @cached_property
    def trimmed(self) -> int:
        """Number of training and validation pairs with whitespace or separators that mean nothing and are ignored."""
        trimmed = 0
        for pairs in (self.training, self.validation):
            with pairs.step("comparing whitespace"):
                trimmed += sum(self.signature.trimmed(block.columns) for block in pairs.blocks())
        return trimmed

    @cached_property
    def sides_without_spaces(self) -> list[str]:
        """The source and the outputs at level `word` whose texts are written without spaces.

        A token of theirs is a whole sentence.
        """
        sides = {"source": self.settings.source} | {name: self.settings.output(name) for name in self.signature.outputs}
        columns = self.training.columns
        return [
            name
            for name, settings in sides.items()
            if settings.level == "word" and has_no_spaces(text for text in columns[name] if isinstance(text, str))
        ]

    def examine(self) -> None:
        """Compute the facts that need all texts, which are computed once; for large pairs, that takes a while."""
        for pairs in (self.training, self.validation):
            with pairs.step("computing fingerprints"):
                pairs.fingerprint()
        _ = self.overlap, self.trimmed

    def with_seed(self, seed: int) -> "Prepared":
        """Return the same prepared data with another seed for initial weights and batch order.

        Its settings contain the new `seed`, although the split was made with the old one.

        Raises:
            SettingsError: if `seed` is out of range.
        """
        values = self.settings.model_dump()
        values["training"]["seed"] = seed
        other = replace(
            self, settings=validated(Settings, values), training_batches=self.training_batches.with_seed(seed)
        )
        same = ("overlap", "trimmed", "sides_without_spaces")  # they do not depend on the seed
        other.__dict__.update({name: self.__dict__[name] for name in same if name in self.__dict__})
        return other


def _rows_in(sources: Ragged, others: Ragged) -> np.ndarray:
    """Return the rows whose source may be one of others, int (n,): all rows for sequences of numbers."""
    if sources.values.ndim > 1:
        return np.arange(len(sources))
    mine, theirs = (ids.hashes() for ids in (sources, others))
    return row_numbers(np.isin(mine, np.unique(theirs)))
