"""Keras optimizers and learning-rate schedules from settings."""

from typing import Any

import keras

from passerelle.config import TrainingSettings

__all__ = ["make_optimizer"]

WARM_UP = 0.05
"""Share of all updates over which the `cosine` schedule rises from nothing."""


def make_optimizer(settings: TrainingSettings, *, updates: int) -> Any:
    """Returns the Keras optimizer that `settings` ask for.

    Args:
        settings: name, learning rate, schedule and clipping.
        updates: how many will be made in all; the `cosine` schedule ends there at a hundredth of its height
            (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).
    """
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        warm_up = min(round(WARM_UP * updates), 500)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm_up else settings.learning_rate,
            max(1, updates - warm_up),
            alpha=0.01,
            warmup_target=settings.learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
    return keras.optimizers.get(
        {
            "class_name": settings.optimizer,
            "config": {"learning_rate": rate, "global_clipnorm": settings.clip or None},
        }
    )
