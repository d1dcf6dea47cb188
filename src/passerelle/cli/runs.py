"""The trainings of passerelle train: new ones, each with the folder of its run, and those that --resume continues."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.cli.display import PreparationDisplay, note
from passerelle.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from passerelle.cli.options import SettingsOptions
    from passerelle.data.pairs import Pairs
    from passerelle.preparation import Prepared
    from passerelle.runs.data_source import DataSource, FineTuningSource, PairSource
    from passerelle.runs.description import Description
    from passerelle.runs.folder import RunFolder
    from passerelle.runs.translator_recording import TranslatorRecording

__all__ = [
    "DataWords", "Training", "changed_description", "command", "finished_error", "new_trainings", "numbered",
    "require_new_runs", "require_unused", "resume_command", "resumed", "short_path",
]  # fmt: skip


@dataclass(frozen=True)
class Training:
    """One translator to train.

    Attributes:
        prepared: prepared data, with the seed of this translator.
        out: path of the model file.
        recording: the run's folder; None without one.
        number: number of this translator, from 1.
        count: number of translators of the command.
        tensorboard: folder for TensorBoard's logs of all translators; empty for none.
    """

    prepared: "Prepared"
    out: Path
    recording: "TranslatorRecording | None"
    number: int = 1
    count: int = 1
    tensorboard: str = ""


@dataclass(frozen=True)
class DataWords:
    """The arguments that name the data.

    Attributes:
        pairs: paths of the pairs.
        validation: paths of the validation pairs, or a share; None if the argument is not used.
        vectors: path of the word vectors by side, for the sides that have one.
        reading: keyword arguments of `read_pairs` for the pairs.
        validation_reading: the same for the validation pairs.
    """

    pairs: tuple[str, ...]
    validation: tuple[str, ...] | float | None
    vectors: dict[str, str]
    reading: dict[str, object]
    validation_reading: dict[str, object]

    def source(self, pairs: "Pairs", validation: "Pairs | float | None") -> "DataSource":
        """Return the source of a new run's data: the files, or the pairs for those that cannot be read again."""
        from passerelle.data.pairs import Pairs
        from passerelle.runs.data_source import DataSource

        held_out = validation
        if isinstance(held_out, Pairs) and isinstance(self.validation, tuple):
            held_out = _source(self.validation, self.validation_reading, held_out)
        vectors = {side: os.path.abspath(path) for side, path in self.vectors.items()}
        return DataSource(_source(self.pairs, self.reading, pairs), held_out, vectors)  # pyright: ignore[reportArgumentType]

    def changed(self, source: "DataSource") -> "DataSource":
        """Return the source of a resumed run's data, in which the arguments that are used replace those of the run.

        Raises:
            SettingsError: if an argument names standard input or a pipe.
        """
        from passerelle.runs.data_source import PairSource, can_be_read_again

        def files(paths: tuple[str, ...], reading: dict[str, object], before: object) -> PairSource:
            if not can_be_read_again([path for path in paths if os.path.exists(path)]):
                raise SettingsError(
                    "a resumed run cannot read its pairs from standard input. It has a copy: leave it out."
                )
            own = dict(before.reading) if isinstance(before, PairSource) and before.paths else {}
            return PairSource.files(paths, own | {name: value for name, value in reading.items() if value is not None})

        pairs = files(self.pairs, self.reading, source.pairs) if self.pairs else source.pairs
        validation = source.validation if self.validation is None else self.validation
        if isinstance(validation, tuple):
            validation = files(validation, self.validation_reading, source.validation)
        vectors = {side: os.path.abspath(path) for side, path in self.vectors.items()}
        return replace(source, pairs=pairs, validation=validation, vectors={**source.vectors, **vectors})


def _source(paths: tuple[str, ...], reading: dict[str, object], pairs: "Pairs") -> "PairSource":
    from passerelle.runs.data_source import PairSource, can_be_read_again

    return PairSource.files(paths, reading) if can_be_read_again(paths) else PairSource.copy(pairs)


def numbered(path: Path, count: int) -> list[Path]:
    """Return the path itself for one translator; for several, the path with each number: MODEL-1.keras."""
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{number}") for number in range(1, count + 1)]


def resume_command(folder: object, command: str = "train") -> str:
    """Return the command that resumes a run, which `passerelle COMMAND` began."""
    path = str(folder)
    option = [f"--resume={path}"] if path.startswith("-") else ["--resume", path]
    return shlex.join(["passerelle", command, *option])


def require_new_runs(folders: "Sequence[RunFolder]", *, overwrite: bool, command: str = "train") -> None:
    """Check that `passerelle COMMAND` can begin runs in these folders.

    Raises:
        OutputError: if a folder has a run that must not be replaced, contains anything else, or cannot be created.
    """
    for folder in folders:
        if folder.is_run() and not overwrite:
            raise OutputError(
                f"{folder} exists: an earlier run. Continue it with: {resume_command(folder, command)}. Or add "
                f"--overwrite to replace it and its model, or name another output."
            )
        folder.require_creatable(overwrite=overwrite)


