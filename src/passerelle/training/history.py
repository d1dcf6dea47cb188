"""Results of training: per epoch, and the history of the entire run."""

from dataclasses import dataclass

__all__ = ["Epoch", "History", "Sample"]


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
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


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
class History:
    """Results of a training run.

    Attributes:
        epochs: all finished epochs.
        kept_epoch: number of the epoch whose weights the network now has; 0 if they are from within the first epoch.
        interrupted: whether Ctrl-C or another signal ended the run.
        diverged: whether an infinite or NaN loss ended the run.
        stopped: reason of the callback that ended the run; empty if none did.
    """

    epochs: tuple[Epoch, ...]
    kept_epoch: int
    interrupted: bool
    diverged: bool
    stopped: str = ""
