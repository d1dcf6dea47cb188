"""Pairs in, translator out: the way from a file of pairs to a trained translator."""

import importlib.metadata
import os
import platform
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from numbers import Real
from typing import Any, Unpack

import keras
import numpy as np

from passerelle.config import Settings, TextSettings, validated
from passerelle.data.batches import Batches
from passerelle.data.formats import PairPath
from passerelle.data.lengths import LengthLimits
from passerelle.data.pairs import Pairs, check_pairs, read_pairs, split_by_source
from passerelle.data.rows import padded_width
from passerelle.data.vectors import WordVectors, read_vectors
from passerelle.errors import DataError, SettingsError
from passerelle.inference.lengths import Lengths
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.options import Options, choose_settings
from passerelle.presets import PRESETS
from passerelle.special_tokens import FIRST_ORDINARY, UNK
from passerelle.text.codec import Codec, make_codec
from passerelle.text.level import choose_level, make_tokenizer
from passerelle.text.sequences import Sequences
from passerelle.training.trainer import Epoch, History, Progress, fit
from passerelle.translator import Translator

__all__ = ["Lesson", "Sample", "prepare", "train"]

VALIDATION_BATCH = 256

Validation = float | PairPath | Iterable[tuple[str, ...]] | None

Ids = tuple[dict[str, Sequences], Sequences]
"""Of some pairs: a network's inputs by name, and the targets."""


@dataclass(frozen=True)
class Sample:
    """One validation source, translated after an epoch.

    Attributes:
        source: the text.
        translation: the translator's.
        reference: one right answer.
    """

    source: str
    translation: str
    reference: str


def train(
    pairs: Iterable[tuple[str, ...]],
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[Epoch, Sample | None], None] = lambda epoch, sample: None,
    **options: Unpack[Options],
) -> Translator:
    """Trains a translator.

    Args:
        pairs: (source, target) texts, for example from `read_pairs`; where settings place tags, (source, target,
            tags).
        validation: share of the sources to hold out, or a file, or a tuple of two side by side, or pairs; 0 holds out
            none, None a tenth.
        source_vectors: a file of ready-made word vectors with which the source's begin; see `data.vectors`.
        target_vectors: likewise.
        on_progress: called a few times a second.
        on_epoch: called after each epoch, with an unseen sentence translated.
        **options: see `Options`.

    Returns:
        The translator. Ctrl-C ends training early: the translator has learned what it could by then, and its
        record says `interrupted`.

    Raises:
        DataError: if the pairs cannot be used.
        SettingsError: if an option or a setting is unknown or wrong.
    """
    lesson = prepare(
        pairs,
        choose_settings(**options),
        validation=validation,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
    )
    return lesson.teach(on_progress=on_progress, on_epoch=on_epoch)


