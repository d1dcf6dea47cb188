"""One compiled program for a whole function of a network: a search, a validation batch."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import keras

from passerelle.runtime import keep_freed_memory

__all__ = ["compiled"]


def compiled(function: Callable[..., Any], variables: Sequence[Any]) -> Callable[..., Any]:
    """Compiles `function` once for each shape of its arguments, whatever the variables' values.

    On JAX it becomes one program, which several threads may run at once. The variables enter it as arguments: baked
    in as constants they would be stale after the next update. On other backends `function` runs as it is, without
    gradients, with the same result.

    Args:
        function: pure function of arrays, and of keyword arguments that are Python values and select the program.
        variables: the Keras variables that it reads.

    Returns:
        A function of the same arguments.
    """
    if keras.backend.backend() == "torch":
        import torch  # pyright: ignore[reportMissingImports] - installed if Keras runs on it

        return torch.no_grad()(function)
    if keras.backend.backend() != "jax":
        return function
    import jax

    keep_freed_memory()

    def pure(values: list[Any], arrays: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*arrays, **dict(options))

    program = jax.jit(pure, static_argnums=2)
    tracing = threading.Lock()
    traced = set()

    def run(*arrays: Any, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        values = [variable.value for variable in variables]
        if (signature := (key, *(array.shape for array in jax.tree.leaves(arrays)))) not in traced:
            with tracing:  # Keras's layers are called while tracing, and were not made for two threads at once
                result = program(values, arrays, key)
                traced.add(signature)
                return result
        return program(values, arrays, key)

    return run
