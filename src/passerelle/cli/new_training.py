"""Begin new trainings, for the commands `train` and `distill`: read and prepare the pairs, and describe the runs."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from passerelle.cli.display import PreparationDisplay, note
from passerelle.cli.fine_tuning import FineTuningOptions
from passerelle.cli.options import FineTuningFlags, ReadingOptions, SettingsOptions
from passerelle.cli.output import require_absent
from passerelle.cli.runs import DataWords, command, new_trainings, numbered, require_new_runs
from passerelle.cli.training import receive_signals, tensorboard_logs, train_all
from passerelle.errors import SettingsError
from passerelle.settings import AUTO_PRESET
from passerelle.training.callbacks.interruption import Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.data.storage import Storage
    from passerelle.fine_tuning.origin import Origin
    from passerelle.preparation import Prepared
    from passerelle.runs.data_source import DataSource
    from passerelle.runs.folder import RunFolder
    from passerelle.settings import Settings

__all__ = ["NewTraining", "PreparedTraining", "read_and_prepare", "require_run_options", "share_or_files", "train_new"]

MAX_SEEDS = 100


@dataclass(frozen=True, kw_only=True)
class NewTraining:
    """The arguments of a new training; see the command `train`.

    Attributes:
        pairs: one file of pairs, or two parallel files.
        reading: how files are read.
        validation: validation files, or one share.
        options: settings.
        vectors: files of pretrained word vectors by side, `source` and `target`.
        out: model file.
        started: value of `time.perf_counter()` from which the time limit counts.
        seeds: number of translators.
        checkpoint_seconds: seconds between two checkpoints; None for the default.
        save_split: folder for the training and the validation pairs.
        run: folder of the run; None for that next to the model file.
        no_run: whether no run is recorded.
        overwrite: whether existing files are replaced.
        tensorboard: folder for TensorBoard's logs; None for none.
        synthesize: receives the training pairs, the validation pairs and the settings, and returns training pairs with
            synthetic ones among them, which `save_split` omits.
        start: the model to start from and its data; no model for new weights.
        fine_tuning: settings of fine-tuning.
    """

    pairs: tuple[str, ...]
    reading: ReadingOptions
    validation: tuple[str, ...]
    options: SettingsOptions
    vectors: dict[str, str]
    out: str
    started: float
    seeds: int = 1
    checkpoint_seconds: float | None = None
    save_split: str | None = None
    run: str | None = None
    no_run: bool = False
    overwrite: bool = False
    tensorboard: str | None = None
    synthesize: "Callable[[Pairs, Pairs, Settings], Pairs] | None" = None
    start: FineTuningOptions = field(default_factory=FineTuningOptions)
    fine_tuning: FineTuningFlags = field(default_factory=FineTuningFlags)

    @cached_property
    def origin(self) -> "Origin | None":
        """The model to start from; None for new weights."""
        from passerelle.fine_tuning.origin import Origin

        return None if self.start.from_ is None else Origin.load(self.start.from_)

    @cached_property
    def settings(self) -> "Settings":
        """The settings; with a model to start from, its text and network."""
        tagged = self.reading.names_tag_column()
        if self.origin is None:
            return self.options.choose(tagged=tagged)
        return self.options.fine_tune(self.origin.bundle.settings, str(self.start.from_), tagged=tagged)


def require_run_options(checkpoint_seconds: float | None, run: str | None, *, no_run: bool) -> None:
    """Raise SettingsError if the options of a run are out of range, or exclude each other."""
    if checkpoint_seconds is not None and not 0 <= checkpoint_seconds < float("inf"):
        raise SettingsError(f"--checkpoint-seconds must be at least 0, received: {checkpoint_seconds:g}")
    if run is not None and no_run:
        raise SettingsError("--run and --no-run exclude each other. Leave out one of them.")


@dataclass(frozen=True)
class PreparedTraining:
    """The data of a new training.

    Attributes:
        prepared: the prepared data.
        settings: the settings as given; for the preset `auto`, those that were chosen.
        source: where the pairs can be read again.
        pairs: the pairs as they were read, with synthetic ones.
        validation: the validation pairs, if they were read by themselves.
        sides: the training and the validation pairs, without synthetic ones.
        interruption: receives the signals that end training.
    """

    prepared: "Prepared"
    settings: "Settings"
    source: "DataSource"
    pairs: "Pairs"
    validation: "Pairs | None"
    sides: "tuple[Pairs, Pairs]"
    interruption: Interruption


def train_new(new: NewTraining) -> int:
    """Begin new trainings, and train and save their translators; return the exit status."""
    from passerelle.data.pair_files import split_paths, write_split
    from passerelle.runs.description import CHECKPOINT_SECONDS, Description
    from passerelle.runs.folder import SUFFIX, RunFolder

    overwrite, model = new.overwrite, Path(new.out)
    if new.synthesize is not None and new.reading.names_outputs():
        raise SettingsError("synthetic pairs have one output, and --outputs names several. Leave out one of the two.")
    if new.origin is not None and new.origin.outputs and not new.reading.names_outputs():
        names = ",".join(f"{name}={column}" for column, name in enumerate(new.origin.outputs, start=2))
        raise SettingsError(f"{new.origin.name} has several outputs. Name their columns, such as --outputs {names}")
    _ = new.settings  # wrong settings are reported before existing files
    paths = _model_paths(model, new.seeds)
    folder = Path(new.run) if new.run else model.with_suffix(SUFFIX)
    folders = [] if new.no_run else [RunFolder(path) for path in numbered(folder, new.seeds)]
    splits = [] if new.save_split is None else split_paths(new.save_split)
    require_new_runs(folders, overwrite=overwrite)
    require_absent([*paths, *splits], overwrite=overwrite)
    if new.tensorboard is not None:
        tensorboard_logs(Path(new.tensorboard))  # a missing package is reported before the work
    data = read_and_prepare(new, folders[0] if folders else None)
    if new.save_split is not None:
        written = write_split(new.save_split, *data.sides)
        note(f"wrote {written[0]} and {written[1]}")
    seconds = CHECKPOINT_SECONDS if new.checkpoint_seconds is None else new.checkpoint_seconds
    description = Description(
        data.settings, data.source, (command(),), os.path.abspath(model), checkpoint_seconds=seconds,
        tensorboard="" if new.tensorboard is None else os.path.abspath(new.tensorboard),
    )  # fmt: skip
    trainings = new_trainings(
        data.prepared, paths, folders, description, data.pairs, data.validation, overwrite=overwrite
    )
    return train_all(trainings, data.interruption, overwrite=overwrite, started=new.started)


def read_and_prepare(new: NewTraining, folder: "RunFolder | None" = None) -> PreparedTraining:
    """Read the pairs, add synthetic ones, receive signals from then on, and prepare the pairs.

    The texts and ids of large pairs lie in the run's folder or, without one, in files without names next to the model.
    """
    from passerelle.data.storage import Storage

    with PreparationDisplay.open() as display:
        if folder is None:
            return _prepared(new, Storage(Path(new.out).absolute().parent, report=display.show), display)
        try:
            return _prepared(new, Storage(folder.data, kept=True, report=display.show), display)
        except BaseException:
            folder.discard_data()
            raise


def _prepared(new: NewTraining, storage: "Storage", display: PreparationDisplay) -> PreparedTraining:
    from passerelle.data.pairs import Pairs
    from passerelle.experiment.candidates import prepare_candidates
    from passerelle.preparation import split
    from passerelle.runs.data_source import PairSource

    reading, vectors, settings = new.reading, new.vectors, new.settings
    tagged = reading.names_tag_column() or settings.tags.mode != "none"
    training_pairs = reading.read(new.pairs, tagged=tagged, storage=storage)
    held_out = share_or_files(new.validation)
    words = DataWords(
        new.pairs, held_out, vectors,
        reading.arguments(tagged=tagged), reading.arguments(tagged=tagged, limited=False),
    )  # fmt: skip
    if isinstance(held_out, tuple):
        held_out = reading.read(held_out, tagged=tagged, limited=False, storage=storage.part("validation"))
    source = words.source(training_pairs, held_out)
    plan = None
    if new.origin is not None:
        plan, plan_source = new.start.plan(new.origin, new.fine_tuning, reading, storage, tagged=tagged)
        source = replace(source, fine_tuning=plan_source)
    sides = None
    if new.synthesize is not None:
        sides = split(training_pairs, held_out, settings)
        training_pairs, held_out = new.synthesize(*sides, settings), sides[1] or 0.0
        held_out_source = PairSource.copy(held_out) if isinstance(held_out, Pairs) else held_out
        source = replace(source, pairs=PairSource.copy(training_pairs), validation=held_out_source)
    display.interruption = interruption = receive_signals()
    prepared = prepare_candidates(
        training_pairs,
        settings,
        validation=held_out,
        source_vectors=vectors.get("source"),
        target_vectors=vectors.get("target"),
        fine_tuning=plan,
        interruption=interruption,
        report=note,
    )
    if prepared.training.storage is not None:
        prepared.examine()
    return PreparedTraining(
        prepared,
        prepared.settings if settings.preset == AUTO_PRESET else settings,
        source,
        training_pairs,
        held_out if isinstance(held_out, Pairs) else None,
        sides or (prepared.training, prepared.validation),
        interruption,
    )


def _model_paths(out: Path, seeds: int) -> list[Path]:
    """Return the path of each translator's model file; all are writable."""
    from passerelle.bundle.model_file import require_model_path

    if not 1 <= seeds <= MAX_SEEDS:
        raise SettingsError(f"--seeds must be from 1 to {MAX_SEEDS}, received: {seeds}")
    return [require_model_path(path) for path in numbered(require_model_path(out), seeds)]


def share_or_files(validation: tuple[str, ...]) -> float | tuple[str, ...] | None:
    try:
        return float(*validation) if len(validation) == 1 else validation or None
    except ValueError:
        return validation
