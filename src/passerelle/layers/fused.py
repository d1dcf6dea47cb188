"""A library's own recurrent layers: PyTorch's where Keras runs on it, cuDNN's on a GPU under JAX.

A whole layer is one call. The libraries take lengths instead of masks, and read forward only, so sequences must be
right-padded; those read from the end are turned within their lengths.
"""

from collections.abc import Callable
from typing import Any

import keras

__all__ = ["native_layer"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def native_layer(cell: str, sequence: Any) -> Callable[..., tuple[Any, ...]] | None:
    """The library's layer for the backend and device at hand.

    Args:
        cell: `lstm` or `gru`.
        sequence: float (batch, T, width), what it is to read.

    Returns:
        A function (sequence, *states, mask, kernel, recurrent_kernel, bias, *, reverse) -> (outputs, *states), of the
        arrays of `kernels.lstm_loop`, the mask True for the first tokens of each row and no others; None where there
        is no such library.
    """
    backend = keras.backend.backend()
    if backend == "torch" and sequence.device.type != "meta":  # where Keras only asks for shapes
        return _whole(_TORCH[cell])
    if backend == "jax" and cell == "lstm" and sequence.shape[1] > 1:  # single steps: the call costs more than it saves
        import jax

        if jax.default_backend() == "gpu":
            return _whole(_cudnn_lstm)
    return None


def _whole(library: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """Around a library's forward layer: what stands at padding, rows without a token, reading from the end."""

    def layer(sequence: Any, *given: Any, reverse: bool = False) -> tuple[Any, ...]:
        *states, mask, kernel, recurrent_kernel, bias = given
        weights = (kernel, recurrent_kernel, bias)
        if mask is None:
            outputs, last = library(ops.flip(sequence, axis=1) if reverse else sequence, states, None, *weights)
            return outputs, *last
        steps = sequence.shape[1]
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        stop = ops.expand_dims(lengths, 1)
        place = ops.expand_dims(ops.arange(steps, dtype="int32"), 0)
        if reverse:
            sequence = _taken(sequence, stop - 1 - place)
        outputs, last = library(sequence, states, ops.maximum(lengths, 1), *weights)
        last = [ops.where(stop == 0, before, after) for before, after in zip(states, last, strict=True)]
        first, end = (ops.expand_dims(state, 1) for state in (states[0], last[0]))
        if reverse:  # then padding comes first, and passes the state on unchanged
            place = place - (steps - stop)
            return ops.where(ops.expand_dims(place < 0, -1), first, _taken(outputs, place)), *last
        return ops.where(ops.expand_dims(place < stop, -1), outputs, end), *last

    return layer


def _taken(sequence: Any, places: Any) -> Any:
    """Steps by their number, (batch, T); those before the first one are arbitrary."""
    return ops.take_along_axis(sequence, ops.expand_dims(ops.maximum(places, 0), -1), axis=1)


def _cudnn_lstm(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Through JAX's experimental binding; Keras's way to it takes no mask. Gates i f g o, as in Keras."""
    import jax.numpy as jnp
    from jax.experimental import rnn

    rows, steps, width = sequence.shape
    units = recurrent_kernel.shape[0]
    lengths = jnp.full((rows,), steps, "int32") if lengths is None else lengths
    # One flat array: both kernels, then a bias for each, of which Keras has one.
    weights = jnp.concatenate([kernel.T.ravel(), recurrent_kernel.T.ravel(), bias, jnp.zeros_like(bias)])
    h, c = (state[None] for state in states)
    found: Any = rnn.lstm(sequence, h, c, weights, lengths, width, units, 1, 0.0, False)
    outputs, h, c = found
    return outputs, [h[0], c[0]]


def _torch_lstm(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Gates i f g o, as in Keras."""
    import torch  # pyright: ignore[reportMissingImports] - there where Keras runs on it

    weights = [kernel.T, recurrent_kernel.T, bias, torch.zeros_like(bias)]
    return _torch_layer(torch.lstm, sequence, states, lengths, weights)


def _torch_gru(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Gates r z g, in Keras z r g."""
    import torch  # pyright: ignore[reportMissingImports] - there where Keras runs on it

    weights = []
    for array in (kernel.T, recurrent_kernel.T, *bias):
        z, r, g = array.split(recurrent_kernel.shape[0])
        weights.append(torch.cat([r, z, g]))
    return _torch_layer(torch.gru, sequence, states, lengths, weights)


def _torch_layer(
    function: Any, sequence: Any, states: list[Any], lengths: Any, weights: list[Any]
) -> tuple[Any, list[Any]]:
    """One forward layer, its rows sorted by length on the way where they differ, as PyTorch wants them."""
    import torch  # pyright: ignore[reportMissingImports] - there where Keras runs on it

    packing = torch.nn.utils.rnn
    options = (True, 1, 0.0, torch.is_grad_enabled(), False)  # bias, layers, dropout, training, bidirectional
    steps = sequence.shape[1]
    given: Any = tuple(state[None] for state in states)
    if lengths is None:
        outputs, *last = function(sequence, given if len(given) > 1 else given[0], weights, *options, True)
        return outputs, [state[0] for state in last]
    packed = packing.pack_padded_sequence(sequence, lengths.cpu(), batch_first=True, enforce_sorted=False)
    given = tuple(state.index_select(1, packed.sorted_indices) for state in given)
    data, *last = function(packed.data, packed.batch_sizes, given if len(given) > 1 else given[0], weights, *options)
    outputs, _ = packing.pad_packed_sequence(packed._replace(data=data), batch_first=True, total_length=steps)
    return outputs, [state[0].index_select(0, packed.unsorted_indices) for state in last]


_TORCH = {"lstm": _torch_lstm, "gru": _torch_gru}
