"""Preparation: pairs and settings -> everything that a training run needs, checked and encoded."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.data.formats import PairPath
from passerelle.data.lengths import LengthLimits, Lengths
from passerelle.data.pairs import Pairs, check_pairs, read_pairs, split_by_source
from passerelle.data.vectors import WordVectors, read_vectors
from passerelle.errors import DataError, SettingsError
from passerelle.fields.signature import Signature, fit_text_signature
from passerelle.fields.text import TextField
from passerelle.ragged import Ragged
from passerelle.settings import PRESETS, Settings, TextSettings, validated
from passerelle.special_tokens import UNK
from passerelle.text.level import choose_level, make_tokenizer

__all__ = ["Prepared", "Validation", "prepare"]

VALIDATION_BATCH_SIZE = 256

Validation = float | PairPath | Iterable[tuple[str, ...]] | None
"""Share of the sources to hold out, or a file, or a tuple of two side by side, or pairs; 0 holds out none, None a
tenth."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a training run needs.

    Attributes:
        training: the pairs to train on.
        validation: the held-out pairs; may be empty.
        settings: of everything.
        signature: the model's fields, fitted to the training pairs only.
        training_batches: the training pairs, encoded.
        validation_batches: the validation pairs, encoded; None if there are none.
        lengths: of the training pairs.
        level_chosen: which level was chosen and why, where settings left it open; else empty.
        vectors: ready-made word vectors by field.
    """

    training: Pairs
    validation: Pairs
    settings: Settings
    signature: Signature
    training_batches: Batches
    validation_batches: Batches | None
    lengths: Lengths
    level_chosen: str = ""
    vectors: Mapping[str, WordVectors] = field(default_factory=dict)

    @property
    def extra_words(self) -> int:
        """How many of the last source tokens only have ready-made vectors: training never shows them."""
        return self.signature.source.extra

    @property
    def vector_coverage(self) -> dict[str, dict[str, Any]]:
        """By field with ready-made vectors: tokens of the training pairs, those of them with a vector, the file."""
        found = {}
        for name, vectors in self.vectors.items():
            rows = self.vector_rows(name)[0]
            found[name] = {"tokens": len(rows), "with_vectors": int((rows >= 0).sum()), "file": vectors.name}
        return found

    def vector_rows(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Finds the row of each token of a field in its vectors, -1 where it has none: trained tokens, extra words."""
        fields: Mapping[str, Any] = {**self.signature.inputs, **self.signature.outputs}
        rows = self.vectors[name].rows(fields[name].tokenizer.vocabulary.tokens)
        trained = len(rows) - fields[name].extra
        return rows[:trained], rows[trained:]

    @property
    def unknown_validation_tokens(self) -> dict[str, int]:
        """Validation tokens without an id, by field; target ones weigh nothing if UNK has no column."""
        source, target = self.signature.source.name, self.signature.target.name
        batches = self.validation_batches
        if batches is None:
            return {source: 0, target: 0}
        arrays = {source: batches.inputs[source], target: batches.targets[target]}
        return {name: int(np.count_nonzero(ids.values == UNK)) for name, ids in arrays.items()}

    @property
    def overlap(self) -> int:
        """Distinct validation sources, with their tags, that are trained on too: they make its figures too good."""
        return len(set(self.training.inputs()) & set(self.validation.inputs()))

    def with_seed(self, seed: int) -> "Prepared":
        """The same pairs, split and vocabularies, with other first weights and another order of batches.

        Its settings hold `seed`, though another one may have made the split.

        Raises:
            SettingsError: if `seed` is out of range.
        """
        values = self.settings.model_dump()
        values["training"]["seed"] = seed
        return replace(
            self, settings=validated(Settings, values), training_batches=self.training_batches.with_seed(seed)
        )


