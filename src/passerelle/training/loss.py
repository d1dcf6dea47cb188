"""Cross-entropy over real tokens."""

import math
from collections.abc import Mapping
from typing import Any

from keras import ops

__all__ = ["cross_entropy_sums", "network_sums"]


def cross_entropy_sums(
    logits: Any, labels: Any, *, first: int, smoothing: float = 0.0, ordinary: int | None = None
) -> tuple[Any, Any, Any]:
    """Sums of loss, tokens and right answers over a batch; their quotients are means over any number of batches.

    A label without a column, PAD always and UNK where the network has none for it, weighs nothing: it is neither in
    the loss nor in the count, so padding changes no figure. A label beyond the last column makes the loss NaN.

    Args:
        logits: float (batch, T, columns).
        labels: int (batch, T), target ids.
        first: the id of column 0.
        smoothing: share of each label spread evenly over all ordinary columns (Szegedy et al. 2016,
            arXiv:1512.00567, section 7).
        ordinary: how many columns stand for tokens of the vocabulary; the others, for copied ones, come after.

    Returns:
        loss: float32 (), nats.
        tokens: float32 (), labels that counted.
        correct: float32 (), of those, the ones whose column has the largest logit, if only as large as another.
    """
    columns = labels - first
    weights = ops.cast(columns >= 0, "float32")
    logits = ops.cast(logits, "float32")
    # A comparison fused into the sum: no gather whose gradient scatters, no one-hot array in memory.
    hit = ops.equal(ops.expand_dims(columns, -1), ops.arange(logits.shape[-1], dtype=columns.dtype))
    labelled: Any = ops.sum(ops.where(hit, logits, 0.0), axis=-1)
    others: Any = ops.max(ops.where(hit, -math.inf, logits), axis=-1)
    highest: Any = ops.stop_gradient(ops.where(columns >= 0, ops.maximum(others, labelled), others))
    # `logsumexp` by hand: Keras's minds infinities, which takes twice as long to compile.
    normalizer: Any = highest + ops.log(ops.sum(ops.exp(logits - ops.expand_dims(highest, -1)), axis=-1))
    loss: Any = normalizer - labelled
    if smoothing:
        loss = (1.0 - smoothing) * loss + smoothing * (normalizer - ops.mean(logits[..., :ordinary], axis=-1))
    # A label beyond the columns is somebody's mistake, and must not pass for an easy one.
    loss = ops.where(columns < logits.shape[-1], loss, float("nan"))
    correct: Any = ops.cast(labelled >= others, "float32")  # sooner than `argmax`
    return ops.sum(loss * weights), ops.sum(weights), ops.sum(correct * weights)


def network_sums(
    network: Any, logits: Any, labels: Mapping[str, Any], *, smoothing: float = 0.0
) -> tuple[Any, Any, Any]:
    """Sums over all outputs of a network; see `cross_entropy_sums`.

    Args:
        network: `by_output` gives the logits of each output by name, `steppers[name]` its `first`, the id of column 0,
            and `size`, the number of its ids.
        logits: as the network returns them.
        labels: int (batch, T) by output.
        smoothing: see `cross_entropy_sums`.
    """
    sums = [
        cross_entropy_sums(
            own,
            labels[name],
            first=network.steppers[name].first,
            smoothing=smoothing,
            ordinary=network.steppers[name].size - network.steppers[name].first,
        )
        for name, own in network.by_output(logits).items()
    ]
    loss, tokens, correct = (sum(parts[1:], parts[0]) for parts in zip(*sums, strict=True))
    return loss, tokens, correct
