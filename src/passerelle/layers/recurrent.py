"""LSTM and GRU layers: subclasses of Keras's layers that run a faster loop where one is available."""

from functools import partial
from typing import Any

import keras

from passerelle.layers.dropout import dropout_mask
from passerelle.layers.fused import fused_layer
from passerelle.layers.initializers import Constant, ForgetOpen, GlorotUniform, Orthogonal
from passerelle.layers.normalized import LayerNormGRU, LayerNormLSTM

__all__ = ["GRU", "LSTM", "STATE_NAMES", "recurrent_layer"]

STATE_NAMES = {"lstm": ("h", "c"), "gru": ("h",)}
"""The states of each cell, in Keras's order: the hidden state h, which is the output, and the cell state c."""

_KerasLayer: Any = object  # typed as Any; in the subclasses, `super()` is Keras's LSTM or GRU


class _FastLoop(_KerasLayer):
    """Mixin for Keras's LSTM and GRU: runs a faster loop with the same weights and results, where there is one.

    The faster loops support only Keras's default activations. `fused` runs on PyTorch and, for an LSTM, on a GPU under
    JAX, if the mask is right-padded and neither recurrent dropout nor `bfloat16` is used. Otherwise `kernels` runs on
    JAX. In all other cases Keras's own loop runs.

    Recurrent dropout differs: `kernels` uses the same mask for all gates (tied weights in Gal and Ghahramani 2016,
    arXiv:1512.05287), Keras a separate mask for each gate.

    Args:
        units: width of the states.
        recurrent_dtype: dtype of the recurrent matmul, `float32` or `bfloat16`; states and sums are always float32.
            Only `kernels` supports `bfloat16`.
        one_hot: promises that the inputs are one-hot vectors or zeros, so that rows of the kernel can be looked up
            instead of multiplied.
        right_padded: promises that in every row of a mask no True follows a False, which `fused` requires.
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
        return super().get_config() | {
            "recurrent_dtype": self.recurrent_dtype,
            "one_hot": self.one_hot,
            "right_padded": self.right_padded,
        }

    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        cell = self.cell
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        loop = self._loop(sequences, initial_state, mask, training)
        if loop is None:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        if training and self.dropout:
            # One mask for all steps (Gal and Ghahramani 2016, arXiv:1512.05287), as in Keras's own loop.
            sequences = sequences * dropout_mask(sequences[:, :1], self.dropout, cell.seed_generator)
        weights = [keras.ops.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        outputs, *states = loop(sequences, *initial_state, mask, *weights, reverse=self.go_backwards)
        last = states[0]
        if self.zero_output_for_mask and mask is not None:  # `Bidirectional` sets this
            order = keras.ops.flip(mask, axis=1) if self.go_backwards else mask
            outputs: Any = keras.ops.where(keras.ops.expand_dims(order, -1), outputs, 0.0)
            last = outputs[:, -1]
        return last, outputs, states

    def _loop(self: Any, sequences: Any, states: Any, mask: Any, training: bool) -> Any:
        """Return a function with the signature of `kernels.lstm_loop`, or None for Keras's own loop."""
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
            fused = fused_layer("lstm" if len(states) == 2 else "gru", sequences)
            if fused is not None:
                return fused
        if keras.backend.backend() != "jax":
            return None
        from passerelle.layers import kernels

        return partial(
            kernels.lstm_loop if len(states) == 2 else kernels.gru_loop,
            dropout_mask=dropout_mask(states[0], self.recurrent_dropout, cell.seed_generator) if dropped else None,
            recurrent_dtype=self.recurrent_dtype,
            one_hot=self.one_hot and not (training and self.dropout),
        )


@keras.saving.register_keras_serializable("passerelle")
class LSTM(_FastLoop, keras.layers.LSTM):
    """`keras.layers.LSTM` with a faster loop."""


@keras.saving.register_keras_serializable("passerelle")
class GRU(_FastLoop, keras.layers.GRU):
    """`keras.layers.GRU` with a faster loop."""


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
    """Return a recurrent layer: (batch, length, width), initial states -> outputs (batch, length, units), final states.

    The sequences must be right-padded: in every row of the mask no True follows a False.

    Args:
        cell: a key of `STATE_NAMES`.
        units: width of the outputs and of each state, per direction.
        dropout: dropout rate of the inputs; the same values are dropped at every step.
        recurrent_dtype: dtype of the recurrent matmul, `float32` or `bfloat16`.
        one_hot: promises that the inputs are one-hot vectors or zeros.
        name: name of the layer.
        recurrent_dropout: dropout rate of h where it is multiplied by the recurrent weights; the same values are
            dropped at every step.
        layer_norm: whether to use the layers of `normalized`, which ignore `recurrent_dtype` and `one_hot`.
        bidirectional: whether to add a layer for the backward direction. The outputs are then twice as wide, and the
            states of the forward layer come before those of the backward layer.
        sequences: whether to return the outputs of all steps (`return_sequences` in Keras); otherwise only the last
            output, (batch, units).
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
