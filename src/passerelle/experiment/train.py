"""`passerelle.train` and `passerelle.resume`: a translator from pairs, and from the folder of an interrupted run."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from passerelle.data.checking import check_pairs
from passerelle.data.pairs import Pairs
from passerelle.experiment.candidates import prepare_candidates
from passerelle.experiment.prepared_training import train_prepared
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preparation import Validation
from passerelle.runs.data_source import DataSource, FineTuningSource, PairSource
from passerelle.runs.description import Description, lengthened
from passerelle.runs.folder import RunFolder
from passerelle.runs.recording import warn
from passerelle.runs.translator_recording import TranslatorRecording
from passerelle.settings import AUTO_PRESET, Settings, accepts_options, choose_settings
from passerelle.training.callbacks.callback import Callback
from passerelle.translator import Translator

__all__ = ["resume", "train", "train_pairs"]


@accepts_options(Settings)
def train(
    pairs: Iterable[tuple[Any, ...]],
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Translator:
    """Train a translator.

    Args:
        pairs: (source, target) texts, for example from `read_pairs`; (source, target, tags) if `tags.mode` is not
            `none`. For several outputs, a dict of texts or numbers by name instead of each target: `("cat", {"fr":
            "chat", "letters": 3})`; not every row needs each output. `Translator.outputs` has a translator for each
            output of text, and `Translator.number_outputs` a regressor for each output of numbers.
        validation: validation data: the share of sources to hold out, a file, a tuple of two parallel files, or pairs.
            0 holds out nothing, None a tenth.
        source_vectors: file of pretrained word vectors for the source embeddings; see `data.vectors`.
        target_vectors: the same for the target.
        callbacks: called at the events of training, for example to write logs or to stop early. With any callback,
            some validation sources are translated after each epoch. See `training.callbacks.callback.Callback`.
        run: folder in which the run is recorded: settings, a copy of the pairs, logs, and checkpoints about every
            minute, from which `resume` continues after a crash. None records nothing. A name that exists is an error.
        preset: name of the preset; None means the preset of the settings file, or else `auto`, which chooses preset and
            token level from the pairs.
        settings: nested settings, or the path of a TOML file; they override the preset.
        **options: single settings by their names in docs/settings.md, such as `epochs=10`; they override `settings`.

    Returns:
        The translator. Ctrl-C, SIGTERM and SIGHUP end training early: the translator then has the weights of a finished
        epoch, if there is one, and `interrupted` is true in its record.

    Raises:
        DataError: if the pairs or the word vectors cannot be used.
        OutputError: if `run` exists or cannot be written.
        SettingsError: if an option or a setting is unknown or invalid, or training diverges in its first epoch.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(
        ...     pairs, level="word", units=32, dropout=0.0, epochs=100, batch_size=8, validation=0
        ... )
        >>> translator.translate(["He is tired.", "She is young."])
        ['Il est fatigué.', 'Elle est jeune.']
        >>> translator.save("model.keras")
    """
    started = time.perf_counter()
    return train_pairs(
        pairs,
        choose_settings(preset=preset, settings=settings, **options),
        validation=validation,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
        callbacks=callbacks,
        run=run,
        started=started,
        command="passerelle.train",
    )


def train_pairs(
    pairs: Iterable[tuple[str, ...]],
    chosen: Settings,
    *,
    validation: Validation,
    source_vectors: str | os.PathLike[str] | None,
    target_vectors: str | os.PathLike[str] | None,
    callbacks: Sequence[Callback],
    run: str | os.PathLike[str] | None,
    started: float,
    command: str,
    fine_tuning: FineTuning | None = None,
    fine_tuning_source: FineTuningSource | None = None,
) -> Translator:
    """Train a translator with these settings, and record its run if `run` is set; see `train`.

    Args:
        pairs, validation, source_vectors, target_vectors, callbacks, run: see `train`.
        chosen: the settings.
        started: value of `time.perf_counter()` from which the time limit counts.
        command: name of the public function that trains, for the description of the run.
        fine_tuning: the model from whose weights training starts, with its data; see `prepare`.
        fine_tuning_source: where a run finds them again.
    """
    options: dict[str, Any] = {
        "source_vectors": source_vectors, "target_vectors": target_vectors, "fine_tuning": fine_tuning,
    }  # fmt: skip
    if run is None:
        prepared = prepare_candidates(pairs, chosen, validation=validation, **options)
        return train_prepared(prepared, callbacks, started=started)
    folder = RunFolder(run)
    folder.require_creatable()
    tagged = chosen.tags.mode != "none"
    pairs = check_pairs(pairs, tagged=tagged)
    validation, validation_source = _validation_source(validation, tagged=tagged, pairs=pairs)
    prepared = prepare_candidates(pairs, chosen, validation=validation, **options)
    chosen = prepared.settings if chosen.preset == AUTO_PRESET else chosen
    paths = {"source": source_vectors, "target": target_vectors}
    data = DataSource(
        PairSource.copy(pairs),
        validation_source,
        {side: os.path.abspath(path) for side, path in paths.items() if path is not None},
        fine_tuning_source,
    )
    held_out = validation if isinstance(validation, Pairs) else None
    description = Description(chosen, data, ((command,),))
    recording = TranslatorRecording(folder, description, warn, originals=(pairs, held_out))
    with recording:
        return train_prepared(prepared, callbacks, started=started, recording=recording)


def resume(
    run: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    callbacks: Sequence[Callback] = (),
) -> Translator:
    """Continue a run in its folder, after Ctrl-C, a crash or a full disk, or to make it longer.

    Training continues from the newest undamaged checkpoint, also within an epoch, with the data and the settings of the
    run. On the same machine, the weights are those of a run that was never interrupted, bit for bit. A run that has
    ended gives its translator again.

    Args:
        run: the folder that `train(run=...)` or `passerelle train` wrote.
        epochs: new maximum number of epochs, not less than before; None changes nothing. The learning rate schedule is
            then that of the longer run, from the next update on.
        minutes: new time limit in minutes, not less than before; the time before the interruption counts.
        callbacks: see `train`; callbacks are not part of the run's folder.

    Raises:
        DataError: if the data of the run cannot be read.
        RunError: if the folder is damaged, in use or not a run folder, or if the data changed.
        SettingsError: if the run would become shorter.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> translator = passerelle.train(pairs, level="word", epochs=2, run="short.run")
        >>> translator = passerelle.resume("short.run", epochs=3)
        >>> len(translator.record["epochs"])
        3
    """
    started = time.perf_counter()
    change = lengthened(epochs, minutes)
    with TranslatorRecording.resume(run, warn, command=["passerelle.resume"], change=change) as recording:
        return train_prepared(recording.prepare(), callbacks, started=started, recording=recording)


def _reading(outputs: Sequence[str], *, tagged: bool) -> dict[str, Any]:
    """Return the arguments with which a validation file is read."""
    arguments: dict[str, Any] = {"tag_column": 3 if tagged else None}
    return arguments | ({"outputs": list(outputs)} if outputs else {})


def _validation_source(
    validation: Validation, *, tagged: bool, pairs: Pairs
) -> tuple[Validation, PairSource | float | None]:
    """Return an argument `validation`, as pairs if it consists of pairs, and the source that describes it."""
    if validation is None or isinstance(validation, Real):
        return validation, None if validation is None else float(validation)
    paths = validation if isinstance(validation, tuple) else (validation,)
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        return validation, PairSource.files(paths, _reading(pairs.outputs_to_read, tagged=tagged))  # pyright: ignore[reportArgumentType]
    rows: Any = validation
    held_out = check_pairs(rows, name="validation", tagged=tagged, outputs=pairs.outputs)
    return held_out, PairSource.copy(held_out)
