"""The results of training: one record an epoch, and the history of the whole run."""

from dataclasses import dataclass

__all__ = ["Epoch", "History", "Sample"]


@dataclass(frozen=True)
class Epoch:
    """The results of one pass over the training pairs. Losses are nats per token; padding is not counted.

    Attributes:
        number: from 1.
        loss: mean over the epoch, while the weights changed.
        accuracy: share of target tokens predicted correctly under teacher forcing, or from the decoder inputs of the
            settings.
        validation_loss: on the validation pairs, after the epoch; None without validation pairs.
        validation_accuracy: likewise.
        seconds: time spent in updates; validation is not counted.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Sample:
    """One validation source, translated after an epoch.

    Attributes:
        source: the text.
        translation: the output of the translator.
        reference: one correct translation.
    """

    source: str
    translation: str
    reference: str


@dataclass(frozen=True)
class History:
    """The results of a training run.

    Attributes:
        epochs: all finished epochs.
        kept: number of the epoch whose weights the network now holds; 0 for weights from within the first epoch.
        interrupted: whether Ctrl-C ended the run.
        diverged: whether an infinite or undefined loss ended the run.
        stopped: the reason given by the callback that ended the run; empty if none did.
    """

    epochs: tuple[Epoch, ...]
    kept: int
    interrupted: bool
    diverged: bool
    stopped: str = ""
