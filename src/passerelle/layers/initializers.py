"""First weights, drawn by NumPy: Keras's own initializers have JAX compile a program for each shape of weights.

The distributions are those of the Keras initializers of the same names.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np

__all__ = ["Constant", "ForgetOpen", "GlorotUniform", "Orthogonal", "Uniform", "drawn_by"]

_drawer: ContextVar[Callable[..., Any] | None] = ContextVar("drawer", default=None)


@contextmanager
def drawn_by(function: Callable[..., Any]) -> Iterator[None]:
    """Within, weights begin as `function(shape, dtype)`: where they are about to be replaced, or shapes are asked."""
    token = _drawer.set(function)
    try:
        yield
    finally:
        _drawer.reset(token)


class _FirstWeights(keras.initializers.Initializer):
    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        draw = _drawer.get() or self._draw
        return draw(shape, keras.backend.standardize_dtype(dtype))

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {}


class _Random(_FirstWeights):
    """Draws from a generator of its own, whose seed comes from Python's `random`, as that of Keras's does."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(random.getrandbits(64))


@keras.saving.register_keras_serializable("passerelle")
class GlorotUniform(_Random):
    """Uniform within sqrt(6 / (rows + columns)) (Glorot and Bengio 2010)."""

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        limit = math.sqrt(6 / (shape[-2] + shape[-1]))
        return self._random.uniform(-limit, limit, shape).astype(dtype)


@keras.saving.register_keras_serializable("passerelle")
class Orthogonal(_Random):
    """A matrix with orthonormal rows or columns (Saxe et al. 2014, arXiv:1312.6120)."""

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        long, short = max(shape), min(shape)
        q, r = np.linalg.qr(self._random.normal(size=(long, short)).astype("float32"))
        q = q * np.sign(np.diag(r))
        return (q if shape == (long, short) else q.T).astype(dtype)


@keras.saving.register_keras_serializable("passerelle")
class Uniform(_Random):
    """Uniform from -limit to limit.

    Args:
        limit: above 0.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return self._random.uniform(-self.limit, self.limit, shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("passerelle")
class Constant(_FirstWeights):
    """One value everywhere.

    Args:
        value: that value.
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return np.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


@keras.saving.register_keras_serializable("passerelle")
class ForgetOpen(_FirstWeights):
    """An LSTM's bias: 1 for the forget gate, so that it begins open (Jozefowicz et al. 2015); else 0.

    The shape is (4 units,) or (4, units).
    """

    def _draw(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        bias = np.zeros(shape, dtype)
        bias.reshape(4, -1)[1] = 1
        return bias