@dataclass(frozen=True)
class _Encoded:
    """Some pairs and their arrays by field."""

    pairs: Pairs
    inputs: dict[str, Ragged]
    targets: dict[str, Ragged]

    @classmethod
    def of(cls, pairs: Pairs, signature: Signature) -> "_Encoded":
        return cls(pairs, signature.encode_inputs(pairs.columns), signature.encode_targets(pairs.columns))

    @property
    def source_lengths(self) -> np.ndarray:
        return next(iter(self.inputs.values())).lengths

    @property
    def target_lengths(self) -> np.ndarray:
        """END not counted."""
        return next(iter(self.targets.values())).lengths - 1

    def within(self, limits: LengthLimits) -> Pairs:
        """The pairs that are not too long; the same object where none is."""
        return limits.filter(self.pairs, self.source_lengths, self.target_lengths)


def prepare(
    pairs: Iterable[tuple[str, ...]],
    settings: Settings,
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
) -> Prepared:
    """Splits the pairs, fits the fields and encodes the pairs; see `train`.

    Raises:
        DataError: if fewer than two pairs are left to train on, a field has no tokens, or vectors cannot be read.
        SettingsError: if `validation` is no share, or vectors do not fit the settings.
    """
    files = {side: path for side, path in (("source", source_vectors), ("target", target_vectors)) if path is not None}
    pairs = check_pairs(pairs, tagged=settings.tags.mode != "none")
    training, held_out = _split(pairs, validation, settings.training.seed)
    if len(training) < 2:
        raise DataError(f"{training.name}: fewer than two pairs to train on ({len(training)}). Give more.")
    settings, level_chosen = _with_levels(settings, training)
    _check_vectors(settings, files)
    signature, encoded, limits = _fitted(settings, training)
    vectors = _read_vectors(settings, signature, files)
    settings = _as_wide(settings, vectors)
    if extended := _with_extra_words(signature, vectors):
        signature = extended
        encoded = _Encoded.of(encoded.pairs, signature)
    validating = _Encoded.of(held_out, signature)
    if (shorter := validating.within(limits)) is not held_out:
        validating = _Encoded.of(shorter, signature)
    return Prepared(
        encoded.pairs,
        validating.pairs,
        settings,
        signature,
        _training_batches(encoded, signature, settings),
        Batches(validating.inputs, validating.targets, VALIDATION_BATCH_SIZE, seed=None) if validating.pairs else None,
        Lengths.of(encoded.source_lengths, encoded.target_lengths),
        level_chosen,
        vectors,
    )


def _fitted(settings: Settings, training: Pairs) -> tuple[Signature, _Encoded, LengthLimits]:
    """The fields fitted to the pairs that are not too long to train on, and these pairs, encoded."""
    signature = fit_text_signature(settings, training.columns, name=training.name)
    encoded = _Encoded.of(training, signature)
    own = settings.source.max_length, settings.target.max_length
    limits = LengthLimits.of(encoded.source_lengths, encoded.target_lengths, *own)
    shorter = encoded.within(limits)
    if shorter is not training:
        if len(shorter) < 2:
            *_, reason = shorter.skipped
            raise DataError(f"{training.name}: fewer than two pairs are left to train on; the others are {reason}.")
        signature = fit_text_signature(settings, shorter.columns, name=shorter.name)
        encoded = _Encoded.of(shorter, signature)
    return signature, encoded, limits


def _training_batches(encoded: _Encoded, signature: Signature, settings: Settings) -> Batches:
    own = settings.training
    return Batches(
        encoded.inputs,
        encoded.targets,
        own.batch_size,
        seed=own.seed,
        batch_type=own.batch_type,
        copy_masking=own.copy_masking,
        target_sizes={
            name: field.tokenizer.vocabulary.size for name, field in signature.outputs.items() if field.copies
        },
    )


