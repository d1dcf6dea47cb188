"""passerelle train"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER, translate_command
from passerelle.cli.display import explain_end, note, train_with_display
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import ReadingOptions, SettingsOptions, SyntheticOptions
from passerelle.cli.output import Overwrite, require_absent
from passerelle.cli.runs import (
    DataWords,
    Training,
    command,
    new_trainings,
    numbered,
    require_new_runs,
    resume_command,
    resumed,
)
from passerelle.cli.signals import exit_status, signal_words
from passerelle.cli.synthetic import BackTranslationOptions
from passerelle.errors import OutputError, PasserelleError, SettingsError
from passerelle.settings import AUTO_PRESET
from passerelle.training.callbacks.interruption import Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.runs.recording import Recording
    from passerelle.settings import Settings
    from passerelle.translator import Translator

__all__ = ["CHECKPOINT_SECONDS", "require_run_options", "train", "train_new"]

MAX_SEEDS = 100
CHECKPOINT_SECONDS = 60.0
"""Default of --checkpoint-seconds."""


def train(
    pairs: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    /,
    *,
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    back_translation: BackTranslationOptions | None = None,
    synthetic: SyntheticOptions | None = None,
    seeds: Annotated[int | None, Parameter(group=IN_GROUP["Training"], show_default=False), WHOLE_NUMBER] = None,
    resume: Annotated[str | None, Parameter(group=IN_GROUP["Training"])] = None,
    checkpoint_seconds: Annotated[float | None, Parameter(group=IN_GROUP["Training"], show_default=False)] = None,
    out: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    save_split: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    run: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    no_run: Annotated[bool, Parameter(group=IN_GROUP["Output"], negative=(), show_default=False)] = False,
    overwrite: Overwrite = False,
) -> int:
    """Train a translator on a file of pairs.

    Parameters
    ----------
    pairs
        Training data: a text file with a source, a tab and a target per line (further columns are ignored); a file in
        another --format, such as .jsonl, .json, .csv, .po, .tmx or .parquet; or two parallel files, such as train.en
        train.fr. Files may be UTF-16, and compressed (.gz, .bz2, .xz, .zst, .zip). Use - for standard input.
    validation
        Validation set: a file of pairs, or the share of sources to hold out of PAIRS, such as 0.1; 0 turns validation
        off. Two parallel files: --validation=dev.en --validation=dev.fr. [default: a tenth of the sources, at most
        1,000]
    source_vectors
        Pretrained embeddings for the source: a text file of word vectors from word2vec, GloVe or fastText, which may
        be compressed (.gz). Requires level word.
    target_vectors
        Pretrained embeddings for the target; like --source-vectors.
    seeds
        Number of translators to train on the same data, with the random seeds --seed, --seed + 1 and so on. With --out
        MODEL.keras, the files are MODEL-1.keras, MODEL-2.keras and so on. passerelle translate --with combines them
        as an ensemble. [default: 1]
    resume
        Folder of an interrupted run, MODEL.run: continue it from its newest checkpoint, with its data and settings.
        Nothing else is needed; --epochs and --minutes make the run longer.
    checkpoint_seconds
        Seconds between two checkpoints within an epoch; there is also one at the end of each epoch. They are less
        frequent where they would take more than 2 % of the time. [default: 60]
    out
        Model file (checkpoint) to write. [default: the name of PAIRS, with .keras instead of .tsv, .tsv.gz or the like]
    save_split
        Folder for the files train.tsv and validation.tsv, with the training and the validation pairs.
    run
        Folder of the run, for its settings, checkpoints, logs, samples and loss curve. [default: the name of the model
        file, with .run instead of .keras]
    no_run
        Write no folder for the run, so that it cannot be resumed.
    overwrite
        Replace existing files of the same names, and an earlier run. Without it, an existing file is an error.
    """
    started = time.perf_counter()
    from passerelle.data.formats import base_name

    reading, options = reading or ReadingOptions(), options or SettingsOptions()
    back_translation, synthetic = back_translation or BackTranslationOptions(), synthetic or SyntheticOptions()
    require_run_options(checkpoint_seconds, run, no_run=no_run)
    paths = {"source": source_vectors, "target": target_vectors}
    vectors = {side: path for side, path in paths.items() if path is not None}
    if resume is not None:
        unused = {"--seeds": seeds, "--save-split": save_split, "--run": run, "--no-run": no_run or None}
        unused |= dict.fromkeys([*back_translation.used(), *synthetic.used()], True)
        for flag in (name for name, value in unused.items() if value is not None):
            raise SettingsError(f"{flag} cannot be used with --resume: the run continues as it began. Leave it out.")
        used = reading.used()
        words = DataWords(pairs, _share_or_files(validation), vectors, used, {**used, "limit": None})
        trainings = resumed(resume, options, words, out=out, checkpoint_seconds=checkpoint_seconds)
        return _train_all(trainings, _receive_signals(), overwrite=overwrite, started=started)
    if not pairs:
        raise SettingsError("PAIRS is missing: name a file of pairs, or continue a run with --resume MODEL.run.")
    out = f"{base_name(pairs)}.keras" if out is None else out
    synthesize = back_translation.synthesis(synthetic, reading, out, overwrite=overwrite, started=started)
    return train_new(
        pairs, reading, validation, options, vectors, 1 if seeds is None else seeds,
        CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds,
        out, save_split, "" if no_run else run, overwrite=overwrite, started=started, synthesize=synthesize,
    )  # fmt: skip


def require_run_options(checkpoint_seconds: float | None, run: str | None, *, no_run: bool) -> None:
    """Raise SettingsError if the options of a run are out of range, or exclude each other."""
    if checkpoint_seconds is not None and not 0 <= checkpoint_seconds < float("inf"):
        raise SettingsError(f"--checkpoint-seconds must be at least 0, received: {checkpoint_seconds:g}")
    if run is not None and no_run:
        raise SettingsError("--run and --no-run exclude each other. Leave out one of them.")


def train_new(
    pairs: tuple[str, ...],
    reading: ReadingOptions,
    validation: tuple[str, ...],
    options: SettingsOptions,
    vectors: dict[str, str],
    seeds: int,
    checkpoint_seconds: float,
    out: str,
    save_split: str | None,
    run: str | None,
    *,
    overwrite: bool,
    started: float,
    synthesize: "Callable[[Pairs, Pairs, Settings], Pairs] | None" = None,
) -> int:
    """Begin new trainings; the commands `train` and `distill` call it. See `train` for the arguments.

    An empty `run` records none. If there is a function `synthesize`, it receives the training pairs, the validation
    pairs and the settings, and returns training pairs with synthetic ones among them, which `save_split` omits.
    """
    from passerelle.data.pairs import Pairs, split_paths, write_split
    from passerelle.experiment import prepare_candidates
    from passerelle.preparation import split
    from passerelle.runs.data_source import DataSource, PairSource
    from passerelle.runs.description import Description
    from passerelle.runs.folder import SUFFIX, RunFolder

    names_tags = reading.names_tag_column()
    settings = options.choose(tagged=names_tags)
    model = Path(out)
    paths = _model_paths(model, seeds)
    folder = Path(run) if run else model.with_suffix(SUFFIX)
    folders = [] if run == "" else [RunFolder(path) for path in numbered(folder, seeds)]
    splits = [] if save_split is None else split_paths(save_split)
    require_new_runs(folders, overwrite=overwrite)
    require_absent([*paths, *splits], overwrite=overwrite)
    tagged = names_tags or settings.tags.mode != "none"
    training_pairs = reading.read(pairs, tagged=tagged)
    held_out = _share_or_files(validation)
    words = DataWords(
        pairs, held_out, vectors,
        reading.arguments(tagged=tagged), reading.arguments(tagged=tagged, limited=False),
    )  # fmt: skip
    if isinstance(held_out, tuple):
        held_out = reading.read(held_out, tagged=tagged, limited=False)
    source = words.source(training_pairs, held_out)
    sides = None
    if synthesize is not None:
        sides = split(training_pairs, held_out, settings)
        training_pairs, held_out = synthesize(*sides, settings), sides[1] or 0.0
        held_out_source = PairSource.copy(held_out) if isinstance(held_out, Pairs) else held_out
        source = DataSource(PairSource.copy(training_pairs), held_out_source, source.vectors)
    interruption = _receive_signals()
    prepared = prepare_candidates(
        training_pairs,
        settings,
        validation=held_out,
        source_vectors=vectors.get("source"),
        target_vectors=vectors.get("target"),
        interruption=interruption,
        report=note,
    )
    if save_split is not None:
        written = write_split(save_split, *(sides or (prepared.training, prepared.validation)))
        note(f"wrote {written[0]} and {written[1]}")
    chosen = prepared.settings if settings.preset == AUTO_PRESET else settings
    description = Description(
        chosen, source, (command(),), os.path.abspath(model), checkpoint_seconds=checkpoint_seconds
    )
    own_validation = held_out if isinstance(held_out, Pairs) else None
    trainings = new_trainings(
        prepared, paths, folders, description, training_pairs, own_validation, overwrite=overwrite
    )
    return _train_all(trainings, interruption, overwrite=overwrite, started=started)


def _receive_signals() -> Interruption:
    """Receive the signals that end training, until the process ends.

    The context is never left: a signal that arrives when all is saved must not disturb the end of the process.
    """
    return Interruption().__enter__()


def _train_all(trainings: Sequence[Training], interruption: Interruption, *, overwrite: bool, started: float) -> int:
    """Train and save the translators one after the other; return the exit status.

    The time limit of the first translator counts from `started`, that of each further one from its own start.
    """
    saved = []
    for training in trainings:
        with training.recording or nullcontext():
            path, translator = _train(training, interruption, overwrite=overwrite, started=None if saved else started)
        saved.append(path)
        explain_end(translator)
        epochs = len(translator.record["epochs"])
        checkpoint = f"epoch {translator.record['kept_epoch']} of {epochs}"
        if interruption.requested:
            weights = f"the best checkpoint so far ({checkpoint})" if epochs else "the weights in the first epoch"
            how = f". Continue: {resume_command(training.recording.folder)}" if training.recording else ""
            note(f"{signal_words(interruption.signal)}; saved {path} with {weights}{how}")
            return exit_status(interruption.signal)
        last = training.number == training.count
        hint = f". Try: {_example(saved, training.prepared.training)}" if last else ""
        note(f"saved {path} ({checkpoint}){hint}")
    return 0


def _train(
    training: Training, interruption: Interruption, *, overwrite: bool, started: float | None
) -> "tuple[Path, Translator]":
    """Train and save one translator; say how to continue if that fails and there is a checkpoint."""
    recording = training.recording
    try:
        translator = train_with_display(
            training.prepared, training.out, interruption, training.number, training.count,
            started=started, recording=recording,
        )  # fmt: skip
        path = _save(translator, training.out, recording, overwrite=overwrite)
    except PasserelleError:
        if recording is not None and recording.has_checkpoint():
            note(f"the run has a checkpoint; continue with: {resume_command(recording.folder)}")
        raise
    if recording is not None:
        try:
            recording.saved(path, translator.record)
        except (OSError, OutputError) as error:
            note(f"{recording.folder} is not complete: {error}")
    return path, translator


def _save(translator: "Translator", path: Path, recording: "Recording | None", *, overwrite: bool) -> Path:
    """Save a translator, and return its path: another one if a file of that name appeared during training.

    A resumed run replaces the model that it saved itself.
    """
    resumed_run = recording is not None and recording.resumed
    if recording is not None and resumed_run:
        overwrite = overwrite or recording.folder.wrote(path)
    wanted, number = path, 1
    while True:
        try:
            translator.save(path, overwrite=overwrite)
            return path
        except OutputError:
            if overwrite or not os.path.lexists(path):
                raise
        number += 1
        path = wanted.with_stem(f"{wanted.stem}.{number}")
        reason = "is not the model that this run saved" if resumed_run else "appeared during training"
        note(f"{wanted} {reason} and is not replaced; saving as {path}")


def _model_paths(out: Path, seeds: int) -> list[Path]:
    """Return the path of each translator's model file; all are writable."""
    from passerelle.bundle.model_file import require_model_path

    if not 1 <= seeds <= MAX_SEEDS:
        raise SettingsError(f"--seeds must be from 1 to {MAX_SEEDS}, received: {seeds}")
    return [require_model_path(path) for path in numbered(require_model_path(out), seeds)]


def _example(paths: list[Path], pairs: "Pairs") -> str:
    """Return a command that translates the first source with all models, as an ensemble."""
    first, *others = map(str, paths)
    options = [("--with", other) for other in others]
    options += [] if pairs.tags is None else [("--tags", pairs.tags[0])]
    return translate_command(first, pairs.sources[0], options)


def _share_or_files(validation: tuple[str, ...]) -> float | tuple[str, ...] | None:
    try:
        return float(*validation) if len(validation) == 1 else validation or None
    except ValueError:
        return validation