def new_trainings(
    prepared: "Prepared",
    paths: Sequence[Path],
    folders: "Sequence[RunFolder]",
    description: "Description",
    pairs: "Pairs",
    validation: "Pairs | None",
    *,
    overwrite: bool,
) -> list[Training]:
    """Return the trainings of a new command.

    Args:
        prepared: prepared data, with the seed of the first translator.
        paths: paths of the model files.
        folders: folders of the runs; none if no run is recorded.
        description: description of the first run.
        pairs: all pairs, as they were read.
        validation: the validation pairs, if they were read by themselves.
        overwrite: whether earlier runs may be replaced.
    """
    from passerelle.runs.translator_recording import TranslatorRecording

    trainings = []
    for number, path in enumerate(paths, start=1):
        own = prepared.with_seed(prepared.settings.training.seed + number - 1)
        recording = None
        if folders:
            recording = TranslatorRecording(
                folders[number - 1],
                replace(description, number=number, count=len(paths)),
                note,
                originals=(pairs, validation),
                overwrite=overwrite,
            )
        trainings.append(Training(own, path, recording, number, len(paths), description.tensorboard))
    return trainings


def resumed(
    path: str,
    options: "SettingsOptions",
    words: DataWords,
    moved: "Callable[[FineTuningSource | None], FineTuningSource | None]",
    *,
    out: str | None,
    checkpoint_seconds: float | None,
    tensorboard: str | None,
) -> list[Training]:
    """Return the trainings that are left of an earlier command, from the run in a folder on.

    Args:
        path: the run's folder.
        options: settings that extend the run.
        words: arguments that name the data, if it was moved.
        moved: source of the run's fine-tuning -> source with the files that the arguments name.
        out: another model file; None for that of the run.
        checkpoint_seconds: another time between two checkpoints; None for that of the run.
        tensorboard: another folder for TensorBoard's logs; None for that of the run.

    Raises:
        RunError: if the run cannot be resumed.
        SettingsError: if the run is finished, or more would change than its length.
    """
    from passerelle.runs.translator_recording import TranslatorRecording

    def recording(folder: str | Path) -> TranslatorRecording:
        """Return the recording of one run, with the changes of the command."""
        made = TranslatorRecording.resume(folder, note, command=command(), change=options.change, inform=note)
        data = replace(words.changed(made.data), fine_tuning=moved(made.data.fine_tuning))
        made.description = changed_description(
            folder, replace(made.description, data=data), out, checkpoint_seconds, tensorboard
        )
        return made

    first = recording(path)
    number, count, logs = first.description.number, first.description.count, first.description.tensorboard
    paths = [short_path(place) for place in numbered(Path(first.description.out), count)]
    finished = first.is_finished(paths[number - 1])
    if finished and number == count:
        raise finished_error(path, paths[number - 1])
    with PreparationDisplay.open() as display:
        prepared = first.prepare(display.show)
        if prepared.training.storage is not None:
            prepared.examine()
    trainings = [] if finished else [Training(prepared, paths[number - 1], first, number, count, logs)]
    for other in range(number + 1, count + 1):
        later = _later_recording(first, other, recording)
        if not later.is_finished(paths[other - 1]):
            own = prepared.with_seed(prepared.settings.training.seed + other - number)
            trainings.append(Training(own, paths[other - 1], later, other, count, logs))
    return trainings


def _later_recording(
    first: "TranslatorRecording", number: int, recording: "Callable[[Path], TranslatorRecording]"
) -> "TranslatorRecording":
    """Return the recording of a later translator of the same command: resumed if it was begun, otherwise new.

    Args:
        first: the recording of the run that is resumed.
        number: number of the later translator.
        recording: folder of a run -> its recording, resumed.
    """
    from passerelle.data.pairs import Pairs
    from passerelle.runs.folder import RunFolder
    from passerelle.runs.translator_recording import TranslatorRecording

    before = first.description
    base = first.folder.path.with_stem(first.folder.path.stem.removesuffix(f"-{before.number}"))
    place = RunFolder(numbered(base, before.count)[number - 1])
    if place.is_run():
        return recording(place.path)
    pairs, validation = first.read()
    return TranslatorRecording(
        place,
        replace(before, number=number, commands=(command(),), resolved=None),
        note,
        originals=(pairs, validation if isinstance(validation, Pairs) else None),
    )


def changed_description(
    path: str | Path,
    description: "Description",
    out: str | None,
    checkpoint_seconds: float | None,
    tensorboard: str | None,
) -> "Description":
    """Return the description of a resumed run with what its command changes; None changes nothing.

    Args:
        path: the run's folder, for messages.
        description: the description of the run.
        out: another model file.
        checkpoint_seconds: another time between two checkpoints.
        tensorboard: another folder for TensorBoard's logs.

    Raises:
        SettingsError: if the run has no model file, and none is named.
    """
    if not description.out and out is None:
        raise SettingsError(f"{path} is a run of the Python API, which writes no model file. Name one with --out.")
    paths = {"out": out, "tensorboard": tensorboard}
    changes: dict[str, Any] = {name: os.path.abspath(value) for name, value in paths.items() if value is not None}
    changes |= {} if checkpoint_seconds is None else {"checkpoint_seconds": checkpoint_seconds}
    return replace(description, **changes)


def finished_error(path: str, out: Path) -> SettingsError:
    """Return the error for a run that has ended, and whose model file is saved."""
    return SettingsError(f"{path} is finished, and {out} is its model. Make the run longer with --epochs or --minutes.")


def require_unused(flags: Mapping[str, object], reason: str) -> None:
    """Raise SettingsError for a flag that is used.

    Args:
        flags: the values of flags by name; None if a flag is not used.
        reason: why it cannot be used, after its name.
    """
    for flag in (name for name, value in flags.items() if value is not None):
        raise SettingsError(f"{flag} cannot be used with {reason}. Leave it out.")


def command() -> tuple[str, ...]:
    """Return the command of this process, for the description of the run."""
    return ("passerelle", *sys.argv[1:])


def short_path(path: Path) -> Path:
    """Return a path relative to the current folder if the file is in it, for messages."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
