"""Pairs in, translator out: the way from a file of pairs to a trained translator."""

import importlib.metadata
import os
import platform
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, TypedDict, Unpack

import keras
import numpy as np

from passerelle.config import Settings, make_settings, read_settings_file, validated
from passerelle.data.batches import Batches
from passerelle.data.formats import PairPath
from passerelle.data.pairs import Pairs, check_pairs, read_pairs, split_by_source
from passerelle.data.rows import padded_width
from passerelle.errors import DataError, SettingsError, did_you_mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.search import Lengths
from passerelle.symbols import UNK
from passerelle.text.codec import Codec, make_codec
from passerelle.text.level import choose_level
from passerelle.training.trainer import Epoch, History, Progress, fit
from passerelle.translator import Translator

__all__ = ["Lesson", "Options", "Sample", "choose_settings", "prepare", "train"]

VALIDATION_BATCH = 256

Validation = float | PairPath | Iterable[tuple[str, ...]] | None


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


class Options(TypedDict, total=False):
    """What `train` and the command line let a user choose by name; all else goes through `settings`.

    Attributes:
        preset: the settings to begin with; by default the settings file's, or `compact`.
        settings: any settings: a TOML file, or nested values.
        level: `character`, `word`, `subword`, or `auto`, for both sides.
        source_level: for the source alone; likewise `target_level`.
        source_separator: the source is ready symbols with this between them; likewise `target_separator`.
        vocabulary_size: most symbols to learn, for both sides; 0 leaves it to the level.
        min_count: symbols that occur fewer times are unknown, for both sides.
        lowercase: whether sources are read in lower case. Targets keep theirs: people want it written.
        features: where tags that come with the pairs are read: `beside`, `apart` or `none`; see `FeatureSettings`.
        feature_separator: what stands between two tags.
        epochs: passes over the pairs.
        batch_size: pairs in one update.
        units: width of the recurrent layers, both sides.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        seed: of everything random.
    """

    preset: str | None
    settings: Mapping[str, Any] | str | os.PathLike[str] | None
    level: str | None
    source_level: str | None
    target_level: str | None
    source_separator: str | None
    target_separator: str | None
    vocabulary_size: int | None
    min_count: int | None
    lowercase: bool | None
    features: str | None
    feature_separator: str | None
    epochs: int | None
    batch_size: int | None
    units: int | None
    optimizer: str | None
    learning_rate: float | None
    seed: int | None


def train(
    pairs: Iterable[tuple[str, ...]],
    *,
    validation: Validation = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[Epoch, Sample | None], None] = lambda epoch, sample: None,
    **options: Unpack[Options],
) -> Translator:
    """Trains a translator.

    Args:
        pairs: (source, target) texts, for example from `read_pairs`; where settings place features, (source, target,
            tags).
        validation: share of the sources to hold out, or a file, or a tuple of two side by side, or pairs; 0 holds out
            none, None a tenth.
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
    lesson = prepare(pairs, choose_settings(**options), validation=validation)
    return lesson.teach(on_progress=on_progress, on_epoch=on_epoch)


def choose_settings(**options: Unpack[Options]) -> Settings:
    """The complete settings that some options ask for.

    Raises:
        SettingsError: if an option or a setting is unknown or wrong.
    """
    for name in options:
        if name not in Options.__annotations__:
            raise SettingsError(f"unknown option {name!r}.{did_you_mean(name, Options.__annotations__)}")
    get = options.get
    settings = get("settings")
    file = settings if isinstance(settings, Mapping) or settings is None else read_settings_file(settings)
    changes: dict[str, Any] = {
        "training.epochs": get("epochs"),
        "training.batch_size": get("batch_size"),
        "network.encoder.units": get("units"),
        "network.decoder.units": get("units"),
        "training.optimizer": get("optimizer"),
        "training.learning_rate": get("learning_rate"),
        "training.seed": get("seed"),
        "source.case": None if get("lowercase") is None else "lower" if get("lowercase") else "keep",
        "features.place": get("features"),
        "features.separator": get("feature_separator"),
    }
    for side in ("source", "target"):
        separator = get(f"{side}_separator")
        # A separator makes its side symbols, whatever `level` says for both.
        level = get(f"{side}_level") or ("symbol" if separator is not None else get("level"))
        changes |= {
            f"{side}.level": level,
            f"{side}.separator": separator,
            f"{side}.vocabulary_size": get("vocabulary_size"),
            f"{side}.min_count": get("min_count"),
        }
    return make_settings(get("preset"), file, changes)


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
    """

    training: Pairs
    validation: Pairs
    settings: Settings
    codec: Codec
    training_batches: Batches
    validation_batches: Batches | None
    level_chosen: str = ""

    @property
    def uncounted(self) -> dict[str, int]:
        """Validation symbols without an id, by side; target ones weigh nothing without a column."""
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
                self.codec.feature_size,
            )
        batches = self.training_batches
        lengths = Lengths.of(batches.sources.lengths, batches.targets.lengths - 1)
        return Translator(network, self.codec, self.settings, lengths)

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
                source, tags = self.validation.sources[row], self.validation.features
                translation = translator.translate(source, features=tags[row] if tags else None)
                sample = Sample(source, translation, self.validation.targets[row])
            on_epoch(epoch, sample)

        history = fit(
            translator.network,
            self.training_batches,
            self.validation_batches,
            self.settings.training,
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
                "unknown_validation_symbols": self.uncounted,
                "validation_sources_learned_from": self.overlap,
            },
            "versions": {"python": platform.python_version()} | versions,
            "padding_share": round(self.training_batches.padding_share(), 4),
            "kept_epoch": history.kept,
            "interrupted": history.interrupted,
            "diverged": history.diverged,
            "epochs": [asdict(epoch) for epoch in history.epochs],
        }


