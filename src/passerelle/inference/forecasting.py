"""Forecasting: input numbers or texts -> the distribution of each number of each step."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from passerelle.data.rows import padded_inputs, row_batches
from passerelle.errors import SettingsError
from passerelle.evaluation.calibration import LEVELS, Calibration
from passerelle.fields.field import Columns
from passerelle.fields.numbers import NumbersField
from passerelle.fields.scaling import Units
from passerelle.fields.signature import Signature
from passerelle.layers.number_head import QUANTILES, point
from passerelle.models.compiled import compiled
from passerelle.models.footprint import MAX_FLOATS, floats_per_row
from passerelle.models.stepper import NumberStepper

__all__ = ["Distribution", "Predictor", "check_levels", "predicts_quantiles"]


class Distribution:
    """The forecast of some rows.

    Args:
        parameters: float64 (rows, steps, columns, P), the parameters of the head in scaled units.
        head: a value of the setting `network.decoder.head`.
        units: the units of the numbers.
        calibration: the margins of the intervals; None for none.
    """

    def __init__(self, parameters: np.ndarray, head: str, units: Units, calibration: Calibration | None = None):
        self.parameters = parameters
        self.head = head
        self.units = units
        self.calibration = calibration

    def point(self) -> np.ndarray:
        """Return the mean or median, float64 (rows, steps, columns)."""
        return self.units.restore(point(self.parameters, self.head))

    def quantile(self, level: float | np.ndarray) -> np.ndarray:
        """Return the calibrated quantile of a level between 0 and 1, float64 (rows, steps, columns).

        Args:
            level: one level for all numbers, or float (rows, 1, columns).
        """
        scaled = self.scaled_quantile(level)
        return self.units.restore(scaled if self.calibration is None else scaled + self.calibration.shift(level))

    def quantiles(self, levels: tuple[float, ...], adapt: Callable[[float], Any] = float) -> dict[float, np.ndarray]:
        """Return the quantiles of several levels by level; they never cross.

        Args:
            levels: the nominal levels.
            adapt: nominal level -> the level of each number, see `Adaptation`.
        """
        ordered = sorted(set(levels))
        values = np.maximum.accumulate([self.quantile(adapt(level)) for level in ordered], axis=0)
        found = dict(zip(ordered, values, strict=True))
        return {level: found[level] for level in levels}

    def p_values(self, truth: np.ndarray) -> np.ndarray:
        """Return the highest miscoverage rate of a central interval that contains each true number.

        It is interpolated between the levels of the calibration, and 0 if no interval contains the number.

        Args:
            truth: float64 (rows, steps, columns).

        Returns:
            float64, of the same shape, from 0 to 2 * max(LEVELS).
        """
        found = np.zeros(truth.shape)
        within = np.ones(truth.shape, bool)
        before = None
        for number, level in enumerate(LEVELS):
            outside = np.maximum(self.quantile(level) - truth, truth - self.quantile(1.0 - level))
            left = within & (outside > 0)
            if before is not None:
                share = np.divide(before, before - outside, out=np.zeros_like(before), where=left)
                earlier = LEVELS[number - 1]
                found[left] = 2.0 * (earlier + share[left] * (level - earlier))
            within &= ~left
            before = outside
        found[within] = 2.0 * LEVELS[-1]
        return found

    def scaled_quantile(self, level: float | np.ndarray) -> np.ndarray:
        """Return the quantile that the network predicts, in scaled units; the point if its head has no quantiles."""
        if self.head == "quantiles":
            place = np.interp(level, QUANTILES, np.arange(len(QUANTILES)))
            place = np.broadcast_to(place, self.parameters.shape[:-1])[..., None]
            low = place.astype(int)
            share, high = place - low, np.minimum(low + 1, len(QUANTILES) - 1)
            lower, upper = (np.take_along_axis(self.parameters, index, axis=-1) for index in (low, high))
            return ((1.0 - share) * lower + share * upper)[..., 0]
        if self.head == "student-t":
            from scipy.special import stdtrit

            location, scale, freedom = np.moveaxis(self.parameters, -1, 0)
            return location + scale * stdtrit(freedom, level)
        return point(self.parameters, self.head)


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the levels of quantiles; raise SettingsError if one is not a number between 0 and 1."""
    levels = tuple(levels)
    if not all(isinstance(level, float) and 0.0 < level < 1.0 for level in levels):
        raise SettingsError(f"levels must be numbers between 0 and 1, received: {levels!r:.80}")
    return levels


def predicts_quantiles(head: str, calibration: Calibration | None) -> bool:
    """Return whether a network with this head and this calibration predicts quantiles."""
    return calibration is not None or head in ("quantiles", "student-t")


class Predictor:
    """Forecasts the output of a model.

    Args:
        stepper: the inference models of the output.
        signature: the signature of the model.
    """

    def __init__(self, stepper: NumberStepper, signature: Signature):
        self.stepper = stepper
        self.signature = signature

    def __call__(self, columns: Columns, calibration: Calibration | None = None) -> Distribution:
        """Forecast rows.

        Args:
            columns: the columns of the inputs.
            calibration: see `Distribution`.

        Raises:
            DataError: if the columns do not fit the inputs of the model.
        """
        field: NumbersField = self.signature.outputs[self.stepper.name]  # pyright: ignore[reportAssignmentType]
        head, steps = self.stepper.settings.decoder.head, field.steps
        inputs = self.signature.encode_inputs(columns)
        source = next(iter(inputs.values()))
        parts: list[np.ndarray] = []
        order: list[np.ndarray] = []
        for rows in row_batches(range(len(source)), source.lengths, self._rows_at_once(steps)):
            found = np.asarray(self._compiled(padded_inputs(inputs, rows), steps=steps), np.float64)
            parts.append(found[: len(rows)])
            order.append(rows)
        parameters = np.concatenate(parts)[np.argsort(np.concatenate(order))]
        parameters = parameters.reshape(len(source), field.length or 1, field.width, -1)  # segments -> steps
        return Distribution(parameters, head, field.units(columns), calibration)

    def _rows_at_once(self, steps: int) -> Any:
        settings, size = self.stepper.settings, self.stepper.size
        return lambda width: max(1, MAX_FLOATS // floats_per_row(settings, size, width, steps=steps, length=steps))

    @cached_property
    def _compiled(self) -> Any:
        return compiled(self._run, self.stepper.variables)

    def _run(self, inputs: Any, *, steps: int) -> Any:
        """Return the parameters of all steps, (rows, steps, columns, P)."""
        state = self.stepper.begin(inputs, max_steps=steps)
        rows = next(iter(inputs.values())).shape[0]
        first: Any = ops.zeros((rows, self.stepper.size + 1), "float32")
        if not self.stepper.fed_back:
            parameters, _, _ = self.stepper.steps(ops.repeat(ops.expand_dims(first, 1), steps, axis=1), state)
            return parameters

        def step(carry: Any, _: Any) -> Any:
            parameters, state = self.stepper.step(*carry)
            return (self.stepper.most_likely(parameters, "float32"), state), parameters

        scanned: Any = ops.scan(step, (first, state), length=steps)
        return ops.swapaxes(scanned[1], 0, 1)
