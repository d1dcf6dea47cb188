"""Recurrent layers with layer normalization of each gate (Ba et al. 2016, arXiv:1607.06450).

The normalization follows RNMT+ (Chen et al. 2018, arXiv:1804.09849, section 4) and its code in Lingvo. For each gate,
the sum x W + h U is normalized over the units to mean 0 and variance 1, multiplied by a trained gain and added to a
trained bias. Then the sigmoid or tanh of the gate is applied. Ba et al. instead normalize x W and h U separately, and
also normalize c of an LSTM before the output gate.
"""

from typing import Any

import keras

from passerelle.layers.dropout import dropout_mask
from passerelle.layers.initializers import Constant, ForgetOpen, GlorotUniform, Orthogonal
from passerelle.layers.matmul import matmul

__all__ = ["LayerNormGRU", "LayerNormGRUCell", "LayerNormLSTM", "LayerNormLSTMCell"]

ops: Any = keras.ops
"""Typed as Any, because Keras annotates these functions as possibly returning None."""

EPSILON = 1e-5
"""Added to the variance, as in the code of Ba et al. Keras's 1e-3 would be too much: on embeddings, the variance of the
sums is about 1e-4 at first."""


class _Cell(keras.layers.Layer):
    """Base class of the cells: (batch, width), states -> output (batch, units), new states (batch, units) each.

    The weights are `kernel` (width, gates * units), `recurrent_kernel` (units, gates * units), `gain` and `bias`
    (gates, units).

    Args:
        units: width of the states.
    """

    gates: int
    states: int
    bias_initializer: type = Constant

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units] * self.states

    def build(self, input_shape: Any) -> None:
        def weight(name: str, shape: tuple[int, ...], initializer: Any) -> Any:
            return self.add_weight(name=name, shape=shape, initializer=initializer)

        per_gate = (self.gates, self.units)
        self.kernel = weight("kernel", (input_shape[-1], self.gates * self.units), GlorotUniform())
        self.recurrent_kernel = weight("recurrent_kernel", (self.units, self.gates * self.units), Orthogonal())
        self.gain = weight("gain", per_gate, Constant(1.0))
        self.bias = weight("bias", per_gate, self.bias_initializer())

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        new_states = self.step(self.matmul(inputs, self.kernel), states)
        return new_states[0], new_states

    def step(self, inputs: Any, states: Any, dropout_mask: Any = None) -> list[Any]:
        """Return the states after one step.

        Args:
            inputs: float (batch, gates, units), the matrix product of the inputs and the kernel.
            states: float (batch, units) each; h first.
            dropout_mask: float (batch, units), by which h is multiplied before the matmul with the recurrent
                kernel; None for no dropout.
        """
        raise NotImplementedError

    def matmul(self, vectors: Any, weights: Any) -> Any:
        """Multiply float (..., width) by (width, gates * units) -> (..., gates, units)."""
        return ops.reshape(matmul(vectors, weights), (*ops.shape(vectors)[:-1], self.gates, self.units))

    def _state_matmul(self, h: Any, dropout_mask: Any) -> Any:
        return self.matmul(h if dropout_mask is None else h * dropout_mask, self.recurrent_kernel)

    def _normalized(self, sums: Any, gates: slice) -> Any:
        """Normalize float (batch, these gates, units) over the units, then apply their gains and biases."""
        sums = sums - ops.mean(sums, axis=-1, keepdims=True)
        sums = sums * ops.rsqrt(ops.mean(ops.square(sums), axis=-1, keepdims=True) + EPSILON)
        return sums * self.gain[gates] + self.bias[gates]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


