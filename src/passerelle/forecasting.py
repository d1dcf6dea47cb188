"""Train a forecaster from windows: build the network, train it, calibrate it, write the record, and record the run."""

import importlib.metadata
import os
import platform
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from passerelle.backend import backend_name
from passerelle.bundle.bundle import Bundle, save_bundle
from passerelle.data.lengths import Lengths
from passerelle.data.windows import DEFAULT_SHARE, Windows
from passerelle.errors import DataError, SettingsError, require_path
from passerelle.evaluation.baselines import Ridge
from passerelle.evaluation.calibration import Calibration
from passerelle.fields.numbers import NumbersField
from passerelle.fields.signature import Signature
from passerelle.forecaster import Forecaster
from passerelle.inference.forecasting import Predictor
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.runs.description import Description, lengthened
from passerelle.runs.folder import RunFolder
from passerelle.runs.forecaster_recording import ForecasterRecording
from passerelle.runs.recording import warn
from passerelle.runs.windows_source import WindowsSource
from passerelle.settings import (
    FORECAST_PRESET,
    Settings,
    accepts_options,
    choose_settings,
    read_settings_file,
    validated,
)
from passerelle.training.callbacks.callback import Callback, require_callbacks
from passerelle.training.callbacks.interruption import Interrupted, Interruption
from passerelle.training.history import History
from passerelle.training.trainer import fit
from passerelle.window_preparation import PreparedWindows, prepare_windows

__all__ = ["resume_forecaster", "train_again", "train_forecaster", "train_prepared_windows"]

REFIT_SHARE = 0.5
"""Share of the time limit that is left for training once more on all windows, which takes as many epochs."""

MAX_RIDGE_WEIGHTS = 2**18
"""Maximum number of weights of the ridge regression in a model file."""


@accepts_options(Settings)
def train_forecaster(
    windows: Windows,
    *,
    validation: float | Windows | None = None,
    refit: bool = False,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Any = None,
    **options: Any,
) -> Forecaster:
    """Train a forecaster.

    Args:
        windows: the rows: input numbers, or texts, and the numbers to forecast.
        validation: validation rows: the share of the time to hold out at its end (see `Windows.split`), or windows. 0
            holds out nothing, None a tenth. The quantiles are calibrated on these rows.
        refit: whether the network is trained once more at the end, on all rows and for as many epochs as were best
            by validation, so that it learns from the latest rows too. Needs a share as `validation`.
        callbacks: called at the events of training; see `training.callbacks.callback.Callback`.
        interruption: the object that receives signals; see `training.trainer.fit`.
        run: folder in which the run is recorded: settings, a copy of the rows, logs, and checkpoints about every
            minute, from which `resume_forecaster` continues after a crash. None records nothing. A name that exists is
            an error.
        preset: name of the preset; None means the preset of the settings file, or else `forecast`.
        settings: nested settings, or the path of a TOML file; they override the preset.
        **options: single settings by their names in docs/settings.md, such as `epochs=10`; they override `settings`.

    Returns:
        The forecaster. Ctrl-C, SIGTERM and SIGHUP end training early: the forecaster then has the weights of a finished
        epoch, if there is one, and `interrupted` is true in its record.

    Raises:
        DataError: if a row has the wrong shape, a number is missing or infinite, or there are too few rows.
        OutputError: if `run` exists or cannot be written.
        SettingsError: if an option or a setting is unknown or invalid, or training diverges in its first epoch.

    Example:
        >>> series = [[float(day % 7), 1.0] for day in range(120)]
        >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
        >>> forecaster = passerelle.train_forecaster(windows, epochs=2, units=8, season=7)
        >>> forecaster.predict(windows.history).shape
        (100, 7)
        >>> forecaster.save("forecast.keras")
    """
    started = time.perf_counter()
    if not isinstance(windows, Windows):
        raise DataError(
            f"windows must be passerelle.Windows, received: {windows!r:.60}. Use Windows(history, future) or "
            f"Windows.sliding(series, history=…, horizon=…)."
        )
    if settings is not None and not isinstance(settings, Mapping):
        require_path("settings", settings)
        settings = read_settings_file(settings)
    if preset is None and "preset" not in (settings or {}):
        preset = FORECAST_PRESET
    chosen = choose_settings(preset=preset, settings=settings, **options)
    if isinstance(validation, Windows):
        training, held_out, share = windows, validation, None
    else:
        training, held_out = windows.split(validation)
        share = DEFAULT_SHARE if validation is None else float(validation)
    if refit and (share is None or not len(held_out)):
        raise SettingsError("refit needs a share of the time as validation, such as validation=0.1")
    recording = None
    if run is not None:
        folder = RunFolder(run)
        folder.require_creatable()
        source = WindowsSource(validation=share, refit=refit)
        description = Description(chosen, source, (("passerelle.train_forecaster",),))
        recording = ForecasterRecording(folder, description, warn, originals=windows)
    prepared = prepare_windows(training, held_out, chosen)
    return _train(prepared, windows if refit else None, callbacks, interruption, recording, started)


