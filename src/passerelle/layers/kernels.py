"""The recurrent loops on JAX, each with a gradient of its own: the same numbers as Keras's cells, sooner.

What is gained over differentiating Keras's loop (measured in docs/performance.md): the input product and the weights'
gradient are one product each, outside of the loop; all gates of a step are one tanh over one array; the loop keeps
what the gradient needs and nothing else. Arrays are time-major inside.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["gru_loop", "lstm_loop"]

CLOSED, OPEN = -1e4, 1e4
"""Inputs that no state can outweigh: a gate's sigmoid is exactly 0 or 1, and its slope exactly 0."""

LSTM_HOLDS = (CLOSED, OPEN, 0.0, CLOSED)
GRU_HOLDS = (OPEN, 0.0, 0.0)


# reason: the arrays of one LSTM layer, each an argument of its own, as Keras's own loops take them
def lstm_loop(
    sequence: Any,
    h: Any,
    c: Any,
    mask: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    *,
    kept: Any = None,
    reverse: bool = False,
    recurrent_dtype: str = "float32",
    one_hot: bool = False,
) -> tuple[Any, Any, Any]:
    """A whole LSTM layer (Hochreiter and Schmidhuber 1997, with Gers's forget gate), gates in Keras's order i f g o.

    Args:
        sequence: float (batch, T, width).
        h, c: float (batch, units), before the first step.
        mask: bool (batch, T), False where the states pass unchanged; None where there are no such steps.
        kernel: float (width, 4 units).
        recurrent_kernel: float (units, 4 units).
        bias: float (4 units,).
        kept: float (batch, units), what h is multiplied by, at every step, before its product with the recurrent
            weights: a dropout mask, whose gradient is not asked for. None for 1.
        reverse: whether to begin at the end; the outputs then stand in that order, as in Keras.
        recurrent_dtype: dtype in which the states are multiplied by the recurrent weights; sums and states keep theirs.
        one_hot: promises that each vector of `sequence` is one-hot or zero: then its product is a row of `kernel`.

    Returns:
        outputs: float (batch, T, units), h after each step.
        h, c: float (batch, units), after the last step.
    """
    inputs, mask = _inputs(sequence, mask, kernel, bias, LSTM_HOLDS, reverse=reverse, one_hot=one_hot)
    found: Any = _lstm(recurrent_dtype, inputs, h, c, mask, kept, recurrent_kernel)
    outputs, h, c = found
    return jnp.swapaxes(outputs, 0, 1), h, c


def gru_loop(
    sequence: Any,
    h: Any,
    mask: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    *,
    kept: Any = None,
    reverse: bool = False,
    recurrent_dtype: str = "float32",
    one_hot: bool = False,
) -> tuple[Any, Any]:
    """A whole GRU layer (Cho et al. 2014, arXiv:1406.1078), gates in Keras's order z r h.

    As in cuDNN and in Keras's `reset_after`, the reset gate acts on the product with the recurrent weights.

    Args:
        sequence: float (batch, T, width).
        h: float (batch, units), before the first step.
        mask: bool (batch, T), False where the state passes unchanged; None where there are no such steps.
        kernel: float (width, 3 units).
        recurrent_kernel: float (units, 3 units).
        bias: float (2, 3 units), added to the inputs' product and to the state's.
        kept: float (batch, units), what h is multiplied by, at every step, before its product with the recurrent
            weights: a dropout mask, whose gradient is not asked for. None for 1.
        reverse: whether to begin at the end; the outputs then stand in that order, as in Keras.
        recurrent_dtype: dtype in which the states are multiplied by the recurrent weights; sums and states keep theirs.
        one_hot: promises that each vector of `sequence` is one-hot or zero: then its product is a row of `kernel`.

    Returns:
        outputs: float (batch, T, units), h after each step.
        h: float (batch, units), after the last step.
    """
    inputs, _ = _inputs(sequence, mask, kernel, bias[0], GRU_HOLDS, reverse=reverse, one_hot=one_hot)
    found: Any = _gru(recurrent_dtype, inputs, h, kept, recurrent_kernel, bias[1])
    outputs, h = found
    return jnp.swapaxes(outputs, 0, 1), h


