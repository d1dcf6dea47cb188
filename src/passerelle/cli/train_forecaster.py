"""passerelle train-forecaster"""

import os
import time as clock
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.forecasting import CommaSeparated, names_in, series_layout
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.new_training import require_run_options
from passerelle.cli.options import ForecasterOptions
from passerelle.cli.output import Overwrite, require_absent
from passerelle.cli.runs import command, require_new_runs, resume_command
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

__all__ = ["train_forecaster"]

DATA, TRAINING, OUTPUT = IN_GROUP["Data"], IN_GROUP["Training"], IN_GROUP["Output"]
COMMAND = "train-forecaster"


def train_forecaster(
    file: str | None = None,
    /,
    *,
    time: Annotated[str | None, Parameter(group=DATA, show_default=False)] = None,
    target: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    inputs: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    known: Annotated[CommaSeparated, Parameter(group=DATA)] = None,
    series: Annotated[str | None, Parameter(group=DATA)] = None,
    history: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    horizon: Annotated[int | None, Parameter(group=DATA), WHOLE_NUMBER] = None,
    stride: Annotated[int | None, Parameter(group=DATA, show_default=False), WHOLE_NUMBER] = None,
    calendar: Annotated[bool | None, Parameter(group=DATA, show_default=False)] = None,
    validation: Annotated[float | None, Parameter(group=DATA, show_default=False)] = None,
    refit: Annotated[bool, Parameter(group=TRAINING, negative=(), show_default=False)] = False,
    resume: Annotated[str | None, Parameter(group=TRAINING)] = None,
    checkpoint_seconds: Annotated[float | None, Parameter(group=TRAINING, show_default=False)] = None,
    options: ForecasterOptions | None = None,
    out: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    run: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    no_run: Annotated[bool, Parameter(group=OUTPUT, negative=(), show_default=False)] = False,
    tensorboard: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    overwrite: Overwrite = False,
) -> int:
    """Train a forecaster on a file of time series.

    Parameters
    ----------
    file
        Time series: .csv with a header, or .parquet, with one row for each time; may be compressed. Or .npz with the
        arrays history, (rows, T, F), and future, (rows, H, G); and optionally known, (rows, H, K), and static,
        (rows, S).
    time
        Column of the time: dates or times such as 2024-01-31 or 2024-01-31 18:00, or whole numbers, at equal steps.
        [default: time]
    target
        Columns to forecast, separated by commas.
    inputs
        Further columns that the forecaster reads, separated by commas; known until the forecast begins.
    known
        Columns that are known in advance, also for the time of the forecast, such as holidays; separated by commas.
    series
        Column with the name of the series of each row, for a file of several series.
    history
        Steps that the forecaster reads.
    horizon
        Steps to forecast.
    stride
        Steps from one training window to the next. [default: 1]
    calendar
        Use the time of day, the day of the week and the day of the year as inputs. [default: --calendar]
    validation
        Share of the time, at its end, to hold out; 0 turns validation and calibration off. [default: 0.1]
    refit
        Train the network once more at the end, on all windows and for as many epochs as were best by validation, so
        that it learns from the latest rows too. Intervals keep the calibration by the first network.
    resume
        Folder of an interrupted run, MODEL.run: continue it from its newest checkpoint, with its data and settings.
        Nothing else is needed; --epochs and --minutes make the run longer. FILE names the data if it was moved.
    checkpoint_seconds
        Seconds between two checkpoints; there is also one after each validation. They are less frequent where they
        would take more than 2 % of the time. [default: 60]
    out
        Model file to write. [default: the name of FILE, with .keras]
    run
        Folder of the run, for its settings, checkpoints, logs and loss curve. [default: the name of the model file,
        with .run instead of .keras]
    no_run
        Write no folder for the run, so that it cannot be resumed.
    tensorboard
        Folder for TensorBoard's logs; requires the package tensorboardX. With --resume, the default is that of the run.
    overwrite
        Replace existing files of the same names, and an earlier run. Without it, an existing file is an error.
    """
    started = clock.perf_counter()
    options = options or ForecasterOptions()
    require_run_options(checkpoint_seconds, run, no_run=no_run)
    if resume is not None:
        unused = {
            "--time": time, "--target": target, "--inputs": inputs, "--known": known, "--series": series,
            "--history": history, "--horizon": horizon, "--stride": stride, "--calendar": calendar,
            "--validation": validation, "--refit": refit or None, "--run": run, "--no-run": no_run or None,
        }  # fmt: skip
        for flag in (name for name, value in unused.items() if value is not None):
            raise SettingsError(f"{flag} cannot be used with --resume: the run continues as it began. Leave it out.")
        changes = {"out": out, "tensorboard": tensorboard}
        changes = {name: os.path.abspath(value) for name, value in changes.items() if value is not None}
        changes |= {} if checkpoint_seconds is None else {"checkpoint_seconds": checkpoint_seconds}
        return _train_and_save(_resumed(resume, file, options, changes), overwrite=overwrite, started=started)
    if file is None:
        raise SettingsError("FILE is missing: name a file of time series, or continue a run with --resume MODEL.run.")
    layout = series_layout(
        file,
        time=time or "time",
        targets=names_in(target),
        inputs=names_in(inputs),
        known=names_in(known),
        series=series,
        history=history,
        horizon=horizon,
        calendar=calendar is not False,
    )
    new = _NewRun(
        file, layout, 1 if stride is None else stride, validation, refit, options, run, no_run, checkpoint_seconds,
        tensorboard, out if out is not None else f"{Path(file).name.split('.')[0]}.keras",
    )  # fmt: skip
    return _train_and_save(new.begun(overwrite=overwrite), overwrite=overwrite, started=started)


