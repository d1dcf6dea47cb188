"""Recurrent layers with layer normalization inside of the cell (Ba et al. 2016, arXiv:1607.06450), gate by gate.

As in RNMT+ (Chen et al. 2018, arXiv:1804.09849, section 4) and its authors' code, Lingvo: for each gate, the sum of the
input's product and the state's is normalized over the units to mean 0 and variance 1, then multiplied by a learned
gain and added to a learned bias; the gate's sigmoid or tanh comes after. Ba et al. normalize the two products apart,
and an LSTM's c on its way out.
"""

from typing import Any

import keras

from passerelle.layers.dropout import dropout_mask
from passerelle.layers.initializers import Constant, ForgetOpen, GlorotUniform, Orthogonal
from passerelle.layers.matmul import matmul

__all__ = ["LayerNormGRU", "LayerNormGRUCell", "LayerNormLSTM", "LayerNormLSTMCell"]

ops: Any = keras.ops  # which declares no types of its own

EPSILON = 1e-5
"""Added to the variance, as in Ba et al.'s code: over learned vectors the first sums have a variance of about 1e-4,
which Keras's 1e-3 would outweigh."""


class _Cell(keras.layers.Layer):
    """The weights, and one step: (batch, width), states -> output (batch, units), states (batch, units) each.

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
        after = self.step(self.matmul(inputs, self.kernel), states)
        return after[0], after

    def step(self, inputs: Any, states: Any, kept: Any = None) -> list[Any]:
        """The states after a step.

        Args:
            inputs: float (batch, gates, units), the product of the inputs and the kernel.
            states: float (batch, units) each; h first.
            kept: float (batch, units), what h is multiplied by before its product; None for 1.
        """
        raise NotImplementedError

    def matmul(self, vectors: Any, weights: Any) -> Any:
        """float (..., width), (width, gates * units) -> (..., gates, units)."""
        return ops.reshape(matmul(vectors, weights), (*ops.shape(vectors)[:-1], self.gates, self.units))

    def _state_product(self, h: Any, kept: Any) -> Any:
        return self.matmul(h if kept is None else h * kept, self.recurrent_kernel)

    def _normalized(self, sums: Any, gates: slice) -> Any:
        """float (batch, these gates, units), normalized over the units, with their gains and biases."""
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

    def step(self, inputs: Any, states: Any, kept: Any = None) -> list[Any]:
        h, c = states
        i, f, g, o = ops.unstack(self._normalized(inputs + self._state_product(h, kept), slice(0, 4)), axis=1)
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

    def step(self, inputs: Any, states: Any, kept: Any = None) -> list[Any]:
        (h,) = states
        inner = self._state_product(h, kept)
        z, r = ops.unstack(ops.sigmoid(self._normalized(inputs[:, :2] + inner[:, :2], slice(0, 2))), axis=1)
        sums = inputs[:, 2:] + ops.expand_dims(r, 1) * inner[:, 2:]
        g = ops.tanh(self._normalized(sums, slice(2, 3)))[:, 0]
        return [z * h + (1 - z) * g]


class _LayerNormalized(keras.layers.RNN):
    """Keras's recurrent layer with one of these cells: the inputs' product is one product, outside of the loop.

    Not a subclass of `keras.layers.LSTM` or `GRU`: `Bidirectional` may run those by a fused kernel of the backend's,
    which knows no normalization.
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
        kept = None
        # One mask for all steps (Gal and Ghahramani 2016, arXiv:1512.05287), of the inputs and of h.
        if training and self.dropout:
            sequences = sequences * dropout_mask(sequences[:, :1], self.dropout, self.seed_generator)
        if training and self.recurrent_dropout:
            kept = dropout_mask(initial_state[0], self.recurrent_dropout, self.seed_generator)

        inputs = [cell.matmul(ops.swapaxes(sequences, 0, 1), cell.kernel)]  # (T, batch, gates, units)
        if mask is not None:
            mask = ops.expand_dims(ops.cast(mask, "bool"), -1)
            inputs.append(ops.swapaxes(mask, 0, 1))  # (T, batch, 1)

        def step(states: Any, given: Any) -> tuple[list[Any], list[Any]]:
            x, *real = given
            after = cell.step(x, states, kept)
            if real:
                after = [ops.where(real[0], new, old) for new, old in zip(after, states, strict=True)]
            return after, after  # on TensorFlow, `scan` wants each step's result shaped as the states

        states, steps = ops.scan(step, list(initial_state), inputs, reverse=self.go_backwards, unroll=self.unroll)
        outputs = ops.swapaxes(steps[0], 0, 1)
        if self.zero_output_for_mask and mask is not None:
            outputs = ops.where(mask, outputs, 0.0)
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=1)  # in the order of the steps, as in Keras
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
    """An LSTM whose gates are layer-normalized, called as `keras.layers.LSTM` is; gates in Keras's order i f g o.

    With n for the normalization, its gain and bias, and each gate's own columns of W and U:
    i, f, o = sigmoid(n(x W + h U)), g = tanh(n(x W + h U)); c = f * c + i * g; h = o * tanh(c).
    Of the biases, the forget gate's begin as 1, all others as 0. Source: as above, RNMT+.

    Args:
        units: width of the states.
        dropout: share of the input's values dropped in training, the same ones at every step.
        recurrent_dropout: share of h's values dropped in training where h meets U, the same ones at every step and
            for every gate.
        seed: of the dropout.
        kwargs: those of `keras.layers.RNN`: `return_sequences`, `return_state`, `go_backwards` and so on.
    """

    cell_class = LayerNormLSTMCell


@keras.saving.register_keras_serializable("passerelle")
class LayerNormGRU(_LayerNormalized):
    """A GRU whose gates are layer-normalized, called as `keras.layers.GRU` is; gates in Keras's order z r h.

    With n for the normalization, its gain and bias, and each gate's own columns of W and U:
    z, r = sigmoid(n(x W + h U)), g = tanh(n(x W + r * (h U))); h = z * h + (1 - z) * g.
    RNMT+ has no GRU; here too the sum is normalized, the candidate's after the reset gate has acted. Ba et al.
    (supplement) normalize x W and h U apart there, so that however small h is, its product counts as much as x's.

    Args:
        units: width of the state.
        dropout: share of the input's values dropped in training, the same ones at every step.
        recurrent_dropout: share of h's values dropped in training where h meets U, the same ones at every step and
            for every gate.
        seed: of the dropout.
        kwargs: those of `keras.layers.RNN`: `return_sequences`, `return_state`, `go_backwards` and so on.
    """

    cell_class = LayerNormGRUCell
