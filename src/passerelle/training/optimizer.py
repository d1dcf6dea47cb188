"""Keras optimizers from settings, and the learning rate at any time of a training."""

import math
from typing import Any

import keras

from passerelle.settings import TrainingSettings

__all__ = ["learning_rate", "make_optimizer"]

WARMUP_SHARE = 0.05
"""Share of all updates over which the `cosine` schedule rises from nothing, at most."""
MAX_WARMUP_UPDATES = 500
"""Updates that it takes at most."""
FINAL_RATE_SHARE = 0.01
"""Of its height, what the `cosine` schedule ends at."""

ADAM_WEIGHTS = [r"(?<!kernel)$", r"(^|/)(output|emission)/"]
"""Paths of the weights that Muon leaves to Adam: tables of vectors, biases, gains, and what writes tokens."""


def make_optimizer(settings: TrainingSettings) -> Any:
    """Returns the Keras optimizer that `settings` ask for, with its learning rate at the highest.

    `muon` (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) makes each step of a weight matrix
    orthogonal, scaled so that rates made for Adam serve it (Liu et al. 2025, arXiv:2502.16982). As `adam`, and other
    than in these works, it lets no weights decay.
    """
    config: dict[str, Any] = {"learning_rate": settings.learning_rate, "global_clipnorm": settings.clip or None}
    if settings.optimizer == "muon":
        config |= {"exclude_layers": ADAM_WEIGHTS, "weight_decay": None, "adam_weight_decay": None}
    return keras.optimizers.get({"class_name": settings.optimizer, "config": config})


def learning_rate(settings: TrainingSettings, share: float, done: int, updates: int) -> float:
    """The step size at some time of a training.

    `cosine` falls along half a wave (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts). It rises by
    updates, also where time ends the training: the first seconds go into compiling, and who learns fast needs to begin
    slowly.

    Args:
        settings: its height and its schedule.
        share: of the training that is done, 0 to 1, by updates or by time.
        done: updates that were made.
        updates: how many are made at most.
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    warm_up = min(round(WARMUP_SHARE * updates), MAX_WARMUP_UPDATES)
    rising = min(1.0, done / warm_up) if warm_up else 1.0
    fallen = (share - warm_up / updates) / (1.0 - warm_up / updates)
    wave = (1.0 + math.cos(math.pi * min(1.0, max(0.0, fallen)))) / 2.0
    return settings.learning_rate * min(rising, FINAL_RATE_SHARE + (1.0 - FINAL_RATE_SHARE) * wave)
