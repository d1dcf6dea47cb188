"""`passerelle.fine_tune`: continue training a translator on other pairs."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from passerelle.data.checking import check_pairs
from passerelle.data.corrections import Correction, corrections_as_pairs, read_corrections
from passerelle.data.formats import PairPath
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.errors import SettingsError
from passerelle.experiment.train import train_pairs
from passerelle.fine_tuning.origin import Origin
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preparation import Validation
from passerelle.runs.data_source import FineTuningSource, PairSource
from passerelle.settings import (
    FineTuningSettings,
    Settings,
    accepts_options,
    fine_tuning_settings,
    read_settings_file,
    validated,
)
from passerelle.training.callbacks.callback import Callback
from passerelle.translator import Translator

__all__ = ["fine_tune"]

OldPairs = PairPath | Iterable[tuple[str, ...]]
"""A file of pairs, a tuple of two parallel files, or pairs."""


@accepts_options(Settings)
def fine_tune(
    pairs: Iterable[tuple[str, ...]],
    model: Translator | str | os.PathLike[str],
    *,
    new_tokens: bool | None = None,
    freeze: str | Sequence[str] | None = None,
    mix: tuple[OldPairs, float] | None = None,
    old_validation: OldPairs | None = None,
    corrections: str | os.PathLike[str] | Iterable[Correction] | None = None,
    corrections_weight: int | None = None,
    validation: Validation = None,
    callbacks: Sequence[Callback] = (),
    run: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Translator:
    """Continue training a translator on other pairs (fine-tuning).

    The text, the network and its weights are those of the model. The settings of training are those of its preset, with
    a quarter of the learning rate, unless they are set.

    The record of the new translator says under `fine_tuning` from which model it was tuned, and compares both: the
    scores of greedy translations before and after, on the new validation pairs and on old ones.

    Args:
        pairs: new (source, target) texts; (source, target, tags) for a model with tags; for a model with several
            outputs, a dict of texts or numbers by name instead of each target, see `train`.
        model: the translator, or the path of its model file. It does not change.
        new_tokens: whether to add tokens that the model does not know to its vocabularies. Before the first update, no
            translation changes.
        freeze: parts of the network whose weights do not change, such as `"encoder"` or `"embeddings"`;
            `passerelle describe` lists the parts of a model.
        mix: old pairs, and the share of each epoch's pairs that are old, above 0 and below 1, so that less is
            forgotten. A tenth of their sources, at most 1,000, is held out to measure that.
        old_validation: pairs that measure what is forgotten, instead of those held out of `mix`. They are not used for
            training.
        corrections: corrections, or the path of a file of them; see `read_corrections`. They join the new pairs.
        corrections_weight: number of times that each correction occurs in an epoch; None means 3.
        validation: see `train`.
        callbacks: see `train`.
        run: folder in which the run is recorded, see `train`; requires the path of a model file, which must not change
            before the run is resumed.
        settings: nested settings, or the path of a TOML file; those of the text and of the network must be equal to
            those of the model.
        **options: single settings, such as `epochs=10`; see docs/settings.md.

    Returns:
        A new translator.

    Raises:
        DataError: if pairs or corrections cannot be used.
        ModelFileError: if the model file cannot be read.
        OutputError: if `run` exists or cannot be written.
        SettingsError: if a setting is unknown or invalid, or differs from the text or the network of the model.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> tuned = passerelle.fine_tune(
        ...     [("He is ill.", "Il est malade."), ("He is old.", "Il est âgé.")],
        ...     "model.keras", new_tokens=True, mix=(pairs, 0.5), validation=0, epochs=40
        ... )
        >>> tuned.translate(["He is ill.", "She is young."])
        ['Il est malade.', 'Elle est jeune.']
        >>> tuned.record["fine_tuning"]["model"]
        'model.keras'
    """
    started = time.perf_counter()
    if isinstance(model, Translator):
        if len(model.model.steppers) > 1:
            raise SettingsError("fine-tuning trains one network, received: an ensemble. Tune its members one by one.")
        if run is not None:
            raise SettingsError("a run is resumed from the file of its model. Pass the path of the model file.")
        origin = Origin(model.bundle)
    else:
        origin = Origin.load(model)
    if settings is not None and not isinstance(settings, Mapping):
        settings = read_settings_file(settings)
    chosen = fine_tuning_settings(origin.bundle.settings, origin.name, file=settings, options=options)
    tagged = chosen.tags.mode != "none"
    own = {"new_tokens": new_tokens, "corrections_weight": corrections_weight}
    own["freeze"] = (freeze,) if isinstance(freeze, str) else None if freeze is None else tuple(freeze)
    tuning = validated(FineTuningSettings, {name: value for name, value in own.items() if value is not None})
    old = old_source = own_validation = validation_source = corrected = None
    share = 0.0
    if mix is not None:
        if not isinstance(mix, tuple) or len(mix) != 2 or not isinstance(mix[1], (int, float)):
            raise SettingsError(f"mix must be old pairs and their share, such as (pairs, 0.5), received: {mix!r:.80}")
        (old, old_source), share = _old_pairs(mix[0], "mix", origin, tagged=tagged), float(mix[1])
    if old_validation is not None:
        own_validation, validation_source = _old_pairs(old_validation, "old_validation", origin, tagged=tagged)
    if corrections is not None:
        named = isinstance(corrections, (str, os.PathLike))
        name = os.fspath(corrections) if named else "corrections"
        rows = read_corrections(name) if named else corrections
        corrected = corrections_as_pairs(rows, tagged=tagged, outputs=origin.text_outputs, name=name)
    if origin.outputs:
        pairs = check_pairs(pairs, tagged=tagged, outputs=origin.outputs)
    return train_pairs(
        pairs,
        chosen,
        validation=validation,
        source_vectors=None,
        target_vectors=None,
        callbacks=callbacks,
        run=run,
        started=started,
        command="passerelle.fine_tune",
        fine_tuning=FineTuning(origin, tuning, corrected, old, share, own_validation),
        fine_tuning_source=FineTuningSource(
            str(origin.path),
            str(origin.sha256),
            tuning,
            None if corrected is None else PairSource.copy(corrected),
            old_source,
            share,
            validation_source,
        ),
    )


def _old_pairs(pairs: OldPairs, name: str, origin: Origin, *, tagged: bool) -> tuple[Pairs, PairSource]:
    """Return old pairs, and where a run finds them again."""
    paths = pairs if isinstance(pairs, tuple) else (pairs,)
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        reading: dict[str, Any] = {"tag_column": 3 if tagged else None}
        reading |= {"outputs": list(origin.outputs_to_read)} if origin.outputs else {}
        return read_pairs(paths, **reading), PairSource.files(paths, reading)  # pyright: ignore[reportArgumentType]
    checked = check_pairs(pairs, name=name, tagged=tagged, outputs=origin.outputs)  # pyright: ignore[reportArgumentType]
    return checked, PairSource.copy(checked)
