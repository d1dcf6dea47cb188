"""Initializers that sample with NumPy: with Keras's own initializers, JAX compiles a program for each weight shape.

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

__all__ = ["Constant", "ForgetOpen", "GlorotUniform", "Orthogonal", "Uniform", "override_initializers"]

_override: ContextVar[Callable[..., Any] | None] = ContextVar("override", default=None)


@contextmanager
def override_initializers(function: Callable[..., Any]) -> Iterator[None]:
    """Replace all initializers of this module by `function(shape, dtype)` within a `with` block.

    This saves the sampling where the weights are loaded afterwards, or where only their shapes are needed.
    """
    token = _override.set(function)
    try:
        yield
    finally:
        _override.reset(token)


class _Initializer(keras.initializers.Initializer):
    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        sample = _override.get() or self._sample
        return sample(shape, keras.backend.standardize_dtype(dtype))

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {}


class _Random(_Initializer):
    """Base class: samples from a NumPy generator whose seed comes from Python's `random`, as in Keras."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(random.getrandbits(64))


@keras.saving.register_keras_serializable("passerelle")
class GlorotUniform(_Random):
    """Uniform from -limit to limit, with limit = sqrt(6 / (rows + columns)) (Glorot and Bengio 2010)."""

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        limit = math.sqrt(6 / (shape[-2] + shape[-1]))
        return self._random.uniform(-limit, limit, shape).astype(dtype)


@keras.saving.register_keras_serializable("passerelle")
class Orthogonal(_Random):
    """A matrix with orthonormal rows or columns (Saxe et al. 2014, arXiv:1312.6120)."""

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        long, short = max(shape), min(shape)
        q, r = np.linalg.qr(self._random.normal(size=(long, short)).astype("float32"))
        q = q * np.sign(np.diag(r))
        return (q if shape == (long, short) else q.T).astype(dtype)


@keras.saving.register_keras_serializable("passerelle")
class Uniform(_Random):
    """Uniform from -limit to limit.

    Args:
        limit: largest absolute value, above 0.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return self._random.uniform(-self.limit, self.limit, shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("passerelle")
class Constant(_Initializer):
    """The same value for all weights.

    Args:
        value: that value.
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return np.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


@keras.saving.register_keras_serializable("passerelle")
class ForgetOpen(_Initializer):
    """The bias of an LSTM: 1 for the forget gate, which is therefore open at first, 0 for the other gates.

    The shape is (4 units,) or (4, units). Keras calls this `unit_forget_bias`. Source: Jozefowicz et al. 2015.
    """

    def _sample(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        bias = np.zeros(shape, dtype)
        bias.reshape(4, -1)[1] = 1
        return bias