@keras.saving.register_keras_serializable("passerelle")
class LayerNormLSTMCell(_Cell):
    """One step of `LayerNormLSTM`, for `keras.layers.RNN`; states h and c.

    Args:
        units: width of the states.
    """

    gates = 4
    states = 2
    bias_initializer = ForgetOpen

    def step(self, inputs: Any, states: Any, dropout_mask: Any = None) -> list[Any]:
        h, c = states
        i, f, g, o = ops.unstack(self._normalized(inputs + self._state_matmul(h, dropout_mask), slice(0, 4)), axis=1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return [ops.sigmoid(o) * ops.tanh(c), c]


@keras.saving.register_keras_serializable("passerelle")
class LayerNormGRUCell(_Cell):
    """One step of `LayerNormGRU`, for `keras.layers.RNN`; state h.

    Args:
        units: width of the state.
    """

    gates = 3
    states = 1

    def step(self, inputs: Any, states: Any, dropout_mask: Any = None) -> list[Any]:
        (h,) = states
        inner = self._state_matmul(h, dropout_mask)
        z, r = ops.unstack(ops.sigmoid(self._normalized(inputs[:, :2] + inner[:, :2], slice(0, 2))), axis=1)
        sums = inputs[:, 2:] + ops.expand_dims(r, 1) * inner[:, 2:]
        g = ops.tanh(self._normalized(sums, slice(2, 3)))[:, 0]
        return [z * h + (1 - z) * g]


class _LayerNormalized(keras.layers.RNN):
    """`keras.layers.RNN` with one of these cells; the inputs of all steps are multiplied by one matmul before the loop.

    Not a subclass of `keras.layers.LSTM` or `GRU`, because `Bidirectional` may run those with a fused kernel of the
    backend, which does not normalize.
    """

    cell_class: type[_Cell]

    def __init__(
        self,
        units: int,
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(self.cell_class(units, name="cell", dtype=kwargs.get("dtype")), **kwargs)
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        cell: Any = self.cell
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        h_mask = None
        # Variational dropout: one mask of the inputs and one of h for all steps (Gal and Ghahramani 2016,
        # arXiv:1512.05287).
        if training and self.dropout:
            sequences = sequences * dropout_mask(sequences[:, :1], self.dropout, self.seed_generator)
        if training and self.recurrent_dropout:
            h_mask = dropout_mask(initial_state[0], self.recurrent_dropout, self.seed_generator)

        inputs = [cell.matmul(ops.swapaxes(sequences, 0, 1), cell.kernel)]  # (T, batch, gates, units)
        if mask is not None:
            mask = ops.expand_dims(ops.cast(mask, "bool"), -1)
            inputs.append(ops.swapaxes(mask, 0, 1))  # (T, batch, 1)

        def step(states: Any, x_and_mask: Any) -> tuple[list[Any], list[Any]]:
            x, *step_mask = x_and_mask
            new_states = cell.step(x, states, h_mask)
            if step_mask:
                new_states = [ops.where(step_mask[0], new, old) for new, old in zip(new_states, states, strict=True)]
            return new_states, new_states  # on TensorFlow, `scan` requires outputs with the structure of the states

        states, steps = ops.scan(step, list(initial_state), inputs, reverse=self.go_backwards, unroll=self.unroll)
        outputs = ops.swapaxes(steps[0], 0, 1)
        if self.zero_output_for_mask and mask is not None:
            outputs = ops.where(mask, outputs, 0.0)
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=1)  # in reversed order, as in Keras
        return outputs[:, -1], outputs, states

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        return config | {
            "units": self.units,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**config)


@keras.saving.register_keras_serializable("passerelle")
class LayerNormLSTM(_LayerNormalized):
    """An LSTM with layer-normalized gates and the call signature of `keras.layers.LSTM`.

    i, f, o = sigmoid(n(x W + h U)); g = tanh(n(x W + h U)); c = f * c + i * g; h = o * tanh(c).
    Here n is the normalization with gain and bias, and each gate has its own columns of W and U, in Keras's order
    i f g o. The biases of the forget gate are initialized to 1, all others to 0.

    Source: Chen et al. 2018, arXiv:1804.09849, section 4 (RNMT+).

    Args:
        units: width of the states.
        dropout: dropout rate of the inputs; the same values are dropped at every step.
        recurrent_dropout: dropout rate of h where it is multiplied by U; the same values are dropped at every step and
            for every gate.
        seed: random seed of the dropout masks.
        **kwargs: keyword arguments of `keras.layers.RNN`, such as `return_sequences` or `go_backwards`.
    """

    cell_class = LayerNormLSTMCell


@keras.saving.register_keras_serializable("passerelle")
class LayerNormGRU(_LayerNormalized):
    """A GRU with layer-normalized gates and the call signature of `keras.layers.GRU`.

    z, r = sigmoid(n(x W + h U)); g = tanh(n(x W + r * (h U))); h = z * h + (1 - z) * g.
    Here n is the normalization with gain and bias, and each gate has its own columns of W and U, in Keras's order
    z r h. RNMT+ has no GRU; as in its LSTM, the sums are normalized, for the candidate g after the reset gate. Ba et
    al. (supplement) normalize x W and h U separately, so that h U counts as much as x W even if h is small.

    Args:
        units: width of the state.
        dropout: dropout rate of the inputs; the same values are dropped at every step.
        recurrent_dropout: dropout rate of h where it is multiplied by U; the same values are dropped at every step and
            for every gate.
        seed: random seed of the dropout masks.
        **kwargs: keyword arguments of `keras.layers.RNN`, such as `return_sequences` or `go_backwards`.
    """

    cell_class = LayerNormGRUCell
