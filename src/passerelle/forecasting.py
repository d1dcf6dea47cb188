"""Train a forecaster from windows: fit the fields, build the network, train it, calibrate it, write the record."""

import hashlib
import importlib.metadata
import platform
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from passerelle.backend import backend_name
from passerelle.bundle.bundle import Bundle
from passerelle.data.batches import Batches
from passerelle.data.layout import Layout
from passerelle.data.lengths import Lengths
from passerelle.data.windows import Windows
from passerelle.errors import DataError, SettingsError, require_path
from passerelle.evaluation.baselines import Ridge
from passerelle.evaluation.calibration import Calibration
from passerelle.fields.field import Field
from passerelle.fields.numbers import NumbersField, Use
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.forecaster import Forecaster
from passerelle.inference.forecasting import Predictor
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import (
    AUTO_PRESET,
    FORECAST_PRESET,
    Settings,
    accepts_options,
    choose_settings,
    read_settings_file,
)
from passerelle.text.level import make_tokenizer
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.history import History
from passerelle.training.trainer import fit

__all__ = ["fit_signature", "train_again", "train_forecaster", "train_prepared_windows"]

VALIDATION_BATCH_SIZE = 256
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
        preset: name of the preset; None means the preset of the settings file, or else `forecast`.
        settings: nested settings, or the path of a TOML file; they override the preset.
        **options: single settings by their names in docs/settings.md, such as `epochs=10`; they override `settings`.

    Returns:
        The forecaster. Ctrl-C, SIGTERM and SIGHUP end training early: the forecaster then has the weights of a finished
        epoch, if there is one, and `interrupted` is true in its record.

    Raises:
        DataError: if a row has the wrong shape, a number is missing or infinite, or there are too few rows.
        SettingsError: if an option or a setting is unknown or invalid, or training diverges in its first epoch.

    Example:
        >>> series = [[float(day % 7), 1.0] for day in range(120)]
        >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
        >>> forecaster = passerelle.train_forecaster(windows, epochs=2, units=8, season=7)
        >>> forecaster.predict(windows.history).shape
        (100, 7)
        >>> forecaster.save("forecast.keras")
    """
    if not isinstance(windows, Windows):
        raise DataError(
            f"windows must be passerelle.Windows, received: {windows!r:.60}. Use Windows(history, future) or "
            f"Windows.sliding(series, history=…, horizon=…)."
        )
    if not isinstance(callbacks, Iterable) or not all(isinstance(each, Callback) for each in callbacks):
        raise SettingsError(f"callbacks must be a list of passerelle.Callback objects, received: {callbacks!r:.80}")
    if settings is not None and not isinstance(settings, Mapping):
        require_path("settings", settings)
        settings = read_settings_file(settings)
    if preset is None and "preset" not in (settings or {}):
        preset = FORECAST_PRESET
    chosen = choose_settings(preset=preset, settings=settings, **options)
    if isinstance(validation, Windows):
        training, held_out = windows, validation
    else:
        training, held_out = windows.split(validation)
    if refit and (isinstance(validation, Windows) or not len(held_out)):
        raise SettingsError("refit needs a share of the time as validation, such as validation=0.1")
    forecaster = train_prepared_windows(training, held_out, chosen, callbacks=callbacks, interruption=interruption)
    return train_again(forecaster, windows, callbacks=callbacks, interruption=interruption) if refit else forecaster


def train_again(
    forecaster: Forecaster,
    windows: Windows,
    *,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
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

    Returns:
        The new forecaster; the old one if its training or this one was interrupted.
    """
    kept, bundle = forecaster.record["kept_epoch"], forecaster.bundle
    if forecaster.record["interrupted"] or not kept:
        return forecaster
    changed = bundle.settings.training.model_copy(update={"epochs": kept, "keep": "last", "patience": 0})
    network = _build(bundle.settings, bundle.signature)
    batches = _batches(windows, bundle.signature, changed.batch_size, changed.seed)
    history = fit(network, batches, None, changed, callbacks=callbacks, interruption=interruption)
    if history.interrupted:
        return forecaster
    losses = {"windows": len(windows), "sha256": _fingerprint(windows), "epochs": _epochs(history)}
    record = {**forecaster.record, "refit": losses}
    return Forecaster(replace(bundle, network=network, record=record, ridge=_ridge(bundle.signature, windows)))


def train_prepared_windows(
    training: Windows,
    held_out: Windows,
    chosen: Settings,
    *,
    callbacks: Sequence[Callback] = (),
    interruption: Interruption | None = None,
    layout: Layout | None = None,
) -> Forecaster:
    """Train a forecaster on training rows, with validation rows that may be empty; see `train_forecaster`.

    Args:
        training: training rows.
        held_out: validation rows.
        chosen: complete settings.
        callbacks: see `train_forecaster`.
        interruption: see `train_forecaster`.
        layout: the layout of the file of time series, which the model file stores.
    """
    if chosen.preset == AUTO_PRESET:
        raise SettingsError(
            f"preset {AUTO_PRESET!r} chooses from pairs of texts. Use another preset, such as {FORECAST_PRESET!r}."
        )
    if len(training) < 2:
        raise DataError(f"{training.name}: training needs at least two windows, received: {len(training)}.")
    signature = fit_signature(chosen, training)
    training_batches = _batches(training, signature, chosen.training.batch_size, chosen.training.seed)
    held_out_batches = _batches(held_out, signature, VALIDATION_BATCH_SIZE, None) if len(held_out) else None
    network = _build(chosen, signature)
    history = fit(
        network,
        training_batches,
        held_out_batches,
        chosen.training,
        callbacks=callbacks,
        interruption=interruption,
    )
    lengths = Lengths.of(training_batches.source_lengths, training_batches.target_lengths)
    calibration = _calibration(network, signature, held_out) if len(held_out) else None
    record = _record(training, held_out, history)
    bundle = Bundle(
        network,
        signature,
        chosen,
        lengths,
        record,
        calibration=calibration,
        ridge=_ridge(signature, training),
        layout=layout,
    )
    return Forecaster(bundle)


