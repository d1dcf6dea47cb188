"""Heads of numbers: decoder output -> the parameters of a point, of quantiles or of a distribution."""

from typing import Any

import keras
from keras import layers

from passerelle.layers.matmul import dense

__all__ = ["MEDIAN", "QUANTILES", "NumberHead", "parameter_count", "point"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Levels of the head `quantiles`."""
MEDIAN = QUANTILES.index(0.5)

MIN_SCALE = 1e-3
"""Lower bound of the scale of Student's t, in scaled units: without it, the likelihood of a constant is unbounded."""
MIN_FREEDOM = 2.0
"""Lower bound of the degrees of freedom of Student's t, above which its variance is finite."""


def parameter_count(head: str) -> int:
    """Return the number of parameters of each number."""
    return {"quantiles": len(QUANTILES), "student-t": 3}.get(head, 1)


def point(parameters: Any, head: str) -> Any:
    """Return the point forecast, the mean or the median: float (..., parameters) -> float (...)."""
    return parameters[..., MEDIAN if head == "quantiles" else 0]


@keras.saving.register_keras_serializable("passerelle")
class NumberHead(layers.Layer):
    """A dense layer and the constraints of the parameters: float (batch, T, units) -> float (batch, T, columns * P).

    The P parameters of each number are, by head:

    - `mean`, `median`: the number;
    - `quantiles`: the quantiles of the levels `QUANTILES`. The median is free, and each further quantile is the one
      before it plus or minus a softplus, so quantiles never cross (Gasthaus et al. 2019 use the same idea in splines);
    - `student-t`: location, scale and degrees of freedom (Salinas et al. 2017, arXiv:1704.04110, section 3, use this
      likelihood in GluonTS).

    Args:
        columns: number of numbers in each step.
        head: a value of the setting `network.decoder.head`.
    """

    def __init__(self, columns: int, head: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = columns
        self.head = head
        self.dense = dense(columns * parameter_count(head), name="parameters")

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape)

    def call(self, sequence: Any) -> Any:
        free = self.dense(sequence)
        if self.head in ("mean", "median"):
            return free
        shape = ops.shape(free)
        free = ops.reshape(free, (*shape[:-1], self.columns, parameter_count(self.head)))
        bound = _quantiles(free) if self.head == "quantiles" else _student_t(free)
        return ops.reshape(bound, shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.columns * parameter_count(self.head))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"columns": self.columns, "head": self.head}


def _quantiles(free: Any) -> Any:
    median = free[..., MEDIAN : MEDIAN + 1]
    above = median + ops.cumsum(ops.softplus(free[..., MEDIAN + 1 :]), axis=-1)
    below = median - ops.cumsum(ops.softplus(free[..., :MEDIAN]), axis=-1)
    return ops.concatenate([ops.flip(below, axis=-1), median, above], axis=-1)


def _student_t(free: Any) -> Any:
    scale = MIN_SCALE + ops.softplus(free[..., 1:2])
    freedom = MIN_FREEDOM + ops.softplus(free[..., 2:3])
    return ops.concatenate([free[..., :1], scale, freedom], axis=-1)
