"""The stages of a preparation, in order: from pairs and settings to prepared data."""

import os
from collections.abc import Iterable

from passerelle.data.batches import Batches
from passerelle.data.checking import check_pairs
from passerelle.data.encoded import fit_signature, joined_ids
from passerelle.data.lengths import LengthLimits
from passerelle.data.mixing import Mixture
from passerelle.data.pairs import Pairs
from passerelle.errors import DataError, SettingsError
from passerelle.fields.signature import Signature
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preparation.encoded_pairs import EncodedPairs
from passerelle.preparation.prepared import NO_PAIRS, Prepared
from passerelle.preparation.resolution import (
    resolve_embedding_widths,
    resolve_levels,
    resolve_outputs,
    resolve_preset,
)
from passerelle.preparation.splitting import Validation, source_key, split
from passerelle.preparation.vectors import check_vectors, read_field_vectors, vector_files, with_extra_words
from passerelle.settings import Settings

__all__ = ["prepare"]

VALIDATION_BATCH_SIZE = 256


def prepare(
    pairs: Iterable[tuple[str, ...]],
    settings: Settings,
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    fine_tuning: FineTuning | None = None,
) -> Prepared:
    """Split the pairs, fit the fields and encode the pairs; see `train` for the arguments.

    With `fine_tuning`, the fields are those of its model, and old pairs and corrections join the training pairs.

    Raises:
        DataError: if fewer than two training pairs remain, a field has no tokens, or vectors cannot be read.
        SettingsError: if `validation` is a number outside of [0, 1), or vectors do not match the settings.
    """
    files = vector_files(source_vectors, target_vectors)
    pairs = check_pairs(pairs, tagged=settings.tags.mode != "none")
    if fine_tuning is not None:
        pairs = fine_tuning.with_outputs(pairs)
    settings, choices = resolve_preset(settings, pairs)
    settings = resolve_outputs(settings, pairs)
    training, held_out = split(pairs, validation, settings)
    old = old_validation = None
    if fine_tuning is not None:
        if files:
            raise SettingsError("fine-tuning keeps the embeddings of the model. Leave the word vectors out.")
        training = fine_tuning.with_corrections(training)
        old, old_validation = fine_tuning.split_old(source_key(settings.source))
    _check_training(training, old, settings)
    settings, level_chosen = resolve_levels(settings, training)
    check_vectors(settings, files, several=bool(pairs.outputs))
    signature, encoded, limits = _fit_signature(settings, training, fine_tuning)
    vectors = read_field_vectors(settings, signature, files)
    settings = resolve_embedding_widths(settings, vectors)
    if extended := with_extra_words(signature, vectors):
        signature = extended
        encoded = EncodedPairs.of(encoded.pairs, signature, "training")
    encoded_validation = EncodedPairs.within(limits, held_out, signature, "validation")
    lengths, output_lengths = encoded.lengths(settings), encoded.output_lengths(settings)
    encoded_old = None
    if fine_tuning is not None:
        before = fine_tuning.origin.bundle.lengths
        lengths, output_lengths = fine_tuning.with_former_lengths(lengths, output_lengths)
        if old is not None:
            limits = limits.at_least(before, settings.source.max_length, settings.target.max_length)
            encoded_old = EncodedPairs.within(limits, old, signature, "old")
    return Prepared(
        encoded.pairs,
        encoded_validation.pairs,
        settings,
        signature,
        _training_batches(encoded, encoded_old, signature, settings, fine_tuning),
        _validation_batches(encoded_validation),
        lengths,
        choices + level_chosen,
        vectors,
        output_lengths,
        fine_tuning,
        NO_PAIRS if encoded_old is None else encoded_old.pairs,
        old_validation or NO_PAIRS,
    )


def _check_training(training: Pairs, old: Pairs | None, settings: Settings) -> None:
    """Check that the training pairs suffice.

    Args:
        training: training pairs.
        old: old pairs to mix in; None without any.
        settings: all settings.

    Raises:
        DataError: if there are fewer than two, or an output has no value.
        SettingsError: if the metric compares texts, and the targets are numbers.
    """
    if len(training) < 2:
        raise DataError(f"{training.name}: training needs at least two pairs, received: {len(training)}. Add pairs.")
    for output in training.outputs:
        if not any(output in values for pairs in (training, old) if pairs is not None for values in pairs.targets):
            raise DataError(f"{training.name}: no training pair has the output {output!r}. Add pairs.")
    if not training.main_has_texts and settings.training.metric != "loss":
        raise SettingsError(
            f"training.metric {settings.training.metric!r} compares texts, and {training.name} has numbers only. Use "
            f"'loss'."
        )


def _fit_signature(
    settings: Settings, training: Pairs, fine_tuning: FineTuning | None
) -> tuple[Signature, EncodedPairs, LengthLimits]:
    """Fit the fields to the pairs that are not too long; return them, these pairs encoded, and the length limits.

    The fields of fine-tuning are those of its model.
    """

    def fit(pairs: Pairs, name: str) -> Signature:
        with pairs.step("building vocabularies"):
            return (
                fit_signature(pairs, settings, name)
                if fine_tuning is None
                else fine_tuning.signature(settings, pairs.columns)
            )

    signature = fit(training, "signature")
    encoded = EncodedPairs.of(training, signature, "training")
    max_lengths = settings.source.max_length, settings.target.max_length
    limits = LengthLimits.of(encoded.source_lengths, encoded.target_lengths, *max_lengths)
    shorter = encoded.pairs_within(limits)
    if shorter is not training:
        if len(shorter) < 2:
            *_, reason = shorter.skipped
            raise DataError(
                f"{training.name}: training needs at least two pairs, and {len(shorter)} of {len(training)} remain; "
                f"the others are {reason}."
            )
        signature = fit(shorter, "signature-within")
        encoded = EncodedPairs.of(shorter, signature, "training-within")
    return signature, encoded, limits


def _training_batches(
    encoded: EncodedPairs,
    old: EncodedPairs | None,
    signature: Signature,
    settings: Settings,
    fine_tuning: FineTuning | None,
) -> Batches:
    """Return the training batches; those of each epoch have all pairs and, with old pairs, a sample of these."""
    options = settings.training
    inputs, targets, mixture = encoded.inputs, encoded.targets, None
    if old is not None and old.pairs and fine_tuning is not None:
        inputs = joined_ids(inputs, old.inputs, encoded.pairs, "mixed-inputs")
        targets = joined_ids(targets, old.targets, encoded.pairs, "mixed-targets")
        mixture = Mixture(len(encoded.pairs), len(old.pairs), fine_tuning.old_share)
    return Batches(
        inputs,
        targets,
        options.batch_size,
        seed=options.seed,
        batch_type=options.batch_type,
        copy_masking=options.copy_masking,
        target_sizes=signature.copying_sizes,
        mixture=mixture,
    )


def _validation_batches(encoded: EncodedPairs) -> Batches | None:
    """Return the validation batches; None without validation pairs."""
    return Batches(encoded.inputs, encoded.targets, VALIDATION_BATCH_SIZE, seed=None) if encoded.pairs else None