def resume_forecaster(
    run: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
) -> Forecaster:
    """Continue the run of a forecaster in its folder; see `resume`, which continues that of a translator.

    Args:
        run: the folder that `train_forecaster(run=...)` or `passerelle train-forecaster` wrote.
        epochs: new maximum number of epochs, not less than before; None changes nothing.
        minutes: new time limit in minutes, not less than before; the time before the interruption counts.
        callbacks: see `train_forecaster`; callbacks are not part of the run's folder.
        interruption: see `train_forecaster`.

    Raises:
        DataError: if the data of the run cannot be read.
        RunError: if the folder is damaged, in use or not the run of a forecaster, or if the data changed.
        SettingsError: if the run would become shorter.

    Example:
        >>> series = [[float(day % 7), 1.0] for day in range(120)]
        >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
        >>> forecaster = passerelle.train_forecaster(windows, epochs=2, units=8, run="week.run")
        >>> forecaster = passerelle.resume_forecaster("week.run", epochs=3)
        >>> len(forecaster.record["epochs"])
        3
    """
    started = time.perf_counter()

    change, command = lengthened(epochs, minutes), ["passerelle.resume_forecaster"]
    recording = ForecasterRecording.resume(run, warn, command=command, change=change)
    prepared, windows = recording.prepare()
    refit = recording.data.refit
    return _train(prepared, windows if refit else None, callbacks, interruption, recording, started)


def _train(
    prepared: PreparedWindows,
    all_windows: Windows | None,
    callbacks: Sequence[Callback],
    interruption: Interruption | None,
    recording: ForecasterRecording | None,
    started: float,
) -> Forecaster:
    """Train a forecaster, and once more on all windows if there are any, and record the run."""
    with recording or nullcontext():
        forecaster = train_prepared_windows(
            prepared,
            callbacks=callbacks,
            interruption=interruption,
            recording=recording,
            refit=all_windows is not None,
            started=started,
        )
        if all_windows is None:
            return forecaster
        return train_again(forecaster, all_windows, callbacks=callbacks, interruption=interruption, recording=recording)


def train_prepared_windows(
    prepared: PreparedWindows,
    *,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
    out: str | os.PathLike[str] | None = None,
    recording: ForecasterRecording | None = None,
    refit: bool = False,
    started: float | None = None,
) -> Forecaster:
    """Train a forecaster on prepared windows; see `train_forecaster`.

    Args:
        prepared: prepared windows.
        callbacks: see `train_forecaster`.
        interruption: see `train_forecaster`.
        out: path of a model file. Before training, the untrained forecaster is saved next to it and removed again, so
            that no training is lost because its end cannot be written.
        recording: writes logs and checkpoints of the run, and restores a run that goes on. The caller has entered it.
        refit: whether `train_again` follows, for which a part of the time limit is left.
        started: value of `time.perf_counter()` from which the time limit counts; None for the time of this call.

    Raises:
        OutputError: if no file can be saved at `out`, or the run's folder cannot be written.
        RunError: if the run that goes on has other data.
    """
    require_callbacks(callbacks)
    started = time.perf_counter() if started is None else started
    settings, signature, batches = prepared.settings, prepared.signature, prepared.training_batches
    network = _build(settings, signature)
    untrained = Bundle(
        network,
        signature,
        settings,
        Lengths.of(batches.source_lengths, batches.target_lengths),
        _record(prepared, History((), 0, interrupted=False, diverged=False)),
        ridge=_ridge(signature, prepared.training),
        layout=prepared.layout,
    )
    saving = time.perf_counter()
    if out is not None:
        save_bundle(untrained, out, dry_run=True)
    saving = time.perf_counter() - saving
    state = None
    if recording is not None:
        state = recording.begin(prepared, network)
        callbacks = [*callbacks, *recording.callbacks()]
    history = fit(
        network,
        batches,
        prepared.validation_batches,
        settings.training,
        callbacks=callbacks,
        state=state,
        interruption=interruption,
        before=time.perf_counter() - started,
        after=saving + (REFIT_SHARE * 60.0 * settings.training.minutes if refit else 0.0),
    )
    held_out = prepared.validation
    calibration = _calibration(network, signature, held_out) if len(held_out) else None
    return Forecaster(replace(untrained, record=_record(prepared, history), calibration=calibration))


