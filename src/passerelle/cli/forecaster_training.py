"""Begin, resume, train and save forecasters, for the command `train-forecaster`."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from passerelle.cli.display import note
from passerelle.cli.options import ForecasterOptions
from passerelle.cli.output import require_absent
from passerelle.cli.runs import (
    changed_description,
    command,
    finished_error,
    require_new_runs,
    resume_command,
    short_path,
)
from passerelle.cli.signals import exit_status, signal_words
from passerelle.cli.training import note_saved, receive_signals, save_model, tensorboard_logs
from passerelle.cli.training_display import TrainingDisplay
from passerelle.cli.training_words import checkpoint_words
from passerelle.errors import PasserelleError, SettingsError
from passerelle.training.callbacks.callback import Callback, Run

if TYPE_CHECKING:
    from passerelle.data.layout import Layout
    from passerelle.data.windows import Windows
    from passerelle.forecaster import Forecaster
    from passerelle.runs.forecaster_recording import ForecasterRecording
    from passerelle.training.callbacks.interruption import Interruption
    from passerelle.window_preparation import PreparedWindows

__all__ = ["ForecasterTraining", "NewForecaster", "resumed_forecaster", "train_and_save"]

COMMAND = "train-forecaster"


@dataclass(frozen=True)
class ForecasterTraining:
    """A forecaster to train.

    Attributes:
        prepared: prepared windows.
        windows: all windows.
        refit: whether the network is trained once more, on all windows.
        out: path of the model file.
        recording: the run's folder; None without one.
        tensorboard: folder for TensorBoard's logs; empty for none.
        file: the file of the windows, for the hint at the end.
    """

    prepared: "PreparedWindows"
    windows: "Windows"
    refit: bool
    out: Path
    recording: "ForecasterRecording | None"
    tensorboard: str
    file: str


@dataclass(frozen=True, kw_only=True)
class NewForecaster:
    """The arguments of a new training; see the command `train-forecaster`.

    `layout` has the columns that the arguments name; None for a file of arrays.
    """

    file: str
    layout: "Layout | None"
    stride: int
    validation: float | None
    refit: bool
    options: ForecasterOptions
    run: str | None
    no_run: bool
    checkpoint_seconds: float | None
    tensorboard: str | None
    out: str

    def begun(self, *, overwrite: bool) -> ForecasterTraining:
        """Check the outputs, and read and prepare the windows."""
        from passerelle.bundle.model_file import require_model_path
        from passerelle.data.window_files import read_windows
        from passerelle.data.windows import DEFAULT_SHARE
        from passerelle.runs.data_source import can_be_read_again
        from passerelle.runs.description import CHECKPOINT_SECONDS, Description
        from passerelle.runs.folder import SUFFIX, RunFolder
        from passerelle.runs.forecaster_recording import ForecasterRecording
        from passerelle.runs.windows_source import WindowsSource
        from passerelle.window_preparation import prepare_windows

        settings, path = self.options.choose(), require_model_path(self.out)
        folder = None if self.no_run else RunFolder(self.run or path.with_suffix(SUFFIX))
        require_new_runs([folder] if folder else [], overwrite=overwrite, command=COMMAND)
        require_absent([path], overwrite=overwrite)
        windows, layout = read_windows(self.file, self.layout, stride=self.stride)
        training, held_out = windows.split(self.validation)
        if self.refit and not len(held_out):
            raise SettingsError(
                "--refit needs validation windows, which choose the number of epochs. Leave out one of both."
            )
        prepared = prepare_windows(training, held_out, settings, layout)
        logs = "" if self.tensorboard is None else os.path.abspath(self.tensorboard)
        recording = None
        if folder is not None:
            share = DEFAULT_SHARE if self.validation is None else self.validation
            path_again = os.path.abspath(self.file) if can_be_read_again([self.file]) else ""
            source = WindowsSource(path_again, layout, self.stride, share, self.refit)
            seconds = CHECKPOINT_SECONDS if self.checkpoint_seconds is None else self.checkpoint_seconds
            description = Description(
                settings, source, (command(),), os.path.abspath(path), checkpoint_seconds=seconds, tensorboard=logs
            )
            recording = ForecasterRecording(
                folder, description, note, originals=windows, overwrite=overwrite, inform=note
            )
        return ForecasterTraining(prepared, windows, self.refit, path, recording, logs, self.file)


def resumed_forecaster(
    path: str,
    file: str | None,
    options: ForecasterOptions,
    *,
    out: str | None,
    checkpoint_seconds: float | None,
    tensorboard: str | None,
) -> ForecasterTraining:
    """Return the training that is left of an interrupted run.

    Args:
        path: the run's folder.
        file: the file of the windows, if it was moved.
        options: settings that extend the run.
        out, checkpoint_seconds, tensorboard: see `changed_description`.
    """
    from passerelle.runs.forecaster_recording import ForecasterRecording

    recording = ForecasterRecording.resume(path, note, command=command(), change=options.change, inform=note)
    source = recording.data if file is None else replace(recording.data, path=os.path.abspath(file))
    recording.description = changed_description(
        path, replace(recording.description, data=source), out, checkpoint_seconds, tensorboard
    )
    model = short_path(Path(recording.description.out))
    if recording.is_finished(model):
        raise finished_error(path, model)
    prepared, windows = recording.prepare()
    logs = recording.description.tensorboard
    return ForecasterTraining(prepared, windows, source.refit, model, recording, logs, source.path or "history.npz")


def train_and_save(training: ForecasterTraining, *, overwrite: bool, started: float) -> int:
    """Train and save a forecaster; return the exit status."""
    recording, interruption = training.recording, receive_signals()
    callbacks = [tensorboard_logs(Path(training.tensorboard))] if training.tensorboard else []
    try:
        with recording or nullcontext():
            forecaster = _trained(training, callbacks, interruption, started)
        path = save_model(forecaster, training.out, recording, overwrite=overwrite)
    except PasserelleError:
        if recording is not None and recording.has_checkpoint():
            note(f"the run has a checkpoint; continue with: {resume_command(recording.folder, COMMAND)}")
        raise
    note_saved(recording, path, forecaster.record)
    checkpoint = checkpoint_words(forecaster.record)
    if interruption.requested:
        how = ""
        if recording is not None and forecaster.record["interrupted"]:
            how = f". Continue: {resume_command(recording.folder, COMMAND)}"
        note(f"{signal_words(interruption.signal)}; saved {path} with the best checkpoint so far ({checkpoint}){how}")
        return exit_status(interruption.signal)
    suffix = "npz" if training.file.endswith(".npz") else "csv"
    note(f"saved {path} ({checkpoint}). Try: passerelle predict {path} {training.file} --out forecast.{suffix}")
    return 0


def _trained(
    training: ForecasterTraining, callbacks: Sequence[Callback], interruption: "Interruption", started: float
) -> "Forecaster":
    """Train a forecaster, and once more on all windows if asked, and show the progress."""
    from passerelle.forecasting import train_again, train_prepared_windows

    prepared, windows, recording = training.prepared, training.windows, training.recording
    introduction = _Introduction(
        f"{len(prepared.training):,} training windows, {len(prepared.validation):,} validation windows after them, "
        f"{windows.horizon} steps to forecast"
    )
    with TrainingDisplay.open(prepared.settings.training.epochs, unit="steps") as display:
        forecaster = train_prepared_windows(
            prepared,
            callbacks=[introduction, display, *callbacks],
            interruption=interruption,
            out=training.out,
            recording=recording,
            refit=training.refit,
            started=started,
        )
    if len(prepared.validation):
        note(f"validation windows:\n{forecaster.evaluate(prepared.validation, adapt=False)}")
    if not training.refit:
        return forecaster
    epochs = forecaster.record["kept_epoch"]
    again = _Introduction(f"training once more on all {len(windows):,} windows, {epochs} epochs")
    with TrainingDisplay.open(epochs, unit="steps") as display:
        return train_again(
            forecaster, windows, callbacks=[again, display], interruption=interruption, recording=recording
        )


class _Introduction(Callback):
    """Prints a line when training begins: not before the settings and the rows have been checked."""

    def __init__(self, line: str):
        self._line = line

    def on_train_begin(self, run: Run) -> None:
        note(self._line)
