"""Recurrent layers by the name of their cell: Keras's own, with a faster loop where there is one."""

from typing import Any

import keras

from passerelle.layers.initializers import Constant, ForgetOpen, GlorotUniform, Orthogonal

__all__ = ["GRU", "LSTM", "STATE_NAMES", "recurrent_layer"]

STATE_NAMES = {"lstm": ("h", "c"), "gru": ("h",)}
"""A cell's states in Keras's order: h is what it says to the layers above, c what it keeps to itself."""

_Mixed: Any = object  # what comes next in the layer's line of classes: Keras's LSTM or GRU


class _FastLoop(_Mixed):
    """Mixed into a Keras layer: the same weights and results, through `kernels` where they serve.

    They serve on JAX, for the activations that Keras defaults to, without dropout between steps. Elsewhere Keras's
    own loop runs.

    Args:
        units: width of the states.
        products: dtype of the products inside the loop, `float32` or `bfloat16`; states and sums are float32 always.
            Keras's own loop takes no notice of it.
        one_hot: promises that the inputs are one-hot vectors or zeros, so that rows of the kernel can be looked up
            instead of multiplied.
    """

    def __init__(self, units: int, *, products: str = "float32", one_hot: bool = False, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.products = products
        self.one_hot = one_hot

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"products": self.products, "one_hot": self.one_hot}

    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        cell = self.cell
        standard = (
            keras.backend.backend() == "jax"
            and (cell.activation, cell.recurrent_activation) == (keras.activations.tanh, keras.activations.sigmoid)
            and cell.use_bias
            and getattr(cell, "reset_after", True)
            and not (self.unroll or self.recurrent_dropout or self.zero_output_for_mask)
        )
        if not standard:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        from passerelle.layers import kernels

        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        dropped = bool(training and self.dropout)
        if dropped:
            # One mask for all steps (Gal and Ghahramani 2016, arXiv:1512.05287), as Keras's own loop has it.
            sequences = sequences * keras.ops.expand_dims(cell.get_dropout_mask(sequences[:, 0, :]), 1)
        loop: Any = kernels.lstm_loop if len(initial_state) == 2 else kernels.gru_loop
        weights = [keras.ops.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        outputs, *states = loop(
            sequences,
            *initial_state,
            mask,
            *weights,
            reverse=self.go_backwards,
            products=self.products,
            one_hot=self.one_hot and not dropped,
        )
        return states[0], outputs, states


@keras.saving.register_keras_serializable("passerelle")
class LSTM(_FastLoop, keras.layers.LSTM):
    """`keras.layers.LSTM` with the loop of `kernels.lstm_loop`."""


@keras.saving.register_keras_serializable("passerelle")
class GRU(_FastLoop, keras.layers.GRU):
    """`keras.layers.GRU` with the loop of `kernels.gru_loop`."""


_LAYERS = {"lstm": LSTM, "gru": GRU}


def recurrent_layer(
    cell: str,
    units: int,
    *,
    dropout: float,
    products: str,
    one_hot: bool,
    name: str,
    bidirectional: bool = False,
    sequences: bool = True,
) -> Any:
    """A layer (batch, length, width), [initial states] -> sequence (batch, length, units), then final states.

    Args:
        cell: a key of `STATE_NAMES`.
        units: width of the sequence and of each state, per direction.
        dropout: share of the input's values dropped in training, the same ones at every step.
        products: dtype of the products inside the loop, `float32` or `bfloat16`.
        one_hot: promises that the inputs are one-hot vectors or zeros.
        name: of the layer.
        bidirectional: whether a second layer reads from the end: the sequence is twice as wide, and the states of
            the forward layer stand before those of the backward layer.
        sequences: whether the whole sequence is wanted, and not only its end, (batch, units).
    """
    layer = _LAYERS[cell](
        units,
        products=products,
        one_hot=one_hot,
        dropout=dropout,
        return_sequences=sequences,
        return_state=True,
        kernel_initializer=GlorotUniform(),
        recurrent_initializer=Orthogonal(),
        bias_initializer=ForgetOpen() if cell == "lstm" else Constant(),
        name=name,
        **({"unit_forget_bias": False} if cell == "lstm" else {}),
    )
    return keras.layers.Bidirectional(layer, name=name) if bidirectional else layer
