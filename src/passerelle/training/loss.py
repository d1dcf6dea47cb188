"""Cross-entropy loss and accuracy over tokens, without padding."""

import math
from collections.abc import Mapping
from typing import Any

from keras import ops

__all__ = ["cross_entropy_sums", "network_sums"]


def cross_entropy_sums(
    logits: Any, labels: Any, *, first: int, smoothing: float = 0.0, vocabulary_columns: int | None = None
) -> tuple[Any, Any, Any]:
    """Return the sums of loss, tokens and correct predictions of a batch.

    Sums over any number of batches can be added and then divided to give means. Labels without a column are ignored,
    in the loss and in the token count: PAD always, UNK if the network has no column for it. So padding changes no
    result. A label beyond the last column makes the loss NaN.

    Args:
        logits: float (batch, T, columns).
        labels: int (batch, T), target ids.
        first: id of column 0.
        smoothing: share of each label that is spread evenly over all vocabulary columns (label smoothing, Szegedy et
            al. 2016, arXiv:1512.00567, section 7).
        vocabulary_columns: number of columns for tokens of the vocabulary; columns for copied tokens follow. None
            means all columns.

    Returns:
        loss: float32 (), nats.
        tokens: float32 (), number of labels that are not ignored.
        correct: float32 (), number of these whose column has the largest logit; a tie counts as correct.
    """
    columns = labels - first
    weights = ops.cast(columns >= 0, "float32")
    logits = ops.cast(logits, "float32")
    # A comparison fuses with the sum. A gather would need a scatter in its gradient; a one-hot array would use memory.
    is_label = ops.equal(ops.expand_dims(columns, -1), ops.arange(logits.shape[-1], dtype=columns.dtype))
    label_logit: Any = ops.sum(ops.where(is_label, logits, 0.0), axis=-1)
    largest_other: Any = ops.max(ops.where(is_label, -math.inf, logits), axis=-1)
    largest: Any = ops.where(columns >= 0, ops.maximum(largest_other, label_logit), largest_other)
    largest = ops.stop_gradient(largest)
    # Not `ops.logsumexp`: it also handles infinite logits, which doubles the compile time.
    log_normalizer: Any = largest + ops.log(ops.sum(ops.exp(logits - ops.expand_dims(largest, -1)), axis=-1))
    loss: Any = log_normalizer - label_logit
    if smoothing:
        uniform = log_normalizer - ops.mean(logits[..., :vocabulary_columns], axis=-1)
        loss = (1.0 - smoothing) * loss + smoothing * uniform
    # No column matches a label beyond the last one, so its loss would look small: NaN makes the mistake visible.
    loss = ops.where(columns < logits.shape[-1], loss, float("nan"))
    correct: Any = ops.cast(label_logit >= largest_other, "float32")  # faster than `argmax`
    return ops.sum(loss * weights), ops.sum(weights), ops.sum(correct * weights)


def network_sums(
    network: Any, logits: Any, labels: Mapping[str, Any], *, smoothing: float = 0.0
) -> tuple[Any, Any, Any]:
    """Return the sums of loss, tokens and correct predictions over all outputs; see `cross_entropy_sums`.

    Args:
        network: `by_output(logits)` returns the logits of each output by name; `steppers[name]` has `first`, the id of
            column 0, and `size`, the number of ids.
        logits: output of the training model.
        labels: int (batch, T) for each output, by name.
        smoothing: see `cross_entropy_sums`.
    """
    sums = [
        cross_entropy_sums(
            output_logits,
            labels[name],
            first=network.steppers[name].first,
            smoothing=smoothing,
            vocabulary_columns=network.steppers[name].size - network.steppers[name].first,
        )
        for name, output_logits in network.by_output(logits).items()
    ]
    loss, tokens, correct = (sum(parts[1:], parts[0]) for parts in zip(*sums, strict=True))
    return loss, tokens, correct
