"""Compilation of functions that use a network, such as a search or the loss of a validation batch."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras

from passerelle.backend import backend_name, computing
from passerelle.runtime import keep_freed_memory

__all__ = ["compiled"]


def compiled(function: Callable[..., Any], variables: Sequence[Any]) -> Callable[..., Any]:
    """Compile a function of arrays with `jax.jit`, once for each combination of argument shapes and options.

    The compiled program takes the values of the variables as arguments, because as constants they would be stale after
    the next update. Several threads may run it at the same time. On other backends `function` runs uncompiled, without
    gradients, and returns the same results.

    Args:
        function: a pure function of arrays. Its keyword arguments are options: hashable Python values, for each of
            which a separate program is compiled.
        variables: the Keras variables that `function` reads.

    Returns:
        A function with the same arguments and results.
    """
    if backend_name() == "torch":
        import torch  # pyright: ignore[reportMissingImports] - installed if Keras runs on it

        return computing()(torch.no_grad()(function))
    if backend_name() != "jax":
        return computing()(function)
    import jax

    keep_freed_memory()

    def pure(values: list[Any], arrays: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*arrays, **dict(options))

    program = jax.jit(pure, static_argnums=2)
    tracing = threading.Lock()
    traced = set()

    @computing()
    def run(*arrays: Any, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        values = [variable.value for variable in variables]
        if (signature := (key, *(array.shape for array in jax.tree.leaves(arrays)))) not in traced:
            with tracing:  # tracing calls Keras layers, which are not thread-safe
                result = program(values, arrays, key)
                traced.add(signature)
                return result
        return program(values, arrays, key)

    return run
