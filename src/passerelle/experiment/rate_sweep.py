"""Learning rate sweep of a new network on prepared pairs."""

from collections.abc import Callable

from passerelle.experiment.building import build_with_vectors
from passerelle.preparation import Prepared
from passerelle.training.rate_sweep import RateSweep, sweep_rates

__all__ = ["find_learning_rate"]


def find_learning_rate(
    prepared: Prepared, *, report: Callable[[int, int, float], None], stopped: Callable[[], bool]
) -> RateSweep:
    """Build a network and make a learning rate sweep; see `sweep_rates` for the arguments."""
    translator, frozen = build_with_vectors(prepared)
    settings = prepared.settings.training
    return sweep_rates(
        translator.network,
        prepared.training_batches,
        settings,
        frozen=frozen if settings.frozen_epochs else {},
        report=report,
        stopped=stopped,
    )
