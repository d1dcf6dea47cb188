"""Keras optimizers built from settings, and the learning rate schedule."""

import math
from typing import Any

import keras

from passerelle.settings import TrainingSettings

__all__ = ["learning_rate", "make_optimizer"]

WARMUP_SHARE = 0.05
"""Share of all updates in which the `cosine` schedule raises the learning rate from 0; see `MAX_WARMUP_UPDATES`."""
MAX_WARMUP_UPDATES = 500
"""Maximum number of warmup updates."""
FINAL_RATE_SHARE = 0.01
"""Final learning rate of the `cosine` schedule, as a share of its peak; `alpha` in Keras's `CosineDecay`."""

ADAM_WEIGHTS = [r"(?<!kernel)$", r"(^|/)(output|emission)/"]
"""Path patterns of weights that Muon updates with Adam: embeddings, biases, norm gains, output and copying layers."""


def make_optimizer(settings: TrainingSettings) -> Any:
    """Return the Keras optimizer for `settings`, with the peak learning rate.

    `muon` (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) orthogonalizes the update of each weight
    matrix and scales it so that learning rates tuned for Adam suit it (Liu et al. 2025, arXiv:2502.16982). Deviation
    from both: no weight decay, like `adam`.
    """
    config: dict[str, Any] = {"learning_rate": settings.learning_rate, "global_clipnorm": settings.clip or None}
    if settings.optimizer == "muon":
        config |= {"exclude_layers": ADAM_WEIGHTS, "weight_decay": None, "adam_weight_decay": None}
    return keras.optimizers.get({"class_name": settings.optimizer, "config": config})


def learning_rate(settings: TrainingSettings, share: float, done: int, updates: int) -> float:
    """Return the learning rate of the next update.

    `cosine` warms up linearly, then follows half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, without
    restarts). The warmup always counts updates, even if a time limit ends training: the first seconds are spent on
    compilation, and a high learning rate needs its warmup updates.

    Args:
        settings: training settings: peak learning rate and schedule.
        share: completed share of training, 0 to 1, by updates or by time.
        done: completed updates.
        updates: maximum number of updates of the run.
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    warmup = min(round(WARMUP_SHARE * updates), MAX_WARMUP_UPDATES)
    warmup_factor = min(1.0, done / warmup) if warmup else 1.0
    decayed = (share - warmup / updates) / (1.0 - warmup / updates)
    cosine = (1.0 + math.cos(math.pi * min(1.0, max(0.0, decayed)))) / 2.0
    return settings.learning_rate * min(warmup_factor, FINAL_RATE_SHARE + (1.0 - FINAL_RATE_SHARE) * cosine)
