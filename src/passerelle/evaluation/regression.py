"""Metrics of predicted numbers, beside those of the training mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["NumbersReport", "NumbersScores", "numbers_report"]


@dataclass(frozen=True)
class NumbersScores:
    """Errors of the predictions of one column of numbers, in its own unit.

    Attributes:
        mae: mean absolute error.
        rmse: root of the mean squared error.
        mean_mae: mean absolute error if the mean of the training rows is always predicted.
        mean_rmse: root of the mean squared error of the same.
    """

    mae: float
    rmse: float
    mean_mae: float
    mean_rmse: float


@dataclass(frozen=True)
class NumbersReport:
    """Scores of an output of numbers. Every row counts, also if several rows have the same source.

    Attributes:
        rows: number of rows.
        columns: the scores of each column of numbers, over all rows and steps; columns have the names `1`, `2`, ...

    Example:
        >>> rows = [("one", {"length": 3}), ("three", {"length": 5}), ("four", {"length": 4})]
        >>> translator = passerelle.train(rows, units=8, epochs=1, validation=0)
        >>> report = translator.number_outputs["length"].evaluate(rows)
        >>> report.rows, list(report.columns)
        (3, ['1'])
        >>> round(report.columns["1"].mean_mae, 3)
        0.667
    """

    rows: int
    columns: dict[str, NumbersScores]

    def __str__(self) -> str:
        lines = []
        for name, one in self.columns.items():
            number = f" {name}" if len(self.columns) > 1 else ""
            for metric, error, of_mean in (("MAE", one.mae, one.mean_mae), ("RMSE", one.rmse, one.mean_rmse)):
                lines.append(f"{metric + number:11}{error:9.4g}     {of_mean:.4g} by the mean of the training rows")
        return "\n".join([f"{lines[0]}; {self.rows:,} rows", *lines[1:]])


def numbers_report(truth: np.ndarray, predicted: np.ndarray, mean: np.ndarray, names: Sequence[str]) -> NumbersReport:
    """Compare predicted numbers with the truth.

    Args:
        truth: float (rows, steps, columns).
        predicted: float (rows, steps, columns).
        mean: float (columns,), the mean of the training rows.
        names: names of the columns.
    """
    errors, mean_errors = truth - predicted, truth - mean

    def scores(column: int) -> NumbersScores:
        both = [array[..., column] for array in (errors, mean_errors)]
        found = [float(value) for one in both for value in (np.abs(one).mean(), np.sqrt((one**2).mean()))]
        return NumbersScores(*found)

    return NumbersReport(len(truth), {name: scores(column) for column, name in enumerate(names)})
