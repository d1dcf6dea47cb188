"""Learning rate sweep: the loss while the learning rate rises, and the rate that it suggests.

This is the learning rate range test of Smith 2017 (arXiv:1506.01186, section 3.3). Deviations: the rate rises
exponentially, not linearly, so that it covers many orders of magnitude; and a rule chooses a rate from the curve.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

import numpy as np

from passerelle.backend import computing
from passerelle.data.batches import Batches
from passerelle.settings import TrainingSettings
from passerelle.training.loss import output_weights
from passerelle.training.optimizer import make_optimizer
from passerelle.training.scheduled_sampling import teacher_forced_steps
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

__all__ = ["RateSweep", "suggest_rate", "sweep_rates"]

UPDATES = 160
"""Number of updates of a sweep."""

FIRST_RATE, LAST_RATE = 1e-6, 10.0
"""The learning rates of the first and the last update."""

SMOOTHED = 9
"""Number of neighbouring losses whose mean smooths the curve; an odd number."""

DIVERGED = 1.5
"""Ratio of a smoothed loss to the lowest one from which on the sweep ends."""

SAFETY = 0.1
"""The suggested rate as a share of the rate with the lowest loss, from which on the loss rises."""


@dataclass(frozen=True)
class RateSweep:
    """The result of a learning rate sweep.

    Attributes:
        rates: learning rate of each update.
        losses: training loss of each update before it changes the weights, in nats per token.
        smoothed: the same, smoothed.
        suggested: the suggested learning rate; None if the loss did not fall.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float | None


@computing()
def sweep_rates(
    network: Any,
    batches: Batches,
    settings: TrainingSettings,
    *,
    frozen: Mapping[str, np.ndarray] | None = None,
    weights: Mapping[str, float] | None = None,
    report: Callable[[int, int, float], None] = lambda done, updates, loss: None,
    stopped: Callable[[], bool] = lambda: False,
) -> RateSweep:
    """Train for some updates, each with a higher learning rate, until the loss rises.

    Args:
        network: see `trainer.fit`; it may have other weights afterwards.
        batches: training batches.
        settings: training settings; learning rate, schedule and warmup are not used.
        frozen: rows to freeze; see `Update.freeze`.
        weights: see `trainer.fit`.
        report: receives the number of completed updates, their maximum number and the last loss.
        stopped: whether to end the sweep early, for example after Ctrl-C.
    """
    tokens = batches.target_tokens / math.ceil(len(batches) / settings.accumulation)
    update = make_update(
        network,
        make_optimizer(settings),
        tokens=tokens,
        smoothing=settings.label_smoothing,
        weights=output_weights(batches.tokens_per_target, weights or {}),
    )
    state = TrainingState.from_seed(settings.seed)
    update.begin(state)
    update.freeze(frozen or {})
    batches = batches.shared(update.share)
    endless = chain.from_iterable(batches.epoch(number) for number in count(1))
    rates: list[float] = []
    losses: list[float] = []
    for rate in np.geomspace(FIRST_RATE, LAST_RATE, UPDATES).tolist():
        state.sums = np.zeros(3, np.float32)
        group = list(islice(endless, settings.accumulation))
        for number, batch in enumerate(group, start=1):
            teacher_forced = teacher_forced_steps(settings, 0.0, batch.steps, state.random)
            update(state, batch, teacher_forced, rate=rate, complete=number == len(group))
        loss, _ = state.means()
        if np.asarray(state.skipped)[0] or not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        report(len(losses), UPDATES, loss)
        if stopped() or np.mean(losses[-SMOOTHED:]) > DIVERGED * min(_smooth(losses)):
            break
    update.end(state)
    smoothed = _smooth(losses)
    return RateSweep(tuple(rates), tuple(losses), tuple(smoothed), suggest_rate(rates, smoothed))


def suggest_rate(rates: list[float], losses: list[float]) -> float | None:
    """Return the suggested learning rate, with two significant digits: a tenth of the rate with the lowest loss.

    Args:
        rates: learning rates in ascending order.
        losses: smoothed losses.

    Returns:
        None if no loss is at least 2 % below the first one.
    """
    if not losses or min(losses) > 0.98 * losses[0]:
        return None
    return float(f"{SAFETY * rates[int(np.argmin(losses))]:.2g}")


def _smooth(losses: list[float]) -> list[float]:
    """Return the mean of each loss and its neighbours; fewer of them at both ends."""
    reach = SMOOTHED // 2
    means = []
    for index in range(len(losses)):
        near = min(reach, index, len(losses) - 1 - index)
        means.append(float(np.mean(losses[index - near : index + near + 1])))
    return means
