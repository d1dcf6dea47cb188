"""Attention: each decoder step looks at all of the source and takes what it needs."""

import math
from typing import Any

import keras
from keras import ops

__all__ = ["GeneralAttention"]


@keras.saving.register_keras_serializable("passerelle")
class GeneralAttention(keras.layers.Layer):
    """Luong's general attention (Luong et al. 2015, arXiv:1508.04025, section 3.1), for all steps at once.

    A query is compared with every key by a product; the shares that come of it weigh the values. The product is
    scaled by the root of its width, which Luong does not do, so that wide queries learn as easily as narrow ones.
    Keys are values through a matrix of their own, made once a source by the encoder. The layer has no weights.
    """

    def call(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        """Looks.

        Args:
            queries: float (batch, T, width).
            keys: float (batch, S, width).
            values: float (batch, S, value_width).
            mask: bool (batch, S), True where a source symbol stands.

        Returns:
            context: float (batch, T, value_width).
            weights: float (batch, T, S), sums of 1 over the source, 0 on padding.
        """
        queries = queries / math.sqrt(queries.shape[-1])
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        mask = ops.expand_dims(mask, 1)
        # Finite, so that a row without any symbol gives numbers; the second step makes its weights 0.
        weights = ops.softmax(ops.where(mask, scores, -1e9), axis=-1)
        weights = ops.where(mask, weights, 0.0)
        return ops.matmul(weights, values), weights

    def compute_output_spec(self, queries: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
        batch, length, _ = queries.shape
        return (
            keras.KerasTensor((batch, length, values.shape[-1]), dtype=self.compute_dtype),
            keras.KerasTensor((batch, length, keys.shape[1]), dtype=self.compute_dtype),
        )
