"""Regression: the numbers that a model predicts for its inputs, as one of its outputs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.errors import DataError, SettingsError
from passerelle.evaluation.calibration import Calibration
from passerelle.evaluation.regression import NumbersReport, numbers_report
from passerelle.fields.numbers import NumbersField
from passerelle.fields.signature import Signature
from passerelle.inference.evaluating import pairs_of_output
from passerelle.inference.forecasting import Distribution, Predictor, check_levels, predicts_quantiles
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.model import check_weights
from passerelle.inference.request import Request, encode_requests, make_requests, request_columns
from passerelle.models.stepper import NumberStepper

__all__ = ["RegressionModel", "Regressor"]


@dataclass(frozen=True)
class RegressionModel:
    """One network of a regressor.

    Attributes:
        predictor: the inference models of the output.
        calibration: the calibration of its intervals; None for none.
        weight: relative weight of its predictions in the mean of several networks.
    """

    predictor: Predictor
    calibration: Calibration | None = None
    weight: float = 1.0

    @classmethod
    def of(cls, stepper: NumberStepper, signature: Signature, calibration: Calibration | None) -> Self:
        """Return the model of an output of a network; `signature` may have further outputs."""
        return cls(Predictor(stepper, signature.with_output(stepper.name, copying=False)), calibration)

    @property
    def has_quantiles(self) -> bool:
        """Whether the network can predict quantiles."""
        return predicts_quantiles(self.predictor.stepper.settings.decoder.head, self.calibration)


class Regressor:
    """Predicts an output of numbers, in their own units.

    `Translator.number_outputs` has a regressor for each output of numbers.

    Args:
        models: the networks, at least one; several form an ensemble.

    Example:
        >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
        >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0)
        >>> regressor = translator.number_outputs["length"]
        >>> regressor.predict(["two", "three"]).shape
        (2,)
    """

    def __init__(self, models: Sequence[RegressionModel]):
        self.models = tuple(models)

    @property
    def signature(self) -> Signature:
        """The named inputs of the model, and this output."""
        return self.models[0].predictor.signature

    @property
    def output(self) -> str:
        """The name of the output."""
        return self.field.name

    @property
    def field(self) -> NumbersField:
        """The output field, with the scaling of its columns."""
        return self.signature.target

    @property
    def has_quantiles(self) -> bool:
        """Whether the model can predict quantiles."""
        return all(model.has_quantiles for model in self.models)

    def predict(
        self,
        texts: Sequence[Any],
        *,
        tags: str | Sequence[str] | None = None,
        inputs: Mapping[str, Sequence[Any]] | None = None,
    ) -> np.ndarray:
        """Predict the mean or the median, depending on the setting `network.decoder.head`.

        Args:
            texts: strings, or sequences of numbers for a model that reads them.
            tags: the tags of each text, or one string for all texts; only for a model that was trained with tags.
            inputs: the values of further input fields by name; see `Translator.search`.

        Returns:
            float64 (texts, steps, columns); the axes `steps` and `columns` are missing where they have one element. NaN
            for blank texts. A prediction does not depend on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` or `inputs` do not match the texts or the
                model.
            LongTextError: if a text requires more memory than the limit of 1 GB.

        Example:
            >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
            >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0)
            >>> bool(translator.number_outputs["length"].predict(["two"])[0] > 0)
            True
        """
        requests = make_requests(texts, tags, self.signature, inputs)
        return self._squeezed(self._mean(requests, _points)[..., 0])

    def lines(self, texts: Sequence[Any], *, tags: str | Sequence[str] | None = None) -> list[str]:
        """Predict numbers and return them as one line of text for each of `texts`, empty for blank ones.

        See `predict` for the arguments, and `NumbersField.text` for the form.
        """
        requests = make_requests(texts, tags, self.signature)
        return [self.field.text(numbers) for numbers in self._mean(requests, _points)[..., 0]]

    def quantiles(
        self,
        texts: Sequence[Any],
        levels: Sequence[float] = (0.05, 0.1, 0.5, 0.9, 0.95),
        *,
        tags: str | Sequence[str] | None = None,
        inputs: Mapping[str, Sequence[Any]] | None = None,
    ) -> dict[float, np.ndarray]:
        """Predict quantiles. Central intervals are calibrated on the validation pairs, if there were any.

        Args:
            texts: see `predict`.
            levels: numbers between 0 and 1.
            tags: see `predict`.
            inputs: see `predict`.

        Returns:
            The quantiles by level, each with the shape that `predict` returns. They never cross.

        Raises:
            DataError: see `predict`.
            SettingsError: if a level is out of range, or the model predicts no quantiles: it was trained with the head
                `mean` or `median` and without validation pairs.

        Example:
            >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
            >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0, head="quantiles")
            >>> low, high = translator.number_outputs["length"].quantiles(["two"], [0.1, 0.9]).values()
            >>> bool(low[0] <= high[0])
            True
        """
        levels = check_levels(levels)
        if not self.has_quantiles:
            raise SettingsError(
                f"the output {self.output!r} has no quantiles: it was trained with the head 'mean' or 'median' and "
                f"without validation pairs. Train it with validation pairs, or with the head 'quantiles'."
            )
        requests = make_requests(texts, tags, self.signature, inputs)

        def values(found: Distribution) -> np.ndarray:
            return np.stack([*found.quantiles(levels).values()], axis=-1)

        stacked = self._mean(requests, values, count=len(levels))
        return {level: self._squeezed(stacked[..., index]) for index, level in enumerate(levels)}

    def evaluate(self, pairs: Iterable[tuple[Any, ...]]) -> NumbersReport:
        """Compare predictions with the numbers of pairs.

        Args:
            pairs: rows (source, {output: numbers}), or with tags as a third entry; rows without this output are
                ignored.

        Raises:
            DataError: if a row of `pairs` has another form, no row has the output, or the numbers have another shape.

        Example:
            >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
            >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0)
            >>> translator.number_outputs["length"].evaluate(rows[:2]).rows
            2
        """
        rows = pairs_of_output(pairs, self.signature)
        if not len(rows):
            raise DataError(f"{rows.name}: no row has the output {self.output!r}.")
        field = self.field
        shape = (field.length or 1, field.width)
        for number, numbers in enumerate(rows.targets, start=1):
            if isinstance(numbers, str) or np.shape(numbers) != shape:
                raise DataError(
                    f"{rows.name}: number {number} of the rows with the output {self.output!r} must have numbers of "
                    f"the shape {shape}, received: {numbers!r:.60}"
                )
        requests = make_requests(rows.sources, rows.tags if self.signature.tagged else None, self.signature)
        found = self._mean(requests, _points)[..., 0]
        return numbers_report(np.asarray(rows.targets, np.float64), found, field.scaling.center, field.names)

    def ensemble_with(self, others: Iterable["Regressor"], *, weights: Sequence[float] | None = None) -> "Regressor":
        """Return a regressor that averages the points and the quantiles of several networks.

        Args:
            others: the other regressors.
            weights: relative weight of each network, those of this regressor first; None for equal weights.

        Raises:
            SettingsError: if their outputs differ in name or shape, or the weights are invalid.

        Example:
            >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
            >>> regressors = [
            ...     passerelle.train(rows, units=8, epochs=1, validation=0, seed=seed).number_outputs["length"]
            ...     for seed in (1, 2)
            ... ]
            >>> regressors[0].ensemble_with(regressors[1:]).predict(["two"]).shape
            (1,)
        """
        others = list(others)
        for other in others:
            if not isinstance(other, Regressor):
                raise DataError(f"others must be a list of regressors, received: {other!r:.80}")
            if _shape(other.field) != _shape(self.field):
                raise SettingsError(
                    f"the outputs of an ensemble must have the same name and shape, received: {_shape(self.field)} and "
                    f"{_shape(other.field)}."
                )
        models = [model for each in (self, *others) for model in each.models]
        if weights is None:
            return Regressor(models)
        check_weights(weights, len(models))
        return Regressor([replace(model, weight=weight) for model, weight in zip(models, weights, strict=True)])

    def fit_calibration(self, pairs: Pairs) -> Calibration | None:
        """Calibrate the intervals of the first network on validation pairs; None if no pair has the output."""
        rows = pairs.of_output(self.output)
        if not len(rows):
            return None
        tags = rows.tags if self.signature.tagged else None
        requests = make_requests(rows.sources, tags, self.signature)
        columns = request_columns(requests, self.signature)
        truth = self.field.encode_targets({**columns, self.output: rows.targets}).values[:, :-1]
        found, *_ = self._distributions(requests)
        return Calibration.fit(truth.reshape(len(rows), -1, self.field.width), found.scaled_quantile)

    def _mean(
        self, requests: Sequence[Request], values: Callable[[Distribution], np.ndarray], count: int = 1
    ) -> np.ndarray:
        """Return the weighted mean over the networks of values of their distributions; NaN for blank texts.

        Args:
            requests: the requests.
            values: distribution -> float (rows, steps, columns, count).
            count: number of values for each number.
        """
        rows = [row for row, request in enumerate(requests) if not request.is_blank]
        mean = np.full((len(requests), self.field.length or 1, self.field.width, count), np.nan)
        if rows:
            found = [values(each) for each in self._distributions([requests[row] for row in rows])]
            mean[rows] = np.average(found, axis=0, weights=[model.weight for model in self.models])
        return mean

    def _distributions(self, requests: Sequence[Request]) -> list[Distribution]:
        lengths = encode_requests(requests, self.signature)[self.signature.source.name].lengths
        steps = self.field.steps
        steppers = [model.predictor.stepper for model in self.models]
        rows_at_once(steppers, range(len(requests)), lengths, steps=steps, max_steps=lambda width: steps)  # or an error
        columns = request_columns(requests, self.signature)
        return [model.predictor(columns, model.calibration) for model in self.models]

    def _squeezed(self, values: np.ndarray) -> np.ndarray:
        axes = tuple(axis for axis, size in ((1, self.field.length or 1), (2, self.field.width)) if size == 1)
        return values.squeeze(axis=axes)


def _points(found: Distribution) -> np.ndarray:
    return found.point()[..., None]


def _shape(field: NumbersField) -> tuple[str, int, int]:
    return field.name, field.length or 1, field.width
