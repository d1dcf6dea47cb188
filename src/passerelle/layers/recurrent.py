"""Recurrent layers by the name of their cell: Keras's own, with a faster loop where there is one."""

from functools import partial
from typing import Any

import keras

from passerelle.layers.dropout import dropout_mask
from passerelle.layers.fused import native_layer
from passerelle.layers.initializers import Constant, ForgetOpen, GlorotUniform, Orthogonal
from passerelle.layers.normalized import LayerNormGRU, LayerNormLSTM

__all__ = ["GRU", "LSTM", "STATE_NAMES", "recurrent_layer"]

STATE_NAMES = {"lstm": ("h", "c"), "gru": ("h",)}
"""A cell's states in Keras's order: h is what it says to the layers above, c what it keeps to itself."""

_Mixed: Any = object  # what comes next in the layer's line of classes: Keras's LSTM or GRU


class _FastLoop(_Mixed):
    """Mixed into a Keras layer: the same weights and results, through `kernels` or `fused` where they serve.

    They serve for the activations that Keras defaults to: a library's own layer on PyTorch and, for LSTM, on a GPU
    under JAX; `kernels` elsewhere on JAX. Else Keras's own loop runs. Between steps, `kernels` drops the same of h's
    values for every gate (Gal and Ghahramani 2016, arXiv:1512.05287, tied weights); Keras's loop draws anew for each.

    Args:
        units: width of the states.
        recurrent_dtype: dtype of the products inside the loop, `float32` or `bfloat16`; states and sums are always
            float32. Only `kernels` uses it.
        one_hot: promises that the inputs are one-hot vectors or zeros, so that rows of the kernel can be looked up
            instead of multiplied.
        right_padded: promises that every mask is True for the first tokens of each row and no others, which a
            library's own layer needs.
    """

    def __init__(
        self,
        units: int,
        *,
        recurrent_dtype: str = "float32",
        one_hot: bool = False,
        right_padded: bool = False,
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self.recurrent_dtype = recurrent_dtype
        self.one_hot = one_hot
        self.right_padded = right_padded

    def get_config(self) -> dict[str, Any]:
        own = {"recurrent_dtype": self.recurrent_dtype, "one_hot": self.one_hot, "right_padded": self.right_padded}
        return super().get_config() | own

    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        cell = self.cell
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        loop = self._loop(sequences, initial_state, mask, training)
        if loop is None:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        if training and self.dropout:
            # One mask for all steps (Gal and Ghahramani 2016, arXiv:1512.05287), as Keras's own loop has it.
            sequences = sequences * dropout_mask(sequences[:, :1], self.dropout, cell.seed_generator)
        weights = [keras.ops.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        outputs, *states = loop(sequences, *initial_state, mask, *weights, reverse=self.go_backwards)
        last = states[0]
        if self.zero_output_for_mask and mask is not None:  # as `Bidirectional` asks of layers that give sequences
            order = keras.ops.flip(mask, axis=1) if self.go_backwards else mask
            outputs: Any = keras.ops.where(keras.ops.expand_dims(order, -1), outputs, 0.0)
            last = outputs[:, -1]
        return last, outputs, states

    def _loop(self: Any, sequences: Any, states: Any, mask: Any, training: bool) -> Any:
        """What runs the layer, called as `kernels.lstm_loop` is; None for Keras's own loop."""
        cell = self.cell
        standard = (
            (cell.activation, cell.recurrent_activation) == (keras.activations.tanh, keras.activations.sigmoid)
            and cell.use_bias
            and getattr(cell, "reset_after", True)
            and not self.unroll
        )
        if not standard:
            return None
        dropped = bool(training and self.recurrent_dropout)
        if self.recurrent_dtype == "float32" and not dropped and (self.right_padded or mask is None):
            native = native_layer("lstm" if len(states) == 2 else "gru", sequences)
            if native is not None:
                return native
        if keras.backend.backend() != "jax":
            return None
        from passerelle.layers import kernels

        return partial(
            kernels.lstm_loop if len(states) == 2 else kernels.gru_loop,
            kept=dropout_mask(states[0], self.recurrent_dropout, cell.seed_generator) if dropped else None,
            recurrent_dtype=self.recurrent_dtype,
            one_hot=self.one_hot and not (training and self.dropout),
        )


@keras.saving.register_keras_serializable("passerelle")
class LSTM(_FastLoop, keras.layers.LSTM):
    """`keras.layers.LSTM` with the loop of `kernels.lstm_loop`."""


@keras.saving.register_keras_serializable("passerelle")
class GRU(_FastLoop, keras.layers.GRU):
    """`keras.layers.GRU` with the loop of `kernels.gru_loop`."""


_LAYERS = {"lstm": LSTM, "gru": GRU}
_NORMALIZED = {"lstm": LayerNormLSTM, "gru": LayerNormGRU}


def recurrent_layer(
    cell: str,
    units: int,
    *,
    dropout: float,
    recurrent_dtype: str,
    one_hot: bool,
    name: str,
    recurrent_dropout: float = 0.0,
    layer_norm: bool = False,
    bidirectional: bool = False,
    sequences: bool = True,
) -> Any:
    """A layer (batch, length, width), [initial states] -> sequence (batch, length, units), then final states.

    Its mask must be True for the first tokens of each row and no others.

    Args:
        cell: a key of `STATE_NAMES`.
        units: width of the sequence and of each state, per direction.
        dropout: share of the input's values dropped in training, the same ones at every step.
        recurrent_dtype: dtype of the products inside the loop, `float32` or `bfloat16`.
        one_hot: promises that the inputs are one-hot vectors or zeros.
        name: of the layer.
        recurrent_dropout: share of h's values dropped in training where h is multiplied by the recurrent weights, the
            same ones at every step.
        layer_norm: whether each gate is layer-normalized, as `normalized` says; `recurrent_dtype` and `one_hot` then
            change nothing.
        bidirectional: whether a second layer reads from the end: the sequence is twice as wide, and the states of
            the forward layer stand before those of the backward layer.
        sequences: whether the whole sequence is wanted, and not only its end, (batch, units).
    """
    common: dict[str, Any] = {
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "return_sequences": sequences,
        "return_state": True,
        "name": name,
    }
    if layer_norm:
        layer = _NORMALIZED[cell](units, **common)
    else:
        layer = _LAYERS[cell](
            units,
            recurrent_dtype=recurrent_dtype,
            one_hot=one_hot,
            right_padded=True,
            kernel_initializer=GlorotUniform(),
            recurrent_initializer=Orthogonal(),
            bias_initializer=ForgetOpen() if cell == "lstm" else Constant(),
            **common,
            **({"unit_forget_bias": False} if cell == "lstm" else {}),
        )
    return keras.layers.Bidirectional(layer, name=name) if bidirectional else layer
