"""Preparation of a training run: check, split and encode pairs, build vocabularies, read word vectors."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from passerelle.data.batches import Batches, longest
from passerelle.data.encoded import encode, fit_signature, joined_ids
from passerelle.data.formats import PairPath
from passerelle.data.lengths import LengthLimits, Lengths
from passerelle.data.mixing import Mixture
from passerelle.data.pairs import Pairs, check_pairs, read_pairs, split_by_source
from passerelle.data.row_keys import row_numbers
from passerelle.data.vectors import WordVectors, read_vectors
from passerelle.errors import DataError, SettingsError, require_path
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preset_choice import choose_candidates
from passerelle.ragged import Ragged
from passerelle.scripts import has_no_spaces
from passerelle.settings import AUTO_PRESET, PRESETS, Settings, TextSettings, validated
from passerelle.special_tokens import UNK
from passerelle.text.level import choose_level, make_tokenizer
from passerelle.text.sentence_statistics import SentenceStatistics

__all__ = ["Prepared", "Validation", "prepare", "source_key", "split"]

VALIDATION_BATCH_SIZE = 256

Validation = float | PairPath | Iterable[tuple[str, ...]] | None
"""Validation data: the share of sources to hold out, a file, a tuple of two parallel files, or pairs. 0 holds out
nothing, None a tenth."""

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
            with _step(pairs, "comparing whitespace"):
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
            with _step(pairs, "computing fingerprints"):
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


@dataclass(frozen=True)
class _Encoded:
    """Pairs and their ids by field."""

    pairs: Pairs
    inputs: dict[str, Ragged]
    targets: dict[str, Ragged]

    @classmethod
    def of(cls, pairs: Pairs, signature: Signature, name: str) -> "_Encoded":
        """Encode pairs; `name` is that of the files, see `data.encoded.encode`."""
        return cls(pairs, *encode(pairs, signature, name))

    @property
    def source_lengths(self) -> np.ndarray:
        return next(iter(self.inputs.values())).lengths

    @property
    def target_lengths(self) -> np.ndarray:
        """Target lengths without END; of several outputs, those of the longest."""
        return longest([_lengths_without_end(target) for target in self.targets.values()])

    def lengths(self, settings: Settings) -> Lengths:
        """Return the lengths of all pairs."""
        return Lengths.of(self.source_lengths, self.target_lengths, _sentences(self.pairs, settings))

    def output_lengths(self, settings: Settings) -> dict[str, Lengths]:
        """Return the lengths of the pairs of each of several outputs; empty for one output."""
        sentences = _sentences(self.pairs, settings)
        targets = self.targets if self.pairs.outputs else {}
        found = {}
        for name, target in targets.items():
            present = target.lengths > 0
            lengths = _lengths_without_end(target)[present]
            found[name] = Lengths.of(self.source_lengths[present], lengths, sentences)
        return found

    def within(self, limits: LengthLimits) -> Pairs:
        """Return the pairs that are not too long; the same object if none is too long."""
        return limits.filter(self.pairs, self.source_lengths, self.target_lengths)


def _lengths_without_end(target: Ragged) -> np.ndarray:
    """Return the length of each target, int (rows,): tokens without END, or steps of numbers; 0 for a missing one."""
    return target.lengths if target.values.ndim > 1 else np.maximum(target.lengths - 1, 0)


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
    files = {side: path for side, path in (("source", source_vectors), ("target", target_vectors)) if path is not None}
    for side, path in files.items():
        require_path(f"{side}_vectors", path)
    pairs = check_pairs(pairs, tagged=settings.tags.mode != "none")
    settings, choices = _with_preset(settings, pairs)
    settings = _with_outputs(settings, pairs)
    training, held_out = split(pairs, validation, settings)
    old = old_validation = None
    if fine_tuning is not None:
        if training.outputs:
            raise SettingsError(
                f"{training.name}: the pairs have the outputs {', '.join(training.outputs)}, and fine-tuning is for "
                f"models with one. Use one of them, or train a new model."
            )
        if files:
            raise SettingsError("fine-tuning keeps the embeddings of the model. Leave the word vectors out.")
        training = fine_tuning.with_corrections(training)
        old, old_validation = fine_tuning.split_old(source_key(settings.source))
    if len(training) < 2:
        raise DataError(f"{training.name}: training needs at least two pairs, received: {len(training)}. Add pairs.")
    for output in training.outputs:
        if not any(output in texts for texts in training.targets):
            raise DataError(f"{training.name}: no training pair has the output {output!r}. Add pairs.")
    if not training.main_has_texts and settings.training.metric != "loss":
        raise SettingsError(
            f"training.metric {settings.training.metric!r} compares texts, and {training.name} has numbers only. Use "
            f"'loss'."
        )
    settings, level_chosen = _with_levels(settings, training)
    choices += level_chosen
    _check_vectors(settings, files, several=bool(pairs.outputs))
    signature, encoded, limits = _fit_signature(settings, training, fine_tuning)
    vectors = _read_vectors(settings, signature, files)
    settings = _with_embedding_widths(settings, vectors)
    if extended := _with_extra_words(signature, vectors):
        signature = extended
        encoded = _Encoded.of(encoded.pairs, signature, "training")
    encoded_validation = _Encoded.of(held_out, signature, "validation")
    if (shorter := encoded_validation.within(limits)) is not held_out:
        encoded_validation = _Encoded.of(shorter, signature, "validation-within")
    validation_batches = None
    if encoded_validation.pairs:
        validation_batches = Batches(
            encoded_validation.inputs, encoded_validation.targets, VALIDATION_BATCH_SIZE, seed=None
        )
    lengths = encoded.lengths(settings)
    encoded_old = None
    if fine_tuning is not None:
        before = fine_tuning.origin.bundle.lengths
        lengths = Lengths.of_ensemble([before, lengths])
        limits = limits.at_least(before, settings.source.max_length, settings.target.max_length)
        if old is not None:
            encoded_old = _Encoded.of(old, signature, "old")
            if (shorter := encoded_old.within(limits)) is not old:
                encoded_old = _Encoded.of(shorter, signature, "old-within")
    return Prepared(
        encoded.pairs,
        encoded_validation.pairs,
        settings,
        signature,
        _training_batches(encoded, encoded_old, signature, settings, fine_tuning),
        validation_batches,
        lengths,
        choices,
        vectors,
        encoded.output_lengths(settings),
        fine_tuning,
        NO_PAIRS if encoded_old is None else encoded_old.pairs,
        old_validation or NO_PAIRS,
    )


def _fit_signature(
    settings: Settings, training: Pairs, fine_tuning: FineTuning | None
) -> tuple[Signature, _Encoded, LengthLimits]:
    """Fit the fields to the pairs that are not too long; return them, these pairs encoded, and the length limits.

    The fields of fine-tuning are those of its model.
    """

    def fit(pairs: Pairs, name: str) -> Signature:
        with _step(pairs, "building vocabularies"):
            return (
                fit_signature(pairs, settings, name)
                if fine_tuning is None
                else fine_tuning.signature(settings, pairs.columns)
            )

    signature = fit(training, "signature")
    encoded = _Encoded.of(training, signature, "training")
    max_lengths = settings.source.max_length, settings.target.max_length
    limits = LengthLimits.of(encoded.source_lengths, encoded.target_lengths, *max_lengths)
    shorter = encoded.within(limits)
    if shorter is not training:
        if len(shorter) < 2:
            *_, reason = shorter.skipped
            raise DataError(
                f"{training.name}: training needs at least two pairs, and {len(shorter)} of {len(training)} remain; "
                f"the others are {reason}."
            )
        signature = fit(shorter, "signature-within")
        encoded = _Encoded.of(shorter, signature, "training-within")
    return signature, encoded, limits


def _rows_in(sources: Ragged, others: Ragged) -> np.ndarray:
    """Return the rows whose source may be one of others, int (n,): all rows for sequences of numbers."""
    if sources.values.ndim > 1:
        return np.arange(len(sources))
    mine, theirs = (ids.hashes() for ids in (sources, others))
    return row_numbers(np.isin(mine, np.unique(theirs)))


def _step(pairs: Pairs, name: str, total: int | None = None) -> AbstractContextManager[None]:
    """Report a step of the work on pairs whose texts are in files; by default, it reads all texts once."""
    if pairs.storage is None:
        return nullcontext()
    return pairs.storage.step(name, len(pairs) * len(pairs.columns) if total is None else total)


def _sentences(pairs: Pairs, settings: Settings) -> SentenceStatistics | None:
    has_no_sentences = settings.source.level == "pretokenized" or pairs.has_number_sources
    return None if has_no_sentences else SentenceStatistics.of(pairs.sources)


def _training_batches(
    encoded: _Encoded, old: _Encoded | None, signature: Signature, settings: Settings, fine_tuning: FineTuning | None
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


def split(pairs: Iterable[tuple[str, ...]], validation: Validation, settings: Settings) -> tuple[Pairs, Pairs]:
    """Return the training pairs and the validation pairs, before pairs that are too long are skipped.

    With the same arguments, the split is the same. `prepare` with the training pairs, and with the validation pairs as
    `validation`, makes no other split.

    Raises:
        DataError: if `pairs` are not rows of texts, or a validation file cannot be read.
        SettingsError: if `validation` is a number outside of [0, 1).
    """
    tagged = settings.tags.mode != "none"
    pairs = check_pairs(pairs, tagged=tagged)
    settings, _ = _with_preset(settings, pairs)
    if validation is None or isinstance(validation, Real):
        if validation is not None and not 0 <= float(validation) < 1:
            raise SettingsError(f"validation must be at least 0 and less than 1, received: {validation!r}")
        share = None if validation is None else float(validation)
        keys = pairs.sources if pairs.has_number_sources else map(source_key(settings.source), pairs.sources)
        with _step(pairs, "splitting", len(pairs)):
            rule = settings.source.model_dump()
            return split_by_source(pairs, share, seed=settings.training.seed, keys=keys, rule=rule)
    paths: Any = validation if isinstance(validation, tuple) else (validation,)
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        return pairs, read_pairs(paths, tag_column=3 if tagged else None, outputs=pairs.outputs_to_read)
    rows: Any = validation
    held_out = check_pairs(rows, name="validation", tagged=tagged, outputs=pairs.outputs)
    return pairs, _with_same_outputs(held_out, pairs)


def _with_same_outputs(held_out: Pairs, training: Pairs) -> Pairs:
    """Return validation pairs with the outputs of the training pairs, of which some may be missing.

    Raises:
        DataError: if there are others.
    """
    if not set(held_out.outputs) <= set(training.outputs) or bool(held_out.outputs) != bool(training.outputs):
        has, others = (", ".join(pairs.outputs) or "one output" for pairs in (held_out, training))
        raise DataError(f"{held_out.name} has {has}, and {training.name} has {others}. Both need the same outputs.")
    for name in held_out.outputs:
        if (name in held_out.number_outputs) != (name in training.number_outputs) and len(held_out.of_output(name)):
            numbers, texts = (held_out, training) if name in held_out.number_outputs else (training, held_out)
            raise DataError(f"{numbers.name} has numbers as the output {name!r}, and {texts.name} has texts.")
    return replace(held_out, outputs=training.outputs)


def source_key(settings: TextSettings) -> Callable[[str], str]:
    """Return a function that returns the same string for sources that are the same to the tokenizer."""
    # The vocabulary has no influence, nor has the level that replaces `auto`: it is never `word` or `pretokenized`.
    level = "character" if settings.level == "auto" else settings.level
    tokenizer = make_tokenizer(
        level,
        settings.separator,
        lowercase=settings.lowercase,
        exact_whitespace=settings.exact_whitespace,
        ignore_spacing=settings.ignore_spacing,
    )
    return tokenizer.key


def _with_preset(settings: Settings, pairs: Pairs) -> tuple[Settings, tuple[str, ...]]:
    """Replace the preset `auto` by the best guess; return the settings and the reasons for the choice."""
    if settings.preset != AUTO_PRESET or not pairs:
        return settings, ()
    candidate, *_ = choose_candidates(settings, pairs.main.sources, pairs.main.targets)
    return candidate.settings, candidate.reasons


def _with_outputs(settings: Settings, pairs: Pairs) -> Settings:
    """Complete the settings of several outputs, in the order of the pairs.

    Raises:
        SettingsError: if the settings name an output that the pairs do not have, or all weights are 0.
    """
    for path, names in (("outputs", settings.outputs), ("network.decoders", settings.network.decoders)):
        for name in names:
            if name not in pairs.outputs:
                have = f"the outputs {', '.join(pairs.outputs)}" if pairs.outputs else "one output"
                raise SettingsError(
                    f"{path}.{name}: {pairs.name} has {have}. Name the outputs as they are named there."
                )
    if not pairs.outputs:
        return settings
    values = settings.model_dump()
    values["outputs"] = {name: values["outputs"].get(name, {}) for name in pairs.outputs}
    completed = validated(Settings, values)
    if not any(output.weight for output in completed.outputs.values()):
        raise SettingsError("outputs: the weights of all outputs are 0. Set one above 0.")
    return completed


def _with_levels(settings: Settings, training: Pairs) -> tuple[Settings, tuple[str, ...]]:
    """Replace the level `auto` in the settings; return the settings and the reason for the choice."""
    values = settings.model_dump()
    sides = [values["source"], values["target"], *values["outputs"].values()]
    auto_sides = [side for side in sides if side["level"] == "auto"]
    if not auto_sides:
        return settings, ()
    main = training.main
    texts = ([] if training.has_number_sources else [main.sources]) + ([main.targets] * training.main_has_texts)
    level, reason = choose_level(texts[0], texts[-1]) if texts else ("character", "")
    for side in auto_sides:
        side["level"] = level
    return validated(Settings, values), (f"level {level}: {reason}",) if reason else ()


def _check_vectors(settings: Settings, files: Mapping[str, Any], *, several: bool) -> None:
    """Raise an error if the settings, or several outputs, do not allow pretrained vectors."""
    if "target" in files and several:
        raise SettingsError("target vectors belong to one output, and the pairs have several. Leave them out.")
    for side in files:
        text: TextSettings = getattr(settings, side)
        if text.level != "word":
            raise SettingsError(f"{side} vectors require {side}.level 'word', received: {text.level!r}")
    if files and settings.network.tie == "all":
        raise SettingsError(
            "pretrained vectors belong to one side, but with network.tie 'all' both sides share an embedding table; "
            "use network.tie 'target' or 'none'"
        )
    if "target" in files and not settings.network.decoder.feedback:
        raise SettingsError(
            "target vectors initialize the decoder's input embeddings; they require network.decoder.feedback = true"
        )
    if "source" in files and settings.tags.mode == "inline" and settings.source.vector_words:
        raise SettingsError(
            "extra words and inline tags would use the same ids; use tags.mode 'separate' or source.vector_words = 0"
        )


def _read_vectors(settings: Settings, signature: Signature, files: Mapping[str, Any]) -> dict[str, WordVectors]:
    """Read the vectors of each side's words; for the source, also those of extra words."""
    max_extra_words = {"source": settings.source.vector_words}
    fields: Mapping[str, Any] = {**signature.inputs, **signature.outputs}
    return {
        side: read_vectors(path, fields[side].tokenizer.vocabulary.tokens, first=max_extra_words.get(side, 0))
        for side, path in files.items()
    }


