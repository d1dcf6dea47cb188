"""Results of training: per epoch, and the history of the entire run."""

import math
from dataclasses import dataclass

__all__ = ["WEIGHTS", "Epoch", "History", "Sample", "Translations", "criterion"]

WEIGHTS = ("raw", "ema", "average")
"""Kinds of weights: as the last update left them; the exponential moving average; the average of the last epochs."""


@dataclass(frozen=True)
class Epoch:
    """Results of one epoch. Losses are in nats per token; padding is not counted.

    Attributes:
        number: number of the epoch, from 1.
        loss: mean training loss over the updates of the epoch.
        accuracy: share of target tokens predicted correctly in training, with the decoder inputs that the settings
            choose.
        validation_loss: loss on the validation pairs after the epoch; None without validation pairs.
        validation_accuracy: accuracy on the validation pairs under teacher forcing; None without validation pairs. Both
            accuracies are 0 for numbers.
        seconds: training time of the epoch, validation excluded.
        chrf: chrF of greedy translations of a sample of validation sources, 0 to 100; None if none were translated.
        exact_match: share of these translations that are identical to a reference, in percent.
        skipped: number of updates that were skipped because their gradients were not finite.
        weights: the weights that were validated and may be kept, one of `WEIGHTS`: the best ones by the metric.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    chrf: float | None = None
    exact_match: float | None = None
    skipped: int = 0
    weights: str = "raw"


def criterion(epoch: Epoch, metric: str) -> float:
    """Return the value by which epochs are compared; the lowest is the best.

    Args:
        epoch: results of an epoch.
        metric: `loss`, the validation loss, or the training loss without validation pairs; `chrf` or `exact`, of which
            the distance from 100 counts.
    """
    if metric == "loss":
        return epoch.loss if epoch.validation_loss is None else epoch.validation_loss
    score = epoch.chrf if metric == "chrf" else epoch.exact_match
    return math.nan if score is None else 100.0 - score


@dataclass(frozen=True)
class Sample:
    """Translation of one validation source after an epoch.

    Attributes:
        source: source text.
        translation: output of the translator.
        reference: a correct translation.
    """

    source: str
    translation: str
    reference: str


@dataclass(frozen=True)
class Translations:
    """Greedy translations of a sample of validation sources.

    Attributes:
        chrf: corpus chrF, 0 to 100.
        exact_match: share of translations that are identical to a reference, in percent.
        samples: the translations, each with one of its references.
    """

    chrf: float
    exact_match: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class History:
    """Results of a training run.

    Attributes:
        epochs: all finished epochs.
        kept_epoch: number of the epoch whose weights the network now has; 0 if they are from within the first epoch.
        interrupted: whether Ctrl-C or another signal ended the run.
        diverged: whether infinite or NaN gradients or losses ended the run.
        stopped: reason of the callback that ended the run; empty if none did.
    """

    epochs: tuple[Epoch, ...]
    kept_epoch: int
    interrupted: bool
    diverged: bool
    stopped: str = ""
