"""Compiled functions: one program for each shape, and never stale weights."""

import keras
import numpy as np
import pytest

from passerelle.models.compiled import compiled


def test_compiled_function_reads_the_current_weights() -> None:
    weight = keras.Variable(np.float32(2.0))
    calls = []

    def scale(x: object, *, power: int = 1) -> object:
        calls.append(power)
        return weight**power * x

    run = compiled(scale, [weight])
    assert float(run(np.float32(3.0))) == 6.0
    weight.assign(np.float32(5.0))
    assert float(run(np.float32(3.0))) == 15.0
    assert float(run(np.float32(3.0), power=2)) == 75.0
    if keras.backend.backend() == "jax":
        assert calls == [1, 2], "one trace for each shape and set of options"


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX compiles for each shape")
def test_one_program_for_each_shape() -> None:
    calls = []
    run = compiled(lambda x: calls.append(x.shape) or x + 1, [])
    for length in (2, 3, 2, 3):
        run(np.zeros(length, np.float32))
    assert calls == [(2,), (3,)]