@dataclass(frozen=True)
class _Training:
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


@dataclass(frozen=True)
class _NewRun:
    """The arguments of a new run; see `train_forecaster`."""

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

    def begun(self, *, overwrite: bool) -> _Training:
        """Check the outputs, and read and prepare the windows."""
        from passerelle.bundle.model_file import require_model_path
        from passerelle.data.window_files import read_windows
        from passerelle.data.windows import DEFAULT_SHARE
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
            source = WindowsSource(os.path.abspath(self.file), layout, self.stride, share, self.refit)
            seconds = CHECKPOINT_SECONDS if self.checkpoint_seconds is None else self.checkpoint_seconds
            description = Description(
                settings, source, (command(),), os.path.abspath(path), checkpoint_seconds=seconds, tensorboard=logs
            )
            recording = ForecasterRecording(folder, description, note, overwrite=overwrite, inform=note)
        return _Training(prepared, windows, self.refit, path, recording, logs, self.file)


def _resumed(path: str, file: str | None, options: ForecasterOptions, changes: dict) -> _Training:
    """Return the training that is left of an interrupted run.

    Args:
        path: the run's folder.
        file: the file of the windows, if it was moved.
        options: settings that extend the run.
        changes: changed attributes of the description, by name.
    """
    from passerelle.runs.forecaster_recording import ForecasterRecording

    recording = ForecasterRecording.resume(path, note, command=command(), change=options.change, inform=note)
    recording.description = replace(recording.description, **changes)
    if file is not None:
        recording.description = replace(recording.description, data=replace(recording.data, path=os.path.abspath(file)))
    if not recording.description.out:
        raise SettingsError(f"{path} is a run of the Python API, which writes no model file. Name one with --out.")
    out, source = Path(recording.description.out), recording.data
    out = out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out
    if recording.is_finished(out):
        raise SettingsError(
            f"{path} is finished, and {out} is its model. Make the run longer with --epochs or --minutes."
        )
    prepared, windows = recording.prepare()
    logs = recording.description.tensorboard
    return _Training(prepared, windows, source.refit, out, recording, logs, source.path or "history.npz")


def _train_and_save(training: _Training, *, overwrite: bool, started: float) -> int:
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
    training: _Training, callbacks: Sequence[Callback], interruption: "Interruption", started: float
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
