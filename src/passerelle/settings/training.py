"""Settings of training."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_EPOCHS", "TrainingSettings"]

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

MAX_EPOCHS = 100_000
"""Maximum number of epochs."""


class TrainingSettings(Section):
    """Training."""

    group: ClassVar[str] = "Training"

    epochs: int = setting(30, "Maximum number of passes over the training pairs.", option=True, ge=1, le=MAX_EPOCHS)
    minutes: float = setting(
        0.0,
        "Time limit in minutes, which may end training within an epoch; 0 means no limit.",
        option=True,
        ge=0.0,
        le=1_000_000.0,
    )
    batch_size: int = setting(
        64, "Number of pairs, or of tokens (batch_type), in one update.", option=True, ge=1, le=65_536
    )
    batch_type: Literal["pair", "token"] = setting(
        "pair",
        "Unit of batch_size: pairs, or tokens of source and target together, padding included, so that batches of "
        "short texts have more pairs.",
    )
    optimizer: Literal["adam", "adamw", "adagrad", "lion", "muon", "nadam", "rmsprop", "sgd"] = setting(
        "adam", "Keras optimizer. muon learns more from each pass and takes longer.", option=True
    )
    learning_rate: float = setting(0.001, "Maximum learning rate.", option=True, gt=0.0, le=10.0)
    schedule: Literal["constant", "cosine"] = setting(
        "constant",
        "Learning rate schedule: constant, or cosine decay to almost 0 over all epochs or minutes after a short "
        "warm-up.",
    )
    clip: float = setting(0.0, "Maximum global norm of the gradients; 0 turns clipping off.", ge=0.0)
    # Szegedy et al. 2016.
    label_smoothing: Rate = setting(0.0, "Share of each label spread over all tokens (arXiv:1512.00567).")
    # Bengio et al. 2015, by inverse sigmoid.
    decoder_inputs: Literal["teacher_forcing", "scheduled_sampling", "free_running"] = setting(
        "teacher_forcing",
        "Tokens that the decoder reads in training: the correct ones (teacher_forcing); more and more of its own "
        "predictions (scheduled_sampling, arXiv:1506.03099); or only its own (free_running). The last two cost one "
        "search per update.",
    )
    scheduled_sampling_k: float = setting(
        5.0,
        "Speed of scheduled sampling: the share of correct tokens is k / (k + exp(epoch / k)).",
        gt=0.0,
        le=100_000.0,
    )
    copy_masking: Rate = setting(
        0.1,
        "For a copying network, share of the tokens found on both sides of a pair that are replaced by the unknown "
        "token in training, so that it learns to copy unknown tokens.",
    )
    frozen_epochs: int = setting(
        MAX_EPOCHS,
        "Number of epochs before pretrained word vectors are trained too; 0 trains them from the start. By default "
        "they never change.",
        option=True,
        ge=0,
        le=MAX_EPOCHS,
    )
    keep: Literal["best", "last"] = setting(
        "best", "Weights to keep: those of the epoch with the best validation loss, or of the last epoch."
    )
    patience: int = setting(
        0, "Number of epochs without a better validation loss after which training ends; 0 never ends early.", ge=0
    )
    seed: int = setting(
        1,
        "Random seed of initial weights, dropout, the validation split and the order of batches.",
        option=True,
        ge=0,
        lt=2**31,
    )
