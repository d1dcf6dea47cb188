"""Reduce the learning rate when the validation metric no longer improves."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Plateau"]

SMALLEST_FACTOR = 1e-9
"""The learning rate does not fall below this share of its peak, so that it stays above 0."""


class Plateau(Callback):
    """Multiply the learning rate by a factor after each `patience` validations without a better one, as in Keras.

    Reads `run.state.best`; changes `run.state.rate_factor` and `run.state.rate_reduced`.

    Args:
        patience: number of validations, at least 1.
        factor: the factor, between 0 and 1.
    """

    def __init__(self, patience: int, factor: float):
        self._patience = patience
        self._factor = factor

    def on_validation_end(self, run: Run) -> None:
        state = run.state
        number = state.history[-1].number
        if number - max(state.best.interval, state.rate_reduced) >= self._patience:
            state.rate_factor = max(state.rate_factor * self._factor, SMALLEST_FACTOR)
            state.rate_reduced = number