def _inputs(
    sequence: Any, mask: Any, kernel: Any, bias: Any, holds: tuple[float, ...], *, reverse: bool, one_hot: bool
) -> tuple[Any, Any]:
    """The inputs' product, (T, batch, gates), and the mask, (T, batch, 1); both in the order of the steps.

    Where the mask is False, the inputs are `holds`, one value a gate, by which the state passes unchanged.
    """
    sequence = jnp.swapaxes(sequence, 0, 1)
    mask = None if mask is None else jnp.swapaxes(mask, 0, 1)[..., None]
    if reverse:
        sequence = sequence[::-1]
        mask = None if mask is None else mask[::-1]
    product = (_rows if one_hot else _input_product)(sequence, kernel)
    inputs = product + bias
    if mask is not None:
        inputs = jnp.where(mask, inputs, jnp.repeat(jnp.array(holds, inputs.dtype), inputs.shape[-1] // len(holds)))
    return inputs, mask


def _input_product(sequence: Any, kernel: Any) -> Any:
    product = sequence.reshape(-1, sequence.shape[-1]) @ kernel
    return product.reshape(*sequence.shape[:-1], -1)


@jax.custom_vjp
def _rows(one_hot: Any, kernel: Any) -> Any:
    """`_input_product` of one-hot vectors, and the same gradient."""
    number = (one_hot * jnp.arange(1, 1 + len(kernel), dtype=one_hot.dtype)).sum(-1, keepdims=True).astype("int32")
    return jnp.where(number > 0, kernel[number[..., 0] - 1], 0)


_rows.defvjp(
    lambda one_hot, kernel: (_rows(one_hot, kernel), (one_hot, kernel)),
    lambda kept, gradient: jax.vjp(_input_product, *kept)[1](gradient),
)


def _hold(mask: Any, new: Any, old: Any) -> Any:
    return new if mask is None else jnp.where(mask, new, old)


def _dropped(states: Any, kept: Any) -> Any:
    return states if kept is None else states * kept


def _product(states: Any, weights: Any) -> Any:
    """Multiplies in the weights' dtype, sums in the states'."""
    return jnp.matmul(states.astype(weights.dtype), weights, preferred_element_type=states.dtype)


def _kernel_gradient(first: Any, outputs: Any, kept: Any, d_products: Any) -> Any:
    """The recurrent weights' gradient: outer products of the states before each step, summed by one product."""
    before = _dropped(jnp.concatenate([first[None], outputs[:-1]]), kept)
    return before.reshape(-1, before.shape[-1]).T @ d_products.reshape(-1, d_products.shape[-1])


def _run(step: Any, states: Any, inputs: Any, mask: Any) -> Any:
    """`scan` without a gradient, which passes over the first and the last steps that no row needs.

    Args:
        step: (states, (input, mask)) -> (states, output); the states are a tuple that begins with h, the output.
        states: before the first step, (batch, units) each.
        inputs: (T, batch, gates).
        mask: bool (T, batch, 1), False where the states pass unchanged; None where there are no such steps.

    Returns:
        states: after the last step.
        outputs: (T, batch, units).
    """
    if mask is None:
        return jax.lax.scan(step, states, (inputs, None))
    needed = mask.any((1, 2))
    length = len(needed)
    begin = jnp.argmax(needed)
    stop = jnp.where(needed.any(), length - jnp.argmax(needed[::-1]), begin)

    def body(carried: Any) -> Any:
        position, states, outputs = carried
        states, output = step(states, (inputs[position], mask[position]))
        return position + 1, states, outputs.at[position].set(output)

    first = states[0]
    empty = jnp.zeros((length, *first.shape), first.dtype)
    _, states, outputs = jax.lax.while_loop(lambda carried: carried[0] < stop, body, (begin, states, empty))
    position = jnp.arange(length)[:, None, None]
    outputs = jnp.where(position < begin, first, jnp.where(position < stop, outputs, states[0]))
    return states, outputs


def _sigmoid(x: Any) -> Any:
    """By way of tanh, for which the compiler has a vector routine: sigmoid(x) = (1 + tanh(x / 2)) / 2."""
    return 0.5 + 0.5 * jnp.tanh(0.5 * x)


def _is_g(gates: Any) -> Any:
    """Where g, the third of four gates, stands."""
    return (jnp.arange(gates.shape[-1]) // (gates.shape[-1] // 4)) == 2


def _lstm_gates(z: Any) -> Any:
    """Sigmoid of i, f and o, tanh of g: one tanh over one array, (batch, 4 units)."""
    half = jnp.where(_is_g(z), 1.0, 0.5).astype(z.dtype)
    return jnp.tanh(z * half) * half + (1.0 - half)


def _lstm_derivatives(gates: Any) -> Any:
    """Of each gate's activation a, by its argument: a (1 - a) for i, f and o; 1 - a^2 for g."""
    return jnp.where(_is_g(gates), 1 - gates * gates, gates * (1 - gates))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lstm(recurrent_dtype: str, inputs: Any, h: Any, c: Any, mask: Any, kept: Any, recurrent_kernel: Any) -> Any:
    weights = recurrent_kernel.astype(recurrent_dtype)

    def step(states: Any, given: Any) -> Any:
        states, _ = _lstm_step(weights, kept, states, given)
        return states, states[0]

    (h, c), outputs = _run(step, (h, c), inputs, mask)
    return outputs, h, c


def _lstm_step(weights: Any, kept: Any, states: Any, given: Any) -> Any:
    """One step: the states after it, and all gates with tanh(c)."""
    (h, c), (x, mask) = states, given
    gates = _lstm_gates(x + _product(_dropped(h, kept), weights))
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    c = f * c + i * g
    tanh_c = jnp.tanh(c)
    return (_hold(mask, o * tanh_c, h), c), (gates, tanh_c)  # the inputs hold c, not h


def _lstm_forward(
    recurrent_dtype: str, inputs: Any, h: Any, c: Any, mask: Any, kept: Any, recurrent_kernel: Any
) -> Any:
    """Keeps, for the gradient, each step's slopes: what a change is multiplied by on its way back."""
    weights = recurrent_kernel.astype(recurrent_dtype)

    def step(states: Any, given: Any) -> Any:
        after, (gates, tanh_c) = _lstm_step(weights, kept, states, given)
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        gates_slope = jnp.concatenate([g, states[1], i, tanh_c], axis=-1) * _lstm_derivatives(gates)
        c_slope = o * (1 - tanh_c * tanh_c)
        return after, (after[0], (gates_slope, c_slope, f))

    (last_h, last_c), (outputs, slopes) = jax.lax.scan(step, (h, c), (inputs, mask))
    return (outputs, last_h, last_c), (h, mask, kept, recurrent_kernel, outputs, slopes)


def _lstm_backward(recurrent_dtype: str, saved: Any, gradients: Any) -> Any:
    h, mask, kept, recurrent_kernel, outputs, slopes = saved
    d_outputs, d_h, d_c = gradients
    weights = recurrent_kernel.T.astype(recurrent_dtype)

    def step(carried: Any, given: Any) -> Any:
        (d_h, d_c), (d_output, (gates_slope, c_slope, f), mask) = carried, given
        d_h = d_h + d_output
        d_c = d_c + d_h * c_slope
        d_gates = jnp.concatenate([d_c, d_c, d_c, d_h], axis=-1) * gates_slope
        return (_hold(mask, _dropped(_product(d_gates, weights), kept), d_h), d_c * f), d_gates

    (d_h, d_c), d_inputs = jax.lax.scan(step, (d_h, d_c), (d_outputs, slopes, mask), reverse=True)
    return d_inputs, d_h, d_c, None, None, _kernel_gradient(h, outputs, kept, d_inputs)


_lstm.defvjp(_lstm_forward, _lstm_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gru(recurrent_dtype: str, inputs: Any, h: Any, kept: Any, recurrent_kernel: Any, recurrent_bias: Any) -> Any:
    return _gru_forward(recurrent_dtype, inputs, h, kept, recurrent_kernel, recurrent_bias)[0]


def _gru_forward(
    recurrent_dtype: str, inputs: Any, h: Any, kept: Any, recurrent_kernel: Any, recurrent_bias: Any
) -> Any:
    """Keeps, for the gradient, each step's slopes: what a change is multiplied by on its way back."""
    weights = recurrent_kernel.astype(recurrent_dtype)
    units = h.shape[-1]

    def step(h: Any, x: Any) -> Any:
        inner = _product(_dropped(h, kept), weights) + recurrent_bias
        z, r = jnp.split(_sigmoid(x[:, : 2 * units] + inner[:, : 2 * units]), 2, axis=-1)
        inner_g = inner[:, 2 * units :]
        g = jnp.tanh(x[:, 2 * units :] + r * inner_g)
        g_slope = (1 - z) * (1 - g * g)
        gates_slope = jnp.concatenate([(h - g) * z * (1 - z), g_slope * inner_g * r * (1 - r), g_slope * r], axis=-1)
        h = z * h + (1 - z) * g
        return h, (h, (gates_slope, g_slope, z))

    last_h, (outputs, slopes) = jax.lax.scan(step, h, inputs)
    return (outputs, last_h), (h, kept, recurrent_kernel, outputs, slopes)


def _gru_backward(recurrent_dtype: str, saved: Any, gradients: Any) -> Any:
    h, kept, recurrent_kernel, outputs, slopes = saved
    d_outputs, d_h = gradients
    weights = recurrent_kernel.T.astype(recurrent_dtype)
    units = h.shape[-1]

    def step(d_h: Any, given: Any) -> Any:
        d_output, (gates_slope, g_slope, z) = given
        d_h = d_h + d_output
        d_inner = jnp.concatenate([d_h, d_h, d_h], axis=-1) * gates_slope
        d_input = jnp.concatenate([d_inner[:, : 2 * units], d_h * g_slope], axis=-1)
        return _dropped(_product(d_inner, weights), kept) + d_h * z, (d_input, d_inner)

    d_h, (d_inputs, d_inner) = jax.lax.scan(step, d_h, (d_outputs, slopes), reverse=True)
    return d_inputs, d_h, None, _kernel_gradient(h, outputs, kept, d_inner), d_inner.sum((0, 1))


_gru.defvjp(_gru_forward, _gru_backward)
