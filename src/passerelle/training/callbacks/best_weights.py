"""Choose the weights of the network after training: those of the best interval or of the last one."""

from typing import Any

from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import criterion
from passerelle.training.state import Best

__all__ = ["BestWeights"]


class BestWeights(Callback):
    """Store the weights of the best interval in `run.state.best`; after training, set them and `run.kept_interval`.

    The best interval is the first one with the lowest value of `history.criterion`.

    Args:
        network: object with `get_weights` and `set_weights`. After validation, it has the weights to keep.
        keep: interval whose weights the network has after training: `best` or `last`. After divergence always the best.
        metric: see `history.criterion`.
    """

    def __init__(self, network: Any, keep: str, metric: str = "loss"):
        self._network = network
        self._metric = metric
        self._keep = keep

    def on_validation_end(self, run: Run) -> None:
        state = run.state
        interval = state.history[-1]
        value = criterion(interval, self._metric)
        weights = self._network.get_weights()
        if value < state.best.value:
            state.best = Best(interval.number, value, weights)
        state.last = weights if self._keep == "last" or not state.best.interval else []

    def on_train_end(self, run: Run) -> None:
        state = run.state
        if state.best.interval and (self._keep == "best" or run.diverged):
            self._network.set_weights(state.best.weights)
            run.kept_interval = state.best.interval
        elif state.history:
            self._network.set_weights(state.last)
            run.kept_interval = state.history[-1].number
        else:
            run.update.assign(state)
