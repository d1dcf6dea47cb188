"""Train and save translators one after the other, for the commands `train` and `distill`."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.cli.arguments import translate_command
from passerelle.cli.display import note
from passerelle.cli.processes import started_by_us
from passerelle.cli.runs import Training, resume_command
from passerelle.cli.signals import exit_status, signal_words
from passerelle.cli.training_display import explain_end, train_with_display
from passerelle.cli.training_words import checkpoint_words
from passerelle.errors import LostProcessError, OutputError, PasserelleError
from passerelle.parallel.group import current, leave
from passerelle.training.callbacks.interruption import Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.forecaster import Forecaster
    from passerelle.runs.recording import Recording
    from passerelle.training.callbacks.callback import Callback
    from passerelle.translator import Translator

__all__ = ["note_saved", "receive_signals", "save_model", "tensorboard_logs", "train_all"]


def receive_signals() -> Interruption:
    """Receive the signals that end training, until the process ends.

    The context is never left: a signal that arrives when all is saved must not disturb the end of the process.
    """
    return Interruption().__enter__()


def train_all(
    trainings: Sequence[Training],
    interruption: Interruption,
    *,
    overwrite: bool,
    started: float,
) -> int:
    """Train and save the translators one after the other; return the exit status.

    Each translator has a folder of its own in the folder of TensorBoard's logs. The time limit of the first translator
    counts from `started`, that of each further one from its own start.
    """
    logs = [[tensorboard_logs(Path(each.tensorboard, each.out.stem))] if each.tensorboard else [] for each in trainings]
    saved = []
    if not current().is_first:
        trainings = [replace(each, recording=None) for each in trainings]
    for training, callbacks in zip(trainings, logs, strict=True):
        with training.recording or nullcontext():
            path, translator = _train(
                training, interruption, callbacks, overwrite=overwrite, started=None if saved else started
            )
        current().first(None)  # the other processes wait until the model is saved
        saved.append(path)
        explain_end(translator)
        checkpoint, last = checkpoint_words(translator.record), training.number == training.count
        if interruption.requested:
            early, recording = translator.record["interrupted"], training.recording
            weights = f"the best checkpoint{' so far' if early else ''} ({checkpoint})"
            weights = weights if translator.record["epochs"] else "the weights in the first epoch"
            how = ""
            if recording is not None and (early or not last):
                how = f". Continue: {resume_command(recording.folder)}"
            note(f"{signal_words(interruption.signal)}; saved {path} with {weights}{how}")
            leave()
            return exit_status(interruption.signal)
        hint = f". Try: {_example(saved, training.prepared.training)}" if last else ""
        note(f"saved {path} ({checkpoint}){hint}")
    leave()
    return 0


def tensorboard_logs(folder: Path) -> "Callback":
    """Return the callback that writes TensorBoard's logs.

    Raises:
        SettingsError: if the extra is not installed.
    """
    from passerelle.runs.tensorboard import TensorBoard

    return TensorBoard(folder, note)


def _train(
    training: Training,
    interruption: Interruption,
    callbacks: "Sequence[Callback]",
    *,
    overwrite: bool,
    started: float | None,
) -> "tuple[Path, Translator]":
    """Train and save one translator; say how to continue if that fails and there is a checkpoint."""
    recording = training.recording
    try:
        translator = train_with_display(
            training.prepared, training.out, interruption, training.number, training.count,
            started=started, recording=recording, callbacks=callbacks,
        )  # fmt: skip
        if not current().is_first:
            return training.out, translator
        path = save_model(translator, training.out, recording, overwrite=overwrite)
    except PasserelleError as error:
        told = isinstance(error, LostProcessError) and started_by_us()  # the process that started us says it
        if not told and recording is not None and recording.has_checkpoint():
            note(f"the run has a checkpoint; continue with: {resume_command(recording.folder)}")
        raise
    note_saved(recording, path, translator.record)
    return path, translator


def note_saved(recording: "Recording[Any] | None", path: Path, record: "Mapping[str, Any]") -> None:
    """Note in the run's folder that the model was saved; if that fails, say so."""
    if recording is None:
        return
    try:
        recording.saved(path, record)
    except (OSError, OutputError) as error:
        note(f"{recording.folder} is not complete: {error}")


def save_model(
    model: "Translator | Forecaster", path: Path, recording: "Recording[Any] | None", *, overwrite: bool
) -> Path:
    """Save a model, and return its path: another one if a file of that name appeared during training.

    A resumed run replaces the model that it saved itself.
    """
    resumed_run = recording is not None and recording.resumed
    if recording is not None and resumed_run:
        overwrite = overwrite or recording.folder.wrote(path)
    wanted, number = path, 1
    while True:
        try:
            model.save(path, overwrite=overwrite)
            return path
        except OutputError:
            if overwrite or not os.path.lexists(path):
                raise
        number += 1
        path = wanted.with_stem(f"{wanted.stem}.{number}")
        reason = "is not the model that this run saved" if resumed_run else "appeared during training"
        note(f"{wanted} {reason} and is not replaced; saving as {path}")


def _example(paths: list[Path], pairs: "Pairs") -> str:
    """Return a command that translates the first source with all models, as an ensemble."""
    first, *others = map(str, paths)
    options = [("--with", other) for other in others]
    options += [] if pairs.tags is None else [("--tags", pairs.tags[0])]
    return translate_command(first, pairs.sources[0], options)
