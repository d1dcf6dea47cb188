"""Results of training: of each interval between two validations, and the history of the entire run."""

import math
from dataclasses import dataclass

__all__ = ["WEIGHTS", "History", "Interval", "Sample", "Translations", "criterion"]

WEIGHTS = ("raw", "ema", "average")
"""Kinds of weights: as the last update left them; the exponential moving average; the average of the last intervals."""


@dataclass(frozen=True)
class Interval:
    """Results of one interval: the updates between two validations, which are an epoch or `training.validate_every`.

    Losses are in nats per token; padding is not counted.

    Attributes:
        number: number of the interval, from 1. If each epoch is an interval, it is the number of the epoch.
        loss: mean training loss over the updates of the interval.
        accuracy: share of target tokens predicted correctly in training, with the decoder inputs that the settings
            choose.
        validation_loss: loss on the validation pairs after the interval; None without validation pairs.
        validation_accuracy: accuracy on the validation pairs under teacher forcing; None without validation pairs. Both
            accuracies are 0 for numbers.
        seconds: training time of the interval, validation excluded.
        chrf: chrF of greedy translations of a sample of validation sources, 0 to 100; None if none were translated.
        exact_match: share of these translations that are identical to a reference, in percent.
        skipped: number of updates that were skipped because their gradients were not finite.
        weights: the weights that were validated and may be kept, one of `WEIGHTS`: the best ones by the metric.
        epoch: number of the epoch in which the interval ended, from 1.
        updates: number of updates of the run at the end of the interval.
        tokens: number of target tokens in the updates of the interval, or of steps of numbers; with several outputs,
            weighted as in the loss.
        validation_perplexity: exp of the validation loss; None without validation pairs, or if an output is numbers.
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
    epoch: int = 0
    updates: int = 0
    tokens: float = 0.0
    validation_perplexity: float | None = None


def criterion(interval: Interval, metric: str) -> float:
    """Return the value by which intervals are compared; the lowest is the best.

    Args:
        interval: results of an interval.
        metric: `loss`, the validation loss, or the training loss without validation pairs; `chrf` or `exact`, of which
            the distance from 100 counts.
    """
    if metric == "loss":
        return interval.loss if interval.validation_loss is None else interval.validation_loss
    score = interval.chrf if metric == "chrf" else interval.exact_match
    return math.nan if score is None else 100.0 - score


@dataclass(frozen=True)
class Sample:
    """Translation of one validation source after an interval.

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
        intervals: all finished intervals.
        kept_interval: number of the interval after which the network had the weights that it has now; 0 if they are
            from within the first interval.
        interrupted: whether Ctrl-C or another signal ended the run.
        diverged: whether infinite or NaN gradients or losses ended the run.
        stopped: reason of the callback that ended the run; empty if none did.
    """

    intervals: tuple[Interval, ...]
    kept_interval: int
    interrupted: bool
    diverged: bool
    stopped: str = ""

    @property
    def kept_epoch(self) -> int:
        """Number of the epoch in which the kept interval ended; 0 if none was kept."""
        return next((each.epoch for each in self.intervals if each.number == self.kept_interval), 0)