def _split(pairs: Pairs, validation: Validation, seed: int) -> tuple[Pairs, Pairs]:
    """The training pairs and the validation pairs."""
    tagged = pairs.tags is not None
    if validation is None or isinstance(validation, Real):
        if validation is not None and not 0 <= float(validation) < 1:
            raise SettingsError(f"validation must be a share from 0 to 1 (exclusive), received: {validation!r}")
        return split_by_source(pairs, None if validation is None else float(validation), seed=seed)
    named = validation if isinstance(validation, tuple) else (validation,)
    if named and all(isinstance(path, (str, os.PathLike)) for path in named):
        return pairs, read_pairs(named, tag_column=3 if tagged else None)  # pyright: ignore[reportArgumentType]
    return pairs, check_pairs(validation, name="validation", tagged=tagged)  # pyright: ignore[reportArgumentType]


def _with_levels(settings: Settings, training: Pairs) -> tuple[Settings, str]:
    """The settings with a level for each side, and why it is that where they left it open."""
    values = settings.model_dump()
    open_sides = [values[side] for side in ("source", "target") if values[side]["level"] == "auto"]
    if not open_sides:
        return settings, ""
    level, reason = choose_level(training.sources, training.targets)
    for side in open_sides:
        side["level"] = level
    return validated(Settings, values), f"level {level}: {reason}"


def _check_vectors(settings: Settings, files: Mapping[str, Any]) -> None:
    for side in files:
        text: TextSettings = getattr(settings, side)
        if text.level != "word":
            raise SettingsError(f"{side} vectors are of words, and {side}.level is {text.level!r}; use level 'word'")
    if files and settings.network.tie == "all":
        raise SettingsError(
            "ready-made vectors are one side's, and network.tie 'all' has one table for both; use tie 'target'"
        )
    if "target" in files and not settings.network.decoder.feedback:
        raise SettingsError("target vectors are read by the decoder; they need network.decoder.feedback = true")
    if "source" in files and settings.tags.mode == "inline" and settings.source.vector_words:
        raise SettingsError(
            "extra words and inline tags both have the ids after the source's tokens; use tags.mode 'separate' or "
            "source.vector_words = 0"
        )


def _read_vectors(settings: Settings, signature: Signature, files: Mapping[str, Any]) -> dict[str, WordVectors]:
    """The vectors of each side's words; of the source's, those of further words of the file too."""
    extra = {"source": settings.source.vector_words}
    fields: Mapping[str, Any] = {**signature.inputs, **signature.outputs}
    return {
        side: read_vectors(path, fields[side].tokenizer.vocabulary.tokens, first=extra.get(side, 0))
        for side, path in files.items()
    }


def _with_extra_words(signature: Signature, vectors: Mapping[str, WordVectors]) -> Signature | None:
    """The signature whose source also has the words that only its vectors know; None if there are none."""
    source = signature.source
    extra = vectors["source"].extra_words(source.tokenizer) if "source" in vectors else []
    if not extra:
        return None
    tokens = [*source.tokenizer.vocabulary.tokens, *extra]
    tokenizer = make_tokenizer("word", tokens=tokens, lowercase=source.tokenizer.lowercase)
    wider = TextField(source.name, tokenizer, inline_tags=source.inline_tags, extra=len(extra))
    outputs = {
        name: TextField(name, field.tokenizer, copies=wider if field.copies else None)
        for name, field in signature.outputs.items()
    }
    return Signature({**signature.inputs, source.name: wider}, outputs)


def _as_wide(settings: Settings, vectors: Mapping[str, WordVectors]) -> Settings:
    """The settings with embeddings as wide as ready-made vectors, where nobody asked for another width."""
    values = settings.model_dump()
    usual = PRESETS[settings.preset].settings.network if settings.preset in PRESETS else None
    for side, own in vectors.items():
        name = "encoder" if side == "source" else "decoder"
        part = values["network"][name]
        if part["embedding"] not in (own.dimension, usual and getattr(usual, name).embedding):
            raise SettingsError(
                f"network.{name}.embedding is {part['embedding']}, and the vectors of {own.name} have {own.dimension} "
                f"numbers; leave embedding out"
            )
        part["embedding"] = own.dimension
    return validated(Settings, values)