def prepare(pairs: Iterable[tuple[str, ...]], settings: Settings, *, validation: Validation = None) -> Lesson:
    """Splits the pairs, learns the vocabularies and turns texts into ids; see `train`.

    Raises:
        DataError: if fewer than two pairs are left to learn from, or a side has no symbols.
        SettingsError: if `validation` is no share.
    """
    tagged = settings.features.place != "none"
    training, held_out = _split(check_pairs(pairs, features=tagged), validation, settings.training.seed)
    if len(training) < 2:
        raise DataError(f"{training.name}: fewer than two pairs to learn from ({len(training)}). Give more.")
    settings, level_chosen = _with_levels(settings, training)
    codec = make_codec(settings, training.sources, training.targets, training.features)
    for side, tokenizer, least in (
        ("source", codec.source, settings.source.min_count),
        ("target", codec.target, settings.target.min_count),
        ("features", codec.features, 1),
    ):
        if tokenizer is not None and not tokenizer.vocabulary.symbols:
            if least > 1:
                raise DataError(f"{training.name}: no {side} symbol occurs {least} times. Lower min_count.")
            raise DataError(f"{training.name}: no {side} holds a symbol between its separators.")

    def batches(chosen: Pairs, size: int, seed: int | None, batch_type: str, hidden: float) -> Batches:
        others = codec.inputs(chosen.sources, chosen.features)
        return Batches(
            others.pop("source_ids"),
            codec.targets(chosen.sources, chosen.features, chosen.targets),
            size,
            seed=seed,
            batch_type=batch_type,
            others=others,
            hidden=hidden,
            target_size=codec.target.vocabulary.size,
        )

    own = settings.training
    return Lesson(
        training,
        held_out,
        settings,
        codec,
        batches(training, own.batch_size, own.seed, own.batch_type, own.hidden),
        batches(held_out, VALIDATION_BATCH, None, "pair", 0.0) if held_out else None,
        level_chosen,
    )


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
    tagged = pairs.features is not None
    if validation is None or isinstance(validation, Real):
        if validation is not None and not 0 <= float(validation) < 1:
            raise SettingsError(f"validation must be a share from 0 to 1 (exclusive), received: {validation!r}")
        return split_by_source(pairs, None if validation is None else float(validation), seed=seed)
    named = validation if isinstance(validation, tuple) else (validation,)
    if named and all(isinstance(path, (str, os.PathLike)) for path in named):
        return pairs, read_pairs(named, features=3 if tagged else None)  # pyright: ignore[reportArgumentType]
    return pairs, check_pairs(validation, name="validation", features=tagged)  # pyright: ignore[reportArgumentType]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initial weights and dropout from Python's `random`; leave that as it was."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
