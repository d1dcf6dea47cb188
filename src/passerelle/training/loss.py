"""Loss and accuracy over tokens and numbers, without padding."""

import math
from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.number_head import QUANTILES
from passerelle.models.stepper import NumberStepper

__all__ = ["cross_entropy_sums", "network_sums", "number_sums", "output_weights"]


def output_weights(tokens_per_target: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of each token of each output.

    It is inversely proportional to the mean length of the output's targets. So with equal `weights`, the targets of
    each output have the same influence on average, and a missing target has none. Tokens of the first output that has
    targets have its own weight.

    Args:
        tokens_per_target: mean number of tokens of the targets by output, see `Batches.tokens_per_target`.
        weights: relative weight of outputs by name; 1 for others.
    """
    first = next((tokens for tokens in tokens_per_target.values() if tokens), 1.0)
    return {
        name: weights.get(name, 1.0) * (first / tokens if tokens else 1.0) for name, tokens in tokens_per_target.items()
    }


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
    network: Any,
    logits: Any,
    labels: Mapping[str, Any],
    *,
    smoothing: float = 0.0,
    weights: Mapping[str, float] | None = None,
) -> tuple[Any, Any, Any]:
    """Return the weighted sums of loss, tokens and correct predictions over all outputs; see `cross_entropy_sums`.

    Numbers are neither correct nor wrong. If only some of the outputs are texts, the share of correct tokens is theirs.

    Args:
        network: `by_output(logits)` returns the logits of each output by name, and `steppers` its `Stepper`.
        logits: output of the training model.
        labels: int (batch, T), or float (batch, T, width) for numbers, for each output, by name.
        smoothing: see `cross_entropy_sums`.
        weights: the weight of each output, see `output_weights`; None for weights of 1.
    """
    sums = {
        name: [
            part if weights is None or weights[name] == 1.0 else part * weights[name]
            for part in _output_sums(network.steppers[name], output_logits, labels[name], smoothing)
        ]
        for name, output_logits in network.by_output(logits).items()
    }
    loss, tokens, correct = (sum(parts[1:], parts[0]) for parts in zip(*sums.values(), strict=True))
    of_texts = [own[1] for name, own in sums.items() if not isinstance(network.steppers[name], NumberStepper)]
    if 0 < len(of_texts) < len(sums):
        text_tokens: Any = sum(of_texts[1:], of_texts[0])
        correct = ops.where(text_tokens > 0, correct * tokens / text_tokens, 0.0)
    return loss, tokens, correct


def _output_sums(stepper: Any, logits: Any, labels: Any, smoothing: float) -> tuple[Any, Any, Any]:
    if isinstance(stepper, NumberStepper):
        return number_sums(logits, labels, stepper.settings.decoder.head)
    return cross_entropy_sums(
        logits,
        labels,
        first=stepper.first,
        smoothing=smoothing,
        vocabulary_columns=stepper.size - stepper.first,
    )


def number_sums(parameters: Any, labels: Any, head: str) -> tuple[Any, Any, Any]:
    """Return the sums of loss and steps of a batch of numbers, and 0 for correct predictions.

    The loss of a step is the mean over its columns, in scaled units: the squared error (`mean`), the absolute error
    (`median`), twice the mean pinball loss over `QUANTILES` (`quantiles`), or the negative log likelihood in nats
    (`student-t`).

    Args:
        parameters: float (batch, T, columns * P), see `layers.number_head.NumberHead`.
        labels: float (batch, T, columns + 1); the last column is 1 at steps and 0 at padding.
        head: a value of the setting `network.decoder.head`.
    """
    weights, numbers = ops.cast(labels[..., -1], "float32"), labels[..., :-1, None]
    parameters = ops.reshape(ops.cast(parameters, "float32"), (*numbers.shape[:-1], -1))
    loss: Any = ops.mean(_number_loss(parameters, numbers, head), axis=(-2, -1))
    return ops.sum(loss * weights), ops.sum(weights), ops.zeros((), "float32")


def _number_loss(parameters: Any, numbers: Any, head: str) -> Any:
    """float (batch, T, columns, P), float (batch, T, columns, 1) -> float (batch, T, columns, losses)."""
    if head == "student-t":
        return _student_t_loss(parameters, numbers)
    error: Any = numbers - parameters
    if head == "mean":
        return ops.square(error)
    if head == "median":
        return ops.abs(error)
    levels: Any = ops.convert_to_tensor(QUANTILES, "float32")
    pinball: Any = ops.maximum(levels * error, (levels - 1.0) * error)
    return 2.0 * pinball


def _student_t_loss(parameters: Any, numbers: Any) -> Any:
    location, scale, freedom = (parameters[..., index : index + 1] for index in range(3))
    half: Any = (freedom + 1.0) / 2.0
    squared: Any = ops.square((numbers - location) / scale) / freedom
    log_width: Any = ops.log(math.pi * freedom)
    normalizer: Any = _log_gamma(freedom / 2.0) - _log_gamma(half) + 0.5 * log_width
    return normalizer + ops.log(scale) + half * ops.log1p(squared)


def _log_gamma(x: Any) -> Any:
    """Return log gamma(x) for x of at least 1, to an absolute error below 1e-6 (Stirling's series after a shift).

    Keras has no such function for all backends.
    """
    shifted: Any = x + 4.0
    product = x * (x + 1.0) * (x + 2.0) * (x + 3.0)
    inverse: Any = 1.0 / shifted
    series = inverse / 12.0 - inverse**3 / 360.0 + inverse**5 / 1260.0
    return (shifted - 0.5) * ops.log(shifted) - shifted + 0.5 * math.log(2.0 * math.pi) + series - ops.log(product)
