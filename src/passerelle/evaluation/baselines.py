"""Simple forecasts, which every forecast must be compared with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

__all__ = ["Ridge", "naive", "seasonal_naive"]

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Penalties of ridge regression, of which the one with the smallest leave-one-out error is used."""


def naive(histories: Sequence[np.ndarray], steps: int) -> np.ndarray:
    """Repeat the last numbers: histories (length, columns) each -> float (rows, steps, columns)."""
    return seasonal_naive(histories, steps, 1)


def seasonal_naive(histories: Sequence[np.ndarray], steps: int, season: int) -> np.ndarray:
    """Repeat the last season; see `naive`. Every history must have at least `season` steps."""
    step = np.arange(steps) % season - season
    return np.stack([np.asarray(history)[step] for history in histories])


class Ridge:
    """Ridge regression of all steps on the numbers of the history, with the inputs standardized.

    The rows of a group share nothing with those of another group: with the lags of one column in each group, each
    column is forecast from its own lags. The penalty of each group is chosen by generalized cross-validation of the
    training rows (Golub, Heath and Wahba 1979).

    Args:
        histories: float (rows, groups, inputs), training rows.
        futures: float (rows, groups, outputs).
    """

    def __init__(self, histories: np.ndarray, futures: np.ndarray):
        self.mean, deviation = histories.mean(axis=0), histories.std(axis=0)
        self.deviation = np.where(deviation > 0, deviation, 1.0)
        self.intercept = futures.mean(axis=0)
        inputs, outputs = (histories - self.mean) / self.deviation, futures - self.intercept
        self.weights = np.stack([_weights(inputs[:, group], outputs[:, group]) for group in range(inputs.shape[1])])

    @property
    def shape(self) -> tuple[int, int]:
        """Groups, and inputs of each group."""
        return self.mean.shape

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the regression."""
        lists = {name: getattr(self, name).reshape(-1).tolist() for name in _ARRAYS}
        return {"shape": list(self.weights.shape), **lists}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], size: int) -> Self:
        """Restore a regression; raise a ValueError or similar if it has not `size` outputs."""
        shape = content["shape"]
        if not isinstance(shape, list) or len(shape) != 3 or not all(type(n) is int and n > 0 for n in shape):
            raise ValueError("the shape of a ridge regression must have three whole numbers")
        groups, inputs, outputs = shape
        if groups * outputs != size:
            raise ValueError(f"a ridge regression must have {size:,} outputs")
        shapes = [(groups, inputs), (groups, inputs), (groups, outputs), (groups, inputs, outputs)]
        found = cls.__new__(cls)
        for name, own in zip(_ARRAYS, shapes, strict=True):
            numbers = content[name]
            if not isinstance(numbers, list) or len(numbers) != math.prod(own):
                raise ValueError(f"the {name} of a ridge regression must have {math.prod(own):,} numbers")
            if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
                raise ValueError(f"the {name} of a ridge regression must be finite numbers")
            setattr(found, name, np.array(numbers, np.float64).reshape(own))
        if not (found.deviation > 0).all():
            raise ValueError("the deviations of a ridge regression must be above 0")
        return found

    def __call__(self, histories: np.ndarray) -> np.ndarray:
        """Forecast: float (rows, groups, inputs) -> float (rows, groups, outputs)."""
        scaled = (histories - self.mean) / self.deviation
        return self.intercept + np.einsum("rgi,gio->rgo", scaled, self.weights)


_ARRAYS = ("mean", "deviation", "intercept", "weights")


def _weights(inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return the weights of ridge regression, (inputs, outputs), for centered rows."""
    u, s, v = np.linalg.svd(inputs, full_matrices=False)
    projected = u.T @ outputs  # (rank, outputs)
    outside = (outputs**2).sum() - (projected**2).sum()

    def error(penalty: float) -> float:
        shrink = s**2 / (s**2 + penalty)
        residual = outside + (((1.0 - shrink)[:, None] * projected) ** 2).sum()
        return residual / max(len(inputs) - 1.0 - shrink.sum(), 1e-9) ** 2

    penalty = min(PENALTIES, key=error)
    return v.T @ ((s / (s**2 + penalty))[:, None] * projected)
