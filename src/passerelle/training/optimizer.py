"""Keras optimizers built from settings, and the learning rate schedule."""

import math
from typing import Any

import keras

from passerelle.settings import TrainingSettings

__all__ = ["learning_rate", "make_optimizer", "moving_averages"]

WARMUP_SHARE = 0.05
"""Share of all updates in which `cosine` and `inverse_sqrt` raise the learning rate from 0 by default."""
MAX_WARMUP_UPDATES = 500
"""Maximum number of these updates."""
FINAL_RATE_SHARE = 0.01
"""Final learning rate of the `cosine` schedule, as a share of its peak; `alpha` in Keras's `CosineDecay`."""

ADAM_WEIGHTS = [r"(?<!kernel)$", r"(^|/)(output|emission)/"]
"""Path patterns of weights that Muon updates with Adam: embeddings, biases, norm gains, output and copying layers."""


def make_optimizer(settings: TrainingSettings) -> Any:
    """Return the Keras optimizer for `settings`, with the peak learning rate.

    `muon` (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) orthogonalizes the update of each weight
    matrix and scales it so that learning rates tuned for Adam suit it (Liu et al. 2025, arXiv:2502.16982). Deviation
    from both: no weight decay by default, like `adam`. `adafactor` (Shazeer and Stern 2018, arXiv:1804.04235) uses the
    learning rate of the schedule instead of its own relative steps.
    """
    config: dict[str, Any] = {"learning_rate": settings.learning_rate, "global_clipnorm": settings.clip or None}
    decay = settings.weight_decay
    if settings.optimizer == "muon":
        config |= {"exclude_layers": ADAM_WEIGHTS, "weight_decay": decay or None, "adam_weight_decay": decay or None}
    elif decay is not None:
        config["weight_decay"] = decay
    if settings.optimizer == "adafactor":
        config["relative_step"] = False
    if settings.ema:
        config |= {"use_ema": True, "ema_momentum": settings.ema}
    # Not `keras.optimizers.get`, which does not find all of them.
    classes = {name.lower(): each for name, each in vars(keras.optimizers).items() if isinstance(each, type)}
    return classes[settings.optimizer](**config)


def moving_averages(optimizer: Any) -> list[int]:
    """Return the index in `optimizer.variables` of each trainable weight's moving average; none if it has no averages.

    Args:
        optimizer: a built Keras optimizer.
    """
    if not optimizer.use_ema:
        return []
    indices = {id(variable): index for index, variable in enumerate(optimizer.variables)}
    return [indices[id(average)] for average in optimizer._model_variables_moving_average]


def learning_rate(settings: TrainingSettings, share: float, done: int, updates: int) -> float:
    """Return the learning rate of the next update.

    All schedules begin with a linear warmup. `cosine` then follows half a cosine (Loshchilov and Hutter 2017,
    arXiv:1608.03983, without restarts). `inverse_sqrt` then decays with the inverse square root of the number of
    updates (Vaswani et al. 2017, arXiv:1706.03762, equation 3; deviation: the peak is the setting, and does not depend
    on the network's size). `constant` and `plateau` keep the peak; the callback `Plateau` reduces it.

    The warmup always counts updates, even if a time limit ends training: the first seconds are spent on compilation,
    and a high learning rate needs its warmup updates.

    Args:
        settings: training settings: peak learning rate, schedule and warmup.
        share: completed share of training, 0 to 1, by updates or by time.
        done: completed updates.
        updates: maximum number of updates of the run.
    """
    warmup = settings.warmup
    if warmup is None:
        decays = settings.schedule in ("cosine", "inverse_sqrt")
        warmup = min(round(WARMUP_SHARE * updates), MAX_WARMUP_UPDATES) if decays else 0
    factor = min(1.0, done / warmup) if warmup else 1.0
    if settings.schedule == "cosine":
        begin = warmup / updates
        decayed = (share - begin) / (1.0 - begin) if begin < 1.0 else 0.0
        cosine = (1.0 + math.cos(math.pi * min(1.0, max(0.0, decayed)))) / 2.0
        factor = min(factor, FINAL_RATE_SHARE + (1.0 - FINAL_RATE_SHARE) * cosine)
    elif settings.schedule == "inverse_sqrt" and done:
        factor = min(factor, math.sqrt(max(1, warmup) / done))
    return settings.learning_rate * factor