def _with_extra_words(signature: Signature, vectors: Mapping[str, WordVectors]) -> Signature | None:
    """Return a signature whose source also contains the extra words of its vectors; None without extra words."""
    source = signature.source
    extra = vectors["source"].extra_words(source.tokenizer) if "source" in vectors else []
    if not extra:
        return None
    tokens = [*source.tokenizer.vocabulary.tokens, *extra]
    tokenizer = make_tokenizer(
        "word",
        tokens=tokens,
        lowercase=source.tokenizer.lowercase,
        ignore_spacing=source.tokenizer.ignore_spacing,
        exact_whitespace=source.tokenizer.exact_whitespace,
    )
    extended = TextField(source.name, tokenizer, inline_tags=source.inline_tags, extra=len(extra))
    outputs = {
        name: field.copying(extended if field.copies else None) if isinstance(field, TextField) else field
        for name, field in signature.outputs.items()
    }
    return Signature({**signature.inputs, source.name: extended}, outputs)


def _with_embedding_widths(settings: Settings, vectors: Mapping[str, WordVectors]) -> Settings:
    """Set the embedding widths to those of the vectors.

    Raises:
        SettingsError: if the user explicitly set a width that differs from that of the vectors.
    """
    values = settings.model_dump()
    preset = PRESETS[settings.preset].settings.network if settings.preset in PRESETS else None
    for side, side_vectors in vectors.items():
        name = "encoder" if side == "source" else "decoder"
        part = values["network"][name]
        if part["embedding"] not in (side_vectors.dimension, preset and getattr(preset, name).embedding):
            raise SettingsError(
                f"network.{name}.embedding is {part['embedding']}, but the vectors in {side_vectors.name} have "
                f"{side_vectors.dimension} numbers; leave that setting out"
            )
        part["embedding"] = side_vectors.dimension
    return validated(Settings, values)