def train_again(
    forecaster: Forecaster,
    windows: Windows,
    *,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
    recording: ForecasterRecording | None = None,
) -> Forecaster:
    """Train the network of a forecaster once more, on training and validation rows.

    The new network is trained from its beginning up to the end of the epoch that the validation rows chose for the old
    one; the schedule of the learning rate is shortened to them. The fields keep their scaling, and the
    intervals keep the calibration by the errors of the old network, since the validation rows are training rows now.

    Args:
        forecaster: a forecaster that was trained with validation rows.
        windows: all rows before and in the validation rows.
        callbacks: see `train_forecaster`.
        interruption: see `train_forecaster`.
        recording: that of the run, in whose folder this training has a folder of its own.

    Returns:
        The new forecaster. If this training was interrupted, the old one, with `interrupted` in its record; if the
        first training was interrupted, the old one.
    """
    require_callbacks(callbacks)
    kept, bundle = forecaster.record["kept_epoch"], forecaster.bundle
    if forecaster.record["interrupted"] or not kept:
        return forecaster
    values = bundle.settings.model_dump()
    values["training"] |= {"epochs": kept, "minutes": 0.0, "keep": "last", "patience": 0, "metric": "loss"}
    settings = validated(Settings, values)
    network = _build(settings, bundle.signature)
    prepared = PreparedWindows.of(windows, windows.rows([]), settings, bundle.signature, bundle.layout)
    own = None if recording is None else recording.refit(settings)
    try:
        with own or nullcontext():
            state = None if own is None else own.begin(prepared, network)
            history = fit(
                network,
                prepared.training_batches,
                None,
                settings.training,
                callbacks=callbacks if own is None else [*callbacks, *own.callbacks()],
                state=state,
                interruption=interruption,
            )
    except Interrupted:  # before its first update
        history = None
    if history is None or history.interrupted:
        return Forecaster(replace(bundle, record={**forecaster.record, "interrupted": True}))
    losses = {"windows": len(windows), "sha256": windows.fingerprint(), "epochs": _epochs(history)}
    record = {**forecaster.record, "refit": losses}
    return Forecaster(replace(bundle, network=network, record=record, ridge=_ridge(bundle.signature, windows)))


def _build(settings: Settings, signature: Signature) -> SequenceToSequence:
    """Build an untrained network; its initial weights depend only on the seed, as Keras takes seeds from `random`."""
    state = random.getstate()
    random.seed(settings.training.seed)
    try:
        return SequenceToSequence(settings.network, **signature.specs())
    finally:
        random.setstate(state)


def _calibration(network: SequenceToSequence, signature: Signature, held_out: Windows) -> Calibration:
    columns = held_out.columns
    target: NumbersField = signature.target
    inputs = {name: column for name, column in columns.items() if name != target.name}
    predictor = Predictor(network.stepper, signature)  # pyright: ignore[reportArgumentType]
    truth = signature.encode_targets(columns)[target.name].values[:, :-1]
    scaled = truth.reshape(len(held_out), -1, target.width)
    end = None if held_out.positions is None else int(np.max(held_out.positions)) + held_out.horizon
    return Calibration.fit(scaled, predictor(inputs).scaled_quantile, end)


def _ridge(signature: Signature, training: Windows) -> Ridge | None:
    columns = training.columns
    target: NumbersField = signature.target
    lags = target.lags(columns)
    if lags is None:
        return None
    future = np.asarray(training.future, np.float64).reshape(len(training), -1, target.width)
    grouped = target.relative_to is not None
    future = future.swapaxes(1, 2) if grouped else future.reshape(len(training), 1, -1)
    if lags[0].size * future.shape[2] > MAX_RIDGE_WEIGHTS:
        return None
    return Ridge(lags, future)


def _record(prepared: PreparedWindows, history: History) -> dict[str, Any]:
    """Return the training record as JSON values."""
    training, held_out = prepared.training, prepared.validation
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", backend_name())}
    return {
        "data": {
            "name": training.name,
            "training_windows": len(training),
            "validation_windows": len(held_out),
            "training_sha256": training.fingerprint(),
            "validation_sha256": held_out.fingerprint(),
        },
        "versions": {"python": platform.python_version()} | versions,
        "kept_epoch": history.kept_epoch,
        "kept_interval": history.kept_interval,
        "interrupted": history.interrupted,
        "diverged": history.diverged,
        "stopped": history.stopped,
        "epochs": _epochs(history),
    }


def _epochs(history: History) -> list[dict[str, Any]]:
    return [asdict(interval) for interval in history.intervals]
