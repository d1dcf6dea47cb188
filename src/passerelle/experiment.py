"""Pairs in, translator out: the whole way from pairs to a trained translator, as a straight line of stages."""

import importlib.metadata
import os
import platform
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from passerelle.bundle.bundle import Bundle
from passerelle.data.rows import padded_width
from passerelle.models.ids import first_source_column, first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.preparation import Prepared, Validation, prepare
from passerelle.settings import Settings, accepts_options, choose_settings
from passerelle.special_tokens import FIRST_ORDINARY
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.samples import Samples
from passerelle.training.history import History, Sample
from passerelle.training.trainer import fit
from passerelle.translator import Translator

__all__ = ["build", "train", "train_prepared"]


@accepts_options(Settings)
def train(
    pairs: Iterable[tuple[str, ...]],
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Translator:
    """Trains a translator.

    Args:
        pairs: (source, target) texts, for example from `read_pairs`; with `tags.mode` other than `none` (source,
            target, tags).
        validation: share of the sources to hold out, or a file, or a tuple of two side by side, or pairs; 0 holds out
            none, None a tenth.
        source_vectors: a file of ready-made word vectors to begin the source's with; see `data.vectors`.
        target_vectors: likewise for the target.
        callbacks: called at the events of training, for logs or an end of their own; with any, an unseen source is
            translated after each epoch. See `training.callbacks.callback.Callback`.
        preset: name of the preset to begin with; if None, the settings file's own, or `compact`.
        settings: nested settings, or the path of a TOML file; they change the preset.
        **options: single settings by the names in docs/settings.md, such as `epochs=10`; they change `settings`.

    Returns:
        The translator. Ctrl-C ends training early: the translator has the best weights by then, and its record says
        `interrupted`.

    Raises:
        DataError: if the pairs cannot be used.
        SettingsError: if an option or a setting is unknown or wrong.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(
        ...     pairs, level="word", units=32, dropout=0.0, epochs=100, batch_size=8, validation=0
        ... )
        >>> translator.translate(["He is tired.", "She is young."])
        ['Il est fatigué.', 'Elle est jeune.']
        >>> translator.save("model.keras")
    """
    prepared = prepare(
        pairs,
        choose_settings(preset=preset, settings=settings, **options),
        validation=validation,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
    )
    return train_prepared(prepared, callbacks)


def train_prepared(prepared: Prepared, callbacks: Sequence[Callback] = ()) -> Translator:
    """Builds a network and trains it on prepared pairs; see `train`."""
    translator, vectors = _built(prepared)
    # Only callbacks can show a sample, and the first one compiles a search.
    samples = [Samples(_sample_rows(prepared), _sampler(prepared, translator))] if callbacks else []
    history = fit(
        translator.network,
        prepared.training_batches,
        prepared.validation_batches,
        prepared.settings.training,
        frozen=vectors,
        callbacks=[*samples, *callbacks],
    )
    translator.record = _record(prepared, history)
    return translator


def build(prepared: Prepared) -> Translator:
    """Builds an untrained translator; its first weights depend on the seed only."""
    return _built(prepared)[0]


def _built(prepared: Prepared) -> tuple[Translator, dict[str, np.ndarray]]:
    """An untrained translator, and where its ready-made vectors are; see `_place_vectors`."""
    with _seeded(prepared.settings.training.seed):
        network = SequenceToSequence(prepared.settings.network, **prepared.signature.specs())
    placed = _place_vectors(network, prepared)
    bundle = Bundle(network, prepared.signature, prepared.settings, prepared.lengths)
    return Translator(bundle), placed


def _place_vectors(network: SequenceToSequence, prepared: Prepared) -> dict[str, np.ndarray]:
    """Gives the network the ready-made vectors; returns bool (rows,) by the path of each variable that has some."""
    placed = {}
    for name, vectors in prepared.vectors.items():
        rows, extra = prepared.vector_rows(name)
        first = first_source_column if name in prepared.signature.inputs else first_target_column
        table, begin = network.table(name), FIRST_ORDINARY - first(network.settings)
        values, known = np.array(table.value), np.zeros(table.shape[0], bool)
        known[begin : begin + len(rows)] = rows >= 0
        values[known] = vectors.values[rows[rows >= 0]]
        table.assign(values)
        placed[table.path] = known
        if len(extra):
            network.table(name, "fixed_table").assign(vectors.values[extra])
    return placed


def _sampler(prepared: Prepared, translator: Translator) -> Any:
    """A function: a validation row -> its source, translated, with a right answer."""
    pairs = prepared.validation

    def sample(row: int) -> Sample:
        tags = pairs.tags[row] if pairs.tags else None
        return Sample(pairs.sources[row], translator.translate(pairs.sources[row], tags=tags), pairs.targets[row])

    return sample


def _sample_rows(prepared: Prepared) -> list[int]:
    """Validation rows to show, in random order; one width of source, so that one compiled search serves all."""
    if prepared.validation_batches is None:
        return []
    widths = [padded_width(int(length)) for length in prepared.validation_batches.source_lengths]
    usual = max(set(widths), key=widths.count)
    rows = [row for row, width in enumerate(widths) if width == usual]
    return random.Random(prepared.settings.training.seed).sample(rows, len(rows))


def _record(prepared: Prepared, history: History) -> dict[str, Any]:
    """The training record, JSON values."""
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", keras.backend.backend())}
    training, validation = prepared.training, prepared.validation
    data = {
        "name": training.name,
        "training_pairs": len(training),
        "validation_pairs": len(validation),
        "training_sha256": training.fingerprint(),
        "validation_sha256": validation.fingerprint(),
        "unknown_validation_tokens": prepared.unknown_validation_tokens,
        "validation_sources_used_for_training": prepared.overlap,
        "training_pairs_skipped": dict(training.skipped),
        "validation_pairs_skipped": dict(validation.skipped),
    }
    if prepared.vectors:
        data |= {"vectors": prepared.vector_coverage, "extra_source_words": prepared.extra_words}
    return {
        "data": data,
        "versions": {"python": platform.python_version()} | versions,
        "padding_share": round(prepared.training_batches.padding_share(), 4),
        "kept_epoch": history.kept,
        "interrupted": history.interrupted,
        "diverged": history.diverged,
        "stopped": history.stopped,
        "epochs": [asdict(epoch) for epoch in history.epochs],
    }


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initial weights and dropout from Python's `random`; leave that as it was."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
