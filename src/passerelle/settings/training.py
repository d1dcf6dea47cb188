"""Settings of training."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_EPOCHS", "TrainingSettings"]

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

MAX_EPOCHS = 100_000
"""Upper bound of `epochs`."""


class TrainingSettings(Section):
    """Training: optimizer, learning rate, loss, early stopping."""

    group: ClassVar[str] = "Training"

    epochs: int | None = setting(
        30,
        "Maximum number of epochs: passes over the training pairs. If minutes is set and epochs is not, the time is "
        "the only limit.",
        option=True,
        ge=1,
        le=MAX_EPOCHS,
    )
    minutes: float = setting(
        0.0,
        "Time limit in minutes, from the start of the command to the saved model; it may stop training within an "
        "epoch. 0 means no limit. Without epochs, training takes all of this time, and stops early only if "
        "training.patience is set.",
        option=True,
        ge=0.0,
        le=1_000_000.0,
    )
    batch_size: int = setting(
        64,
        "Batch size: pairs per update, or tokens per update if training.batch_type is token.",
        option=True,
        ge=1,
        le=65_536,
    )
    batch_type: Literal["pair", "token"] = setting(
        "pair",
        "Unit of batch_size: pairs; or tokens, counting source, target and padding, so that batches of short texts "
        "contain more pairs.",
    )
    accumulation: int = setting(
        1,
        "Gradient accumulation: batches per update. The gradients of this many batches are added up before the weights "
        "change, as if they were one batch of so many times the size, but in the memory of one.",
        ge=1,
        le=65_536,
    )
    optimizer: Literal[
        "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon", "nadam",
        "rmsprop", "sgd",
    ] = setting(
        "adam",
        "Keras optimizer, with the weight decay of training.weight_decay. muon learns more per epoch, but its epochs "
        "take longer.",
        option=True,
    )  # fmt: skip
    learning_rate: float = setting(0.001, "Learning rate; with a schedule, its maximum.", option=True, gt=0.0, le=10.0)
    weight_decay: float | None = setting(
        None,
        "Decoupled weight decay (arXiv:1711.05101): each update subtracts this share of each weight, times the "
        "learning rate. By default, 0.004 for adamw, as in Keras, and 0 for the others.",
        ge=0.0,
        le=1.0,
    )
    schedule: Literal["constant", "cosine", "inverse_sqrt", "plateau"] = setting(
        "constant",
        "Learning rate schedule after the warmup: constant; cosine, cosine decay to 1 % of the learning rate at the "
        "end of all epochs or minutes; inverse_sqrt, decay with the inverse square root of the number of updates "
        "(arXiv:1706.03762); or plateau, which reduces the learning rate when training.metric no longer improves.",
    )
    warmup: int | None = setting(
        None,
        "Number of first updates in which the learning rate rises linearly from 0. By default, 5 % of all updates, at "
        "most 500, for cosine and inverse_sqrt, and none for the other schedules.",
        ge=0,
        le=10_000_000,
    )
    plateau_patience: int = setting(
        2,
        "For schedule plateau: number of epochs (with training.validate_every, of validations) without a better metric "
        "before the learning rate is reduced.",
        ge=1,
    )
    plateau_factor: float = setting(
        0.5, "For schedule plateau: factor by which the learning rate is reduced.", gt=0.0, lt=1.0
    )
    clip: float = setting(0.0, "Gradient clipping: maximum global norm of the gradients; 0 turns clipping off.", ge=0.0)
    label_smoothing: Rate = setting(
        0.0, "Label smoothing: share of each label's probability that is spread over all tokens (arXiv:1512.00567)."
    )
    decoder_inputs: Literal["teacher_forcing", "scheduled_sampling", "free_running"] = setting(
        "teacher_forcing",
        "Tokens that the decoder reads in training: the reference (teacher forcing); more and more of its own "
        "predictions (scheduled sampling, arXiv:1506.03099); or only its own predictions (free running). The last two "
        "decode each batch once more.",
    )
    scheduled_sampling_k: float = setting(
        5.0,
        "Constant k of the inverse sigmoid schedule of scheduled sampling: the share of reference tokens is "
        "k / (k + exp(epoch / k)).",
        gt=0.0,
        le=100_000.0,
    )
    copy_masking: Rate = setting(
        0.1,
        "For network.copying: rate at which training replaces tokens that occur on both sides of a pair by the unknown "
        "token (UNK), so that the network learns to copy unknown tokens.",
    )
    frozen_epochs: int = setting(
        MAX_EPOCHS,
        "Number of epochs in which pretrained embeddings (word vectors) stay frozen; 0 trains them from the first "
        "epoch. By default, they are never trained.",
        option=True,
        ge=0,
        le=MAX_EPOCHS,
    )
    keep: Literal["best", "last"] = setting(
        "best", "Checkpoint to save: the weights at the validation with the best training.metric, or at the last one."
    )
    ema: Rate = setting(
        0.0,
        "Exponential moving average of the weights: its decay per update, such as 0.999; 0 turns it off. At each "
        "validation, the average is validated too, and used instead of the weights themselves where it is better. "
        "Without validation pairs, it is always used.",
    )
    average: int = setting(
        1,
        "Checkpoint averaging: number of last epochs (with training.validate_every, of validations) whose weights "
        "are averaged; 1 turns it off. The average is used in the same way as that of training.ema. Checkpoints "
        "contain all these weights.",
        ge=1,
        le=1_000,
    )
    validate_every: int = setting(
        0,
        "Number of updates between two validations, for epochs that take hours or seconds; the end of training is "
        "always validated. The updates do not depend on it, but training.keep, training.patience, training.average and "
        "schedule plateau count validations. 0 validates after each epoch.",
        ge=0,
        le=1_000_000_000,
    )
    metric: Literal["loss", "chrf", "exact"] = setting(
        "loss",
        "Validation metric that decides which weights are the best, for training.keep, training.patience and schedule "
        "plateau: the loss; or chrf or exact (exact match) of greedy translations of a sample of validation sources, "
        "with several outputs the mean over them.",
        option=True,
    )
    metric_sources: int = setting(
        128,
        "Number of validation sources, sampled once, that are translated at each validation for chrF and exact "
        "match; with several outputs, of each.",
        ge=1,
        le=100_000,
    )
    patience: int = setting(
        0,
        "Early stopping: number of epochs (with training.validate_every, of validations) without a better "
        "training.metric after which training stops; 0 turns it off.",
        ge=0,
    )
    search: Literal["auto", "greedy", "beam"] = setting(
        "auto",
        "Search that the model file stores as its default: auto, the one of greedy search and several beam searches "
        "that translates validation sources best after training; greedy; or beam, with search_beam and "
        "search_length_penalty. Without validation pairs, and if training is too short to compare, auto is beam for "
        "the metric chrf, and greedy for exact.",
    )
    search_beam: int = setting(
        5,
        "Beam size of the stored search, if training.search is beam; for auto, the first one compared.",
        ge=2,
        le=1024,
    )
    search_length_penalty: float = setting(
        0.6,
        "Length penalty of the stored search, if training.search is beam; for auto, the first one compared.",
        ge=0.0,
        le=10.0,
    )
    search_metric: Literal["auto", "chrf", "exact"] = setting(
        "auto",
        "Metric by which training.search auto compares: chrf; exact, the share of translations that equal a reference; "
        "or auto, exact if the target is pretokenized or most training targets are single words, otherwise chrf.",
    )
    search_share: Rate = setting(
        0.05, "Maximum share of the training time that the comparison of training.search auto takes, at most 2 minutes."
    )
    seed: int = setting(
        1,
        "Random seed of initial weights, dropout, the validation split and the order of batches.",
        option=True,
        ge=0,
        lt=2**31,
    )

    @model_validator(mode="after")
    def _run_ends(self) -> Self:
        if self.epochs is None and not self.minutes:
            raise ValueError("training needs a limit, received: neither epochs nor minutes; set one of them")
        return self
