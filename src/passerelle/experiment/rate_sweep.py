"""Learning rate sweep of a new network on prepared pairs."""

from collections.abc import Callable
from contextlib import nullcontext

from passerelle.experiment.building import build_with_vectors
from passerelle.preparation import Prepared
from passerelle.training.rate_sweep import RateSweep, sweep_rates

__all__ = ["find_learning_rate"]


def find_learning_rate(
    prepared: Prepared, *, report: Callable[[int, int, float], None], stopped: Callable[[], bool]
) -> RateSweep:
    """Build a network and make a learning rate sweep; see `sweep_rates` for the arguments."""
    translator, vectors = build_with_vectors(prepared)
    settings, tuned = prepared.settings.training, prepared.fine_tuning
    frozen = nullcontext(vectors if settings.frozen_epochs else {})
    if tuned is not None:
        tuned.begin(translator.network, prepared.signature, prepared.training_batches)
        frozen = tuned.frozen(translator.network, prepared.signature)
    with frozen as rows:
        return sweep_rates(
            translator.network,
            prepared.training_batches,
            settings,
            frozen=rows,
            weights=prepared.output_weights,
            report=report,
            stopped=stopped,
        )
