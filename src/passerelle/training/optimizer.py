"""Keras optimizers from settings, and the learning rate at any time of a training."""

import math
from typing import Any

import keras

from passerelle.config import TrainingSettings

__all__ = ["learning_rate", "make_optimizer"]

WARM_UP = 0.05
"""Share of a training over which the `cosine` schedule rises from nothing, at most."""
MOST_WARM_UP = 500
"""Updates that it takes at most, where their number is known."""
LEAST = 0.01
"""Of its height, what the `cosine` schedule ends at."""


def make_optimizer(settings: TrainingSettings) -> Any:
    """Returns the Keras optimizer that `settings` ask for, with its learning rate at the highest."""
    return keras.optimizers.get(
        {
            "class_name": settings.optimizer,
            "config": {"learning_rate": settings.learning_rate, "global_clipnorm": settings.clip or None},
        }
    )


def learning_rate(settings: TrainingSettings, share: float, updates: int | None = None) -> float:
    """The step size at some time of a training.

    `cosine` falls along half a wave (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).

    Args:
        settings: its height and its schedule.
        share: of the training that is done, 0 to 1.
        updates: how many the training has in all; None where the time ends it.
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    warm_up = WARM_UP if updates is None else min(round(WARM_UP * updates), MOST_WARM_UP) / updates
    if share < warm_up:
        return settings.learning_rate * share / warm_up
    wave = (1.0 + math.cos(math.pi * min(1.0, (share - warm_up) / (1.0 - warm_up)))) / 2.0
    return settings.learning_rate * (LEAST + (1.0 - LEAST) * wave)
