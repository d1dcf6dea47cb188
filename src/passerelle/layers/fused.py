"""Fused recurrent layers of other libraries: PyTorch's if Keras runs on PyTorch, cuDNN's if JAX runs on a GPU.

One call computes all steps of a layer. The libraries take lengths instead of masks, so the sequences must be
right-padded. They read forward only; for the backward direction each sequence is reversed within its length.
"""

from collections.abc import Callable
from typing import Any

import keras

__all__ = ["fused_layer"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""


def fused_layer(cell: str, sequence: Any) -> Callable[..., tuple[Any, ...]] | None:
    """Return the fused layer for the current backend and device.

    Args:
        cell: `lstm` or `gru`.
        sequence: float (batch, T, width), the input of the layer.

    Returns:
        A function (sequence, *states, mask, kernel, recurrent_kernel, bias, *, reverse) -> (outputs, *states), or None
        if there is no fused layer. The arrays are those of `kernels.lstm_loop`; in addition, the mask must be
        right-padded: in each row, no True after a False.
    """
    backend = keras.backend.backend()
    if backend == "torch" and sequence.device.type != "meta":  # "meta": Keras infers shapes
        return _with_masks(_TORCH[cell])
    if backend == "jax" and cell == "lstm" and sequence.shape[1] > 1:  # for one step, the call is slower
        import jax

        if jax.default_backend() == "gpu":
            return _with_masks(_cudnn_lstm)
    return None


def _with_masks(library: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """Extend a library's forward layer by masks, rows without tokens and the backward direction."""

    def layer(sequence: Any, *arrays: Any, reverse: bool = False) -> tuple[Any, ...]:
        *states, mask, kernel, recurrent_kernel, bias = arrays
        weights = (kernel, recurrent_kernel, bias)
        if mask is None:
            outputs, last = library(ops.flip(sequence, axis=1) if reverse else sequence, states, None, *weights)
            return outputs, *last
        steps = sequence.shape[1]
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        stop = ops.expand_dims(lengths, 1)
        step = ops.expand_dims(ops.arange(steps, dtype="int32"), 0)
        if reverse:
            sequence = _take_steps(sequence, stop - 1 - step)
        outputs, last = library(sequence, states, ops.maximum(lengths, 1), *weights)
        last = [ops.where(stop == 0, before, after) for before, after in zip(states, last, strict=True)]
        first, end = (ops.expand_dims(state, 1) for state in (states[0], last[0]))
        if reverse:  # the padding comes first; there the outputs are the initial state
            step = step - (steps - stop)
            return ops.where(ops.expand_dims(step < 0, -1), first, _take_steps(outputs, step)), *last
        return ops.where(ops.expand_dims(step < stop, -1), outputs, end), *last

    return layer


def _take_steps(sequence: Any, indices: Any) -> Any:
    """Return the steps of `sequence` at `indices`, (batch, T); for negative indices an arbitrary step."""
    return ops.take_along_axis(sequence, ops.expand_dims(ops.maximum(indices, 0), -1), axis=1)


def _cudnn_lstm(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Call cuDNN by `jax.experimental.rnn`; Keras's own call takes no mask. Gates: i f g o, as in Keras."""
    import jax.numpy as jnp
    from jax.experimental import rnn

    rows, steps, width = sequence.shape
    units = recurrent_kernel.shape[0]
    lengths = jnp.full((rows,), steps, "int32") if lengths is None else lengths
    # cuDNN takes one flat array: both kernels, then two biases. Keras has one bias, so the second is zero.
    weights = jnp.concatenate([kernel.T.ravel(), recurrent_kernel.T.ravel(), bias, jnp.zeros_like(bias)])
    h, c = (state[None] for state in states)
    results: Any = rnn.lstm(sequence, h, c, weights, lengths, width, units, 1, 0.0, False)
    outputs, h, c = results
    return outputs, [h[0], c[0]]


def _torch_lstm(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Call PyTorch's LSTM. Gates: i f g o, as in Keras."""
    import torch  # pyright: ignore[reportMissingImports] - installed if Keras runs on it

    weights = [kernel.T, recurrent_kernel.T, bias, torch.zeros_like(bias)]
    return _torch_layer(torch.lstm, sequence, states, lengths, weights)


def _torch_gru(
    sequence: Any, states: list[Any], lengths: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """Call PyTorch's GRU. Gates: r z g in PyTorch, z r g in Keras."""
    import torch  # pyright: ignore[reportMissingImports] - installed if Keras runs on it

    weights = []
    for array in (kernel.T, recurrent_kernel.T, *bias):
        z, r, g = array.split(recurrent_kernel.shape[0])
        weights.append(torch.cat([r, z, g]))
    return _torch_layer(torch.gru, sequence, states, lengths, weights)


def _torch_layer(
    function: Any, sequence: Any, states: list[Any], lengths: Any, weights: list[Any]
) -> tuple[Any, list[Any]]:
    """Run one forward layer; if lengths are passed, on a packed sequence, whose rows are sorted by length."""
    import torch  # pyright: ignore[reportMissingImports] - installed if Keras runs on it

    packing = torch.nn.utils.rnn
    options = (True, 1, 0.0, torch.is_grad_enabled(), False)  # bias, layers, dropout, training, bidirectional
    steps = sequence.shape[1]
    initial: Any = tuple(state[None] for state in states)  # (1, batch, units) each
    if lengths is None:
        outputs, *last = function(sequence, initial if len(initial) > 1 else initial[0], weights, *options, True)
        return outputs, [state[0] for state in last]
    packed = packing.pack_padded_sequence(sequence, lengths.cpu(), batch_first=True, enforce_sorted=False)
    initial = tuple(state.index_select(1, packed.sorted_indices) for state in initial)
    initial = initial if len(initial) > 1 else initial[0]
    data, *last = function(packed.data, packed.batch_sizes, initial, weights, *options)
    outputs, _ = packing.pad_packed_sequence(packed._replace(data=data), batch_first=True, total_length=steps)
    return outputs, [state[0].index_select(0, packed.unsorted_indices) for state in last]


_TORCH = {"lstm": _torch_lstm, "gru": _torch_gru}