@dataclass(frozen=True)
class Lesson:
    """Everything that training needs, ready and checked.

    Attributes:
        training: pairs to learn from.
        validation: pairs to be examined on; may be empty.
        settings: of everything.
        codec: the tokenizers, their vocabularies from the training pairs alone.
        training_batches: ids of the training pairs.
        validation_batches: ids of the validation pairs, or None.
        level_chosen: which level was chosen and why, where settings left it open; else empty.
        vectors: ready-made word vectors by side.
        beyond: how many of the last source tokens are known by their vectors alone.
    """

    training: Pairs
    validation: Pairs
    settings: Settings
    codec: Codec
    training_batches: Batches
    validation_batches: Batches | None
    level_chosen: str = ""
    vectors: Mapping[str, WordVectors] = field(default_factory=dict)
    beyond: int = 0

    @property
    def coverage(self) -> dict[str, dict[str, Any]]:
        """By side with ready-made vectors: tokens of the training pairs, those of them with a vector, the file."""
        found = {}
        for side, vectors in self.vectors.items():
            rows = self._rows(side)[0]
            found[side] = {"tokens": len(rows), "with_vectors": int((rows >= 0).sum()), "file": vectors.name}
        return found

    def _rows(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Which vector each token has, -1 where it has none: of tokens that are trained, and of those beyond."""
        tokens = getattr(self.codec, side).vocabulary.tokens
        rows = self.vectors[side].rows(tokens)
        trained = len(rows) - (self.beyond if side == "source" else 0)
        return rows[:trained], rows[trained:]

    @property
    def uncounted(self) -> dict[str, int]:
        """Validation tokens without an id, by side; target ones weigh nothing without a column."""
        batches = self.validation_batches
        if batches is None:
            return {"source": 0, "target": 0}
        return {
            side: int(np.count_nonzero(ids.ids == UNK))
            for side, ids in (("source", batches.sources), ("target", batches.targets))
        }

    def with_seed(self, seed: int) -> "Lesson":
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

    def build(self) -> Translator:
        """An untrained translator; its first weights depend on the seed alone."""
        training = self.settings.training
        with _seeded(training.seed):
            network = SequenceToSequence(
                self.settings.network,
                self.codec.source_size,
                self.codec.target.vocabulary.size,
                self.codec.tag_size,
                self.beyond,
            )
        self._place_vectors(network)
        batches = self.training_batches
        lengths = Lengths.of(batches.sources.lengths, batches.targets.lengths - 1)
        return Translator(network, self.codec, self.settings, lengths)

    def _place_vectors(self, network: SequenceToSequence) -> dict[str, np.ndarray]:
        """Gives the network the ready-made vectors; returns which rows of which variables they are."""
        placed = {}
        for side, vectors in self.vectors.items():
            rows, beyond = self._rows(side)
            table = network.table(side)
            begin = FIRST_ORDINARY - (network.first_source if side == "source" else network.first_target)
            values, known = np.array(table.value), np.zeros(table.shape[0], bool)
            known[begin : begin + len(rows)] = rows >= 0
            values[known] = vectors.values[rows[rows >= 0]]
            table.assign(values)
            placed[table.path] = known
            if len(beyond):
                network.table(side, "fixed_table").assign(vectors.values[beyond])
        return placed

    def teach(
        self,
        *,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_epoch: Callable[[Epoch, Sample | None], None] = lambda epoch, sample: None,
    ) -> Translator:
        """Builds and trains a translator; see `train`."""
        translator = self.build()

        samples = self._samples()

        def report(epoch: Epoch) -> None:
            row = samples[(epoch.number - 1) % len(samples)] if samples else None
            sample = None
            if row is not None:
                source, tags = self.validation.sources[row], self.validation.tags
                translation = translator.translate(source, tags=tags[row] if tags else None)
                sample = Sample(source, translation, self.validation.targets[row])
            on_epoch(epoch, sample)

        history = fit(
            translator.network,
            self.training_batches,
            self.validation_batches,
            self.settings.training,
            held=self._place_vectors(translator.network),
            on_progress=on_progress,
            on_epoch=report,
        )
        translator.record = self._record(history)
        return translator

    def _samples(self) -> list[int]:
        """Validation rows to show, in random order; one width of source, so that one compiled search serves all."""
        if self.validation_batches is None:
            return []
        widths = [padded_width(int(length)) for length in self.validation_batches.sources.lengths]
        usual = max(set(widths), key=widths.count)
        rows = [row for row, width in enumerate(widths) if width == usual]
        return random.Random(self.settings.training.seed).sample(rows, len(rows))

    @property
    def overlap(self) -> int:
        """Distinct validation sources, with their tags, that are learned from too: they make its figures too good."""
        return len(set(self.training.questions()) & set(self.validation.questions()))

    def _record(self, history: History) -> dict[str, Any]:
        versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", keras.backend.backend())}
        return {
            "data": {
                "name": self.training.name,
                "training_pairs": len(self.training),
                "validation_pairs": len(self.validation),
                "training_sha256": self.training.fingerprint(),
                "validation_sha256": self.validation.fingerprint(),
                "unknown_validation_tokens": self.uncounted,
                "validation_sources_learned_from": self.overlap,
                "training_pairs_passed_over": dict(self.training.passed_over),
                "validation_pairs_passed_over": dict(self.validation.passed_over),
            }
            | ({"vectors": self.coverage, "source_tokens_beyond_the_pairs": self.beyond} if self.vectors else {}),
            "versions": {"python": platform.python_version()} | versions,
            "padding_share": round(self.training_batches.padding_share(), 4),
            "kept_epoch": history.kept,
            "interrupted": history.interrupted,
            "diverged": history.diverged,
            "epochs": [asdict(epoch) for epoch in history.epochs],
        }


def prepare(
    pairs: Iterable[tuple[str, ...]],
    settings: Settings,
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
) -> Lesson:
    """Splits the pairs, learns the vocabularies and turns texts into ids; see `train`.

    Raises:
        DataError: if fewer than two pairs are left to learn from, a side has no tokens, or vectors cannot be read.
        SettingsError: if `validation` is no share, or vectors do not go with the settings.
    """
    files = {side: path for side, path in (("source", source_vectors), ("target", target_vectors)) if path is not None}
    tagged = settings.tags.mode != "none"
    training, held_out = _split(check_pairs(pairs, tagged=tagged), validation, settings.training.seed)
    if len(training) < 2:
        raise DataError(f"{training.name}: fewer than two pairs to learn from ({len(training)}). Give more.")
    settings, level_chosen = _with_levels(settings, training)
    _check_vectors(settings, files)
    training, codec, ids, limits = _within_limits(settings, training)
    vectors = _read_vectors(settings, codec, files)
    settings = _as_wide(settings, vectors)
    beyond = vectors["source"].beyond(codec.source) if "source" in vectors else []
    if beyond:
        tokens = [*codec.source.vocabulary.tokens, *beyond]
        codec = replace(codec, source=make_tokenizer("word", tokens=tokens, case=settings.source.case))
        ids = _encoded(codec, training)
    held_ids = _encoded(codec, held_out)
    shorter = limits.keep(held_out, *_lengths(held_ids))
    if shorter is not held_out:
        held_out, held_ids = shorter, _encoded(codec, shorter)

    own = settings.training
    return Lesson(
        training,
        held_out,
        settings,
        codec,
        _batches(ids, codec, own.batch_size, seed=own.seed, batch_type=own.batch_type, copy_masking=own.copy_masking),
        _batches(held_ids, codec, VALIDATION_BATCH, seed=None) if held_out else None,
        level_chosen,
        vectors,
        len(beyond),
    )


def _within_limits(settings: Settings, training: Pairs) -> tuple[Pairs, Codec, Ids, LengthLimits]:
    """The pairs that are not too long to learn from, with the codec that they give and their ids."""
    codec = _learned(settings, training)
    ids = _encoded(codec, training)
    limits = LengthLimits.of(*_lengths(ids), settings.source.max_length, settings.target.max_length)
    shorter = limits.keep(training, *_lengths(ids))
    if shorter is not training:
        if len(shorter) < 2:
            *_, reason = shorter.passed_over
            raise DataError(f"{training.name}: fewer than two pairs are left to learn from; the others are {reason}.")
        codec = _learned(settings, shorter)
        ids = _encoded(codec, shorter)
    return shorter, codec, ids, limits


def _read_vectors(settings: Settings, codec: Codec, files: Mapping[str, Any]) -> dict[str, WordVectors]:
    """The vectors of the codec's words by side; of the source's, those of words beyond the pairs too."""
    beyond = {"source": settings.source.vector_words}
    return {
        side: read_vectors(path, getattr(codec, side).vocabulary.tokens, first=beyond.get(side, 0))
        for side, path in files.items()
    }


def _batches(ids: Ids, codec: Codec, size: int, **options: Any) -> Batches:
    inputs, targets = ids
    others = {name: sequences for name, sequences in inputs.items() if name != "source_ids"}
    return Batches(
        inputs["source_ids"], targets, size, others=others, target_size=codec.target.vocabulary.size, **options
    )


def _learned(settings: Settings, training: Pairs) -> Codec:
    """The codec that `training` gives, no side of it without tokens."""
    codec = make_codec(settings, training.sources, training.targets, training.tags)
    for side, tokenizer, least in (
        ("source", codec.source, settings.source.min_count),
        ("target", codec.target, settings.target.min_count),
        ("tags", codec.tags, 1),
    ):
        if tokenizer is not None and not tokenizer.vocabulary.tokens:
            if least > 1:
                raise DataError(f"{training.name}: no {side} token occurs {least} times. Lower min_count.")
            raise DataError(f"{training.name}: no {side} holds a token between its separators.")
    return codec


def _encoded(codec: Codec, pairs: Pairs) -> Ids:
    return codec.inputs(pairs.sources, pairs.tags), codec.targets(pairs.sources, pairs.tags, pairs.targets)


def _lengths(ids: Ids) -> tuple[np.ndarray, np.ndarray]:
    """Of sources and of targets, END not counted."""
    return ids[0]["source_ids"].lengths, ids[1].lengths - 1


def _check_vectors(settings: Settings, files: Mapping[str, Any]) -> None:
    for side in files:
        text: TextSettings = getattr(settings, side)
        if text.level != "word":
            raise SettingsError(
                f"{side} vectors are of words, and {side}.level is {text.level!r}; use {side}.level = 'word'"
            )
    if files and settings.network.tie == "all":
        raise SettingsError(
            "ready-made vectors are one side's, and network.tie 'all' has one table for both; use tie 'target'"
        )
    if "target" in files and not settings.network.decoder.feedback:
        raise SettingsError("target vectors are what the decoder reads; they need network.decoder.feedback = true")
    if "source" in files and settings.tags.mode == "inline" and settings.source.vector_words:
        raise SettingsError(
            "words beyond the pairs and tags 'inline' both stand after the source's tokens; use tags 'separate' "
            "or source.vector_words = 0"
        )


def _as_wide(settings: Settings, vectors: Mapping[str, WordVectors]) -> Settings:
    """The settings with embeddings as wide as ready-made vectors, where nobody asked for another width."""
    values = settings.model_dump()
    usual = PRESETS[settings.preset].network if settings.preset in PRESETS else None
    for side, own in vectors.items():
        name = "encoder" if side == "source" else "decoder"
        part = values["network"][name]
        if part["embedding"] not in (own.width, usual and getattr(usual, name).embedding):
            raise SettingsError(
                f"network.{name}.embedding is {part['embedding']}, and the vectors of {own.name} have {own.width} "
                f"numbers; leave embedding out"
            )
        part["embedding"] = own.width
    return validated(Settings, values)


def _with_levels(settings: Settings, training: Pairs) -> tuple[Settings, str]:
    """The settings with a level on each side, and why it is that where they left it open."""
    values = settings.model_dump()
    open_sides = [values[side] for side in ("source", "target") if values[side]["level"] == "auto"]
    if not open_sides:
        return settings, ""
    level, reason = choose_level(training.sources, training.targets)
    for side in open_sides:
        side["level"] = level
    return validated(Settings, values), f"level {level}: {reason}"


def _split(pairs: Pairs, validation: Validation, seed: int) -> tuple[Pairs, Pairs]:
    tagged = pairs.tags is not None
    if validation is None or isinstance(validation, Real):
        if validation is not None and not 0 <= float(validation) < 1:
            raise SettingsError(f"validation must be a share from 0 to 1 (exclusive), received: {validation!r}")
        return split_by_source(pairs, None if validation is None else float(validation), seed=seed)
    named = validation if isinstance(validation, tuple) else (validation,)
    if named and all(isinstance(path, (str, os.PathLike)) for path in named):
        return pairs, read_pairs(named, tag_column=3 if tagged else None)  # pyright: ignore[reportArgumentType]
    return pairs, check_pairs(validation, name="validation", tagged=tagged)  # pyright: ignore[reportArgumentType]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initial weights and dropout from Python's `random`; leave that as it was."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
