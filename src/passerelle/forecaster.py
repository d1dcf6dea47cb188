"""The forecaster: a trained model with methods that forecast and evaluate."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from passerelle.bundle.bundle import Bundle, load_bundle, save_bundle
from passerelle.data.windows import Windows
from passerelle.errors import DataError, ModelFileError, SettingsError, require_path
from passerelle.evaluation.adaptation import Adaptation
from passerelle.evaluation.baselines import naive, seasonal_naive
from passerelle.evaluation.forecasts import ForecastReport, forecast_scores, seasonal_error
from passerelle.fields.numbers import NumbersField, number_rows
from passerelle.fields.signature import Signature
from passerelle.inference.forecasting import Distribution, Predictor, check_levels, predicts_quantiles
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import Settings

__all__ = ["EVALUATED", "Forecaster"]

EVALUATED = (0.05, 0.1, 0.5, 0.9, 0.95)
"""Levels of the quantiles that `Forecaster.evaluate` computes: central intervals of 80 and 90 %."""


class Forecaster:
    """A trained model that forecasts numbers.

    `passerelle.train_forecaster` and `passerelle.load` return a forecaster. It reads and returns numbers in their own
    units.

    Args:
        bundle: the network with its signature, settings, calibration and training record.

    Attributes:
        record: the training record: data, versions, epochs and metrics as JSON values. `save` writes it.

    Example:
        >>> forecaster = passerelle.load("forecast.keras")
        >>> forecaster.horizon, forecaster.target.names
        (7, ('1',))
    """

    def __init__(self, bundle: Bundle):
        if not isinstance(bundle.signature.target, NumbersField) or bundle.outputs:
            raise SettingsError("the output of this model is a text; load it with passerelle.load")
        self.bundle = bundle
        self.record: dict[str, Any] = dict(bundle.record)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle and copy need: not the compiled programs, which are made again at first use."""
        return {"bundle": self.bundle, "record": self.record}

    @property
    def network(self) -> SequenceToSequence:
        """The Keras model that was trained; it contains the inference models."""
        return self.bundle.network

    @property
    def settings(self) -> Settings:
        """The settings that the network was trained with."""
        return self.bundle.settings

    @property
    def signature(self) -> Signature:
        """The named inputs and outputs of the model."""
        return self.bundle.signature

    @property
    def training_model(self) -> SequenceToSequence:
        """The Keras model that was trained, the same as `network`."""
        return self.network

    @property
    def inference_encoder(self) -> Any:
        """The Keras model that reads the inputs; see `SequenceToSequence.inference_encoder`."""
        return self.network.inference_encoder

    @property
    def inference_decoder(self) -> Any:
        """The Keras model that writes the parameters of the forecast; see `SequenceToSequence.inference_decoder`."""
        return self.network.inference_decoder

    @property
    def target(self) -> NumbersField:
        """The output field."""
        return self.signature.target

    @property
    def horizon(self) -> int:
        """Number of steps of a forecast."""
        return self.target.length or 1

    def predict(self, history: Any, *, known: Any = None, static: Any = None) -> np.ndarray:
        """Forecast the mean or the median, depending on the setting `network.decoder.head`.

        Args:
            history: inputs: numbers (rows, T, F), a list of arrays (T, F) of any lengths, or a list of texts. If F is
                1, its axis may be missing.
            known: numbers that are known in advance, (rows, H, K); for a forecaster that was trained with them.
            static: numbers of each row, (rows, S); for a forecaster that was trained with them.

        Returns:
            float64 (rows, H, G), or (rows, H) if G, the number of columns of the future, is 1. A forecast does not
            depend on the other rows.

        Raises:
            DataError: if an array has another shape, or a number is missing or infinite; the message names its place.

        Example:
            >>> history = [[[float(day % 7), 1.0] for day in range(start, start + 14)] for start in (0, 3)]
            >>> forecaster.predict(history).shape
            (2, 7)
        """
        return self._squeezed(self._distribution(history, known, static).point())

    def quantiles(
        self,
        history: Any,
        levels: Sequence[float] = (0.05, 0.1, 0.5, 0.9, 0.95),
        *,
        known: Any = None,
        static: Any = None,
        recent: Windows | None = None,
    ) -> dict[float, np.ndarray]:
        """Forecast quantiles.

        Central intervals are calibrated: between the quantiles 0.05 and 0.95 were 90 % of the numbers of the validation
        rows, in each step and column. With `recent`, they also become wider or narrower by the errors of the
        forecaster on recent windows, because times change (see `evaluation.adaptation.Adaptation`).

        Args:
            history: see `predict`.
            levels: numbers between 0 and 1.
            known: see `predict`.
            static: see `predict`.
            recent: windows with `positions` whose future is known, later than all training and validation rows.

        Returns:
            The quantiles by level, each with the shape that `predict` returns. They never cross.

        Raises:
            DataError: see `predict`.
            SettingsError: if a level is out of range, or the model predicts no quantiles: it was trained with the head
                `mean` or `median` and without validation rows.

        Example:
            >>> found = forecaster.quantiles([[[float(day % 7), 1.0] for day in range(14)]], [0.1, 0.9])
            >>> bool((found[0.1] <= found[0.9]).all())
            True
        """
        levels = check_levels(levels)
        if not self.has_quantiles:
            raise SettingsError(
                f"this forecaster has no quantiles: it was trained with the head {self._head!r} and without validation "
                f"rows. Train it with validation rows, or with the head 'quantiles'."
            )
        distribution = self._distribution(history, known, static)
        if recent is None or not len(recent):
            found = distribution.quantiles(levels)
        else:
            adaptation = self._adaptation(recent, self._distribution(recent.history, recent.known, recent.static))
            now = np.repeat(adaptation.origins[-1] + self.horizon, len(history))
            found = distribution.quantiles(levels, lambda level: adaptation.level(level, now))
        return {level: self._squeezed(values) for level, values in found.items()}

    @property
    def has_quantiles(self) -> bool:
        """Whether the model can forecast quantiles."""
        return predicts_quantiles(self._head, self.bundle.calibration)

    def evaluate(self, windows: Windows, *, adapt: bool = True) -> ForecastReport:
        """Compare forecasts with the true future, beside simple forecasts of the same rows.

        Args:
            windows: rows that were not used for training.
            adapt: whether the quantiles of each row are adapted to the errors of the earlier rows whose future was
                known when its forecast began, as `quantiles` does with `recent`. Rows without `positions` are never
                adapted.

        Returns:
            The scores of the model; of the naive and the seasonal naive forecast, if the history contains the columns
            of the future; and of ridge regression on the history, if training could fit one.

        Raises:
            DataError: see `predict`; also if there are no rows.

        Example:
            >>> series = [[float(day % 7), 1.0] for day in range(40)]
            >>> windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
            >>> sorted(forecaster.evaluate(windows).scores)
            ['model', 'naive', 'ridge', 'seasonal naive']
        """
        if not len(windows):
            raise DataError(f"{windows.name} has no rows to evaluate.")
        target = self.target
        truth = self._truth(windows)
        found = self._distribution(windows.history, windows.known, windows.static)
        continued = self._continued(windows.history)
        season = self.settings.numbers.season
        scale = float("nan") if continued is None else seasonal_error(continued, season)
        levels = found.quantiles(EVALUATED) if self.has_quantiles else None
        adapted = levels is not None and adapt and windows.positions is not None
        if adapted:
            adaptation = self._adaptation(windows, found)
            levels = found.quantiles(EVALUATED, lambda level: adaptation.level(level, windows.positions))
        scores = {"model": forecast_scores(truth, found.point(), scale=scale, quantiles=levels)}
        simple: dict[str, np.ndarray] = {}
        if continued is not None:
            simple["naive"] = naive(continued, self.horizon)
            if min(map(len, continued)) >= season:
                simple["seasonal naive"] = seasonal_naive(continued, self.horizon, season)
        lags = target.lags({"history": windows.history})
        if self.bundle.ridge is not None and lags is not None and lags.shape[1:] == self.bundle.ridge.shape:
            found_by_ridge = self.bundle.ridge(lags)  # (rows, columns, steps), or one group with all of them
            grouped = found_by_ridge.shape[1] == target.width and continued is not None
            simple["ridge"] = found_by_ridge.swapaxes(1, 2) if grouped else found_by_ridge.reshape(truth.shape)
        scores |= {name: forecast_scores(truth, own, scale=scale) for name, own in simple.items()}
        return ForecastReport(len(windows), scores, adapted)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
        """Save the forecaster to one self-contained `.keras` file; see `Translator.save`.

        Args:
            path: path of the file; it must end in `.keras`, and its folder must exist.
            overwrite: whether an existing file is replaced; otherwise it is an error.

        Raises:
            OutputError: if the file cannot be written, or exists and `overwrite` is false.
        """
        require_path("path", path)
        save_bundle(replace(self.bundle, record=self.record), path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Forecaster":
        """Load a forecaster from a `.keras` file that `save` wrote; the file is checked and cannot execute code.

        Args:
            path: path of the file.

        Raises:
            ModelFileError: if the file is missing, damaged, unsafe, from another version, or no forecaster.
        """
        require_path("path", path)
        bundle = load_bundle(path)
        if not isinstance(bundle.signature.target, NumbersField) or bundle.outputs:
            raise ModelFileError(
                f"{os.fspath(path)} is a translator, not a forecaster. Use passerelle.load, or the command translate."
            )
        return cls(bundle)

    @property
    def _head(self) -> str:
        return self.settings.network.decoder.head

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.network.stepper, self.signature)  # pyright: ignore[reportArgumentType]

    def _distribution(self, history: Any, known: Any, static: Any) -> Distribution:
        columns = _input_columns(self.signature, history=history, known=known, static=static)
        return self._predictor(columns, self.bundle.calibration)

    def _truth(self, windows: Windows) -> np.ndarray:
        """Return the true future, float64 (rows, steps, columns)."""
        rows = number_rows(windows.future, self.target.name, self.target.names, length=self.horizon)
        return rows.values.reshape(len(windows), self.horizon, self.target.width)

    def _adaptation(self, windows: Windows, found: Distribution) -> Adaptation:
        """Return the adaptation to the errors of the forecasts of windows."""
        if windows.positions is None:
            raise DataError(f"{windows.name}: the order in time is unknown. Give the windows positions.")
        return Adaptation.fit(np.asarray(windows.positions, np.int64), found.p_values(self._truth(windows)))

    def _continued(self, history: Any) -> list[np.ndarray] | None:
        """Return the columns of each history that the future continues, (length, columns); None if there are none."""
        windows = self.target.windows({"history": history})
        return None if windows is None else [windows[row] for row in range(len(windows))]

    def _squeezed(self, values: np.ndarray) -> np.ndarray:
        return values[..., 0] if self.target.width == 1 else values


def _input_columns(signature: Signature, **columns: Any) -> Mapping[str, Any]:
    """Return the columns of the inputs by name.

    Raises:
        DataError: if an input of the model is missing, there is another one, or their numbers of rows differ.
    """
    given = {name: column for name, column in columns.items() if column is not None}
    if set(given) != set(signature.inputs):
        raise DataError(
            f"this model has the inputs {', '.join(signature.inputs)}, received: {', '.join(given) or 'none'}."
        )
    for name, column in given.items():
        if isinstance(column, str) or not hasattr(column, "__len__"):
            raise DataError(f"{name} must be an array or a list with one entry for each row, received: {column!r:.60}")
        if not len(column):
            raise DataError(f"{name} has no rows.")
        if len(column) != len(given["history"]):
            raise DataError(
                f"{name} must have one entry for each of {len(given['history'])} rows, received: {len(column)}."
            )
    return given