def fit_signature(settings: Settings, training: Windows) -> Signature:
    """Fit the fields to the training rows: `history`, `known` and `static` as inputs, `future` as output.

    Raises:
        DataError: if rows have the wrong shape, or numbers are missing or infinite.
    """
    columns = _columns_of(training)
    mode, season, segment = settings.numbers.scaling, settings.numbers.season, settings.numbers.segment
    inputs: dict[str, Field] = {"history": _fit_history(settings, training)}
    uses: dict[str, Use] = {"known": "steps", "static": "vector"}
    for name, use in uses.items():
        if columns.get(name) is not None:
            inputs[name] = NumbersField.fit(name, columns, names=_names(training, name), use=use, segment=segment)
    names = _names(training, "future")
    relative = _continued(training, len(names))
    target = NumbersField.fit(
        "future",
        columns,
        names=names,
        use="forecast",
        mode=mode,
        season=season,
        segment=segment,
        relative_to=None if relative is None else ("history", relative),
    )
    return Signature(inputs, {"future": target})


def _columns_of(windows: Windows) -> dict[str, Any]:
    """Return the rows by column, without columns that are not there."""
    columns = {name: getattr(windows, name) for name in ("history", "known", "static", "future")}
    return {name: column for name, column in columns.items() if column is not None}


def _fit_history(settings: Settings, training: Windows) -> Field:
    if not isinstance(training.history[0], str):
        numbers, names = settings.numbers, _names(training, "history")
        options: dict[str, Any] = {"mode": numbers.scaling, "season": numbers.season, "segment": numbers.segment}
        return NumbersField.fit("history", {"history": training.history}, names=names, **options)
    text = settings.source
    tokenizer = make_tokenizer(
        "character" if text.level == "auto" else text.level,
        text.separator,
        texts=training.history,
        lowercase=text.lowercase,
        exact_whitespace=text.exact_whitespace,
        size=text.vocabulary_size,
        min_count=text.min_count,
        ignore_spacing=text.ignore_spacing,
    )
    if not tokenizer.vocabulary.tokens:
        raise DataError(f"{training.name}: the texts of history contain no tokens.")
    return TextField("history", tokenizer)


def _names(windows: Windows, attribute: str) -> list[str]:
    """Return the names of the columns of an attribute."""
    if windows.names and attribute in windows.names:
        return list(windows.names[attribute])
    first = np.shape(getattr(windows, attribute)[0])
    axes = 1 if attribute == "static" else 2
    width = first[-1] if len(first) >= axes else 1
    return [str(number) for number in range(1, width + 1)]


def _continued(training: Windows, width: int) -> tuple[int, ...] | None:
    """Return the columns of the history that the future continues; None if the history lacks them."""
    if isinstance(training.history[0], str):
        return None
    available = len(_names(training, "history"))
    if training.targets is None:
        return tuple(range(width)) if available == width else None
    targets = tuple(training.targets)
    if len(targets) != width or not all(type(target) is int and 0 <= target < available for target in targets):
        raise SettingsError(
            f"targets must be {width} columns of the history from 0 to {available - 1}, one for each column of the "
            f"future, received: {list(targets)}"
        )
    return targets


def _batches(windows: Windows, signature: Signature, size: int, seed: int | None) -> Batches:
    columns = _columns_of(windows)
    return Batches(signature.encode_inputs(columns), signature.encode_targets(columns), size, seed=seed)


def _build(settings: Settings, signature: Signature) -> SequenceToSequence:
    """Build an untrained network; its initial weights depend only on the seed, as Keras takes seeds from `random`."""
    state = random.getstate()
    random.seed(settings.training.seed)
    try:
        return SequenceToSequence(settings.network, **signature.specs())
    finally:
        random.setstate(state)


def _calibration(network: SequenceToSequence, signature: Signature, held_out: Windows) -> Calibration:
    columns = _columns_of(held_out)
    target: NumbersField = signature.target
    inputs = {name: column for name, column in columns.items() if name != target.name}
    predictor = Predictor(network.stepper, signature)  # pyright: ignore[reportArgumentType]
    truth = signature.encode_targets(columns)[target.name].values[:, :-1]
    scaled = truth.reshape(len(held_out), -1, target.width)
    end = None if held_out.positions is None else int(np.max(held_out.positions)) + held_out.horizon
    return Calibration.fit(scaled, predictor(inputs).scaled_quantile, end)


def _ridge(signature: Signature, training: Windows) -> Ridge | None:
    columns = _columns_of(training)
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


def _record(training: Windows, held_out: Windows, history: History) -> dict[str, Any]:
    """Return the training record as JSON values."""
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", backend_name())}
    return {
        "data": {
            "name": training.name,
            "training_windows": len(training),
            "validation_windows": len(held_out),
            "training_sha256": _fingerprint(training),
            "validation_sha256": _fingerprint(held_out),
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


def _fingerprint(windows: Windows) -> str:
    """Return the SHA-256 of all rows in order; the same data has the same fingerprint."""
    digest = hashlib.sha256()
    for name, column in _columns_of(windows).items():
        for row in column:
            digest.update(name.encode() + (row.encode() if isinstance(row, str) else np.asarray(row, float).tobytes()))
    return digest.hexdigest()
