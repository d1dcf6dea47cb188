"""Choose the weights of the network after training: those of the best epoch or of the last one."""

from typing import Any

from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import criterion
from passerelle.training.state import Best

__all__ = ["BestWeights"]


class BestWeights(Callback):
    """Store the weights of the best epoch in `run.state.best`; after training, set the weights and `run.kept_epoch`.

    The best epoch is the first one with the lowest value of `history.criterion`.

    Args:
        network: object with `get_weights` and `set_weights`. After validation, it has the weights to keep.
        keep: epoch whose weights the network has after training: `best` or `last`. After divergence always the best.
        metric: see `history.criterion`.
    """

    def __init__(self, network: Any, keep: str, metric: str = "loss"):
        self._network = network
        self._metric = metric
        self._keep = keep

    def on_epoch_end(self, run: Run) -> None:
        state = run.state
        epoch = state.history[-1]
        value = criterion(epoch, self._metric)
        weights = self._network.get_weights()
        if value < state.best.value:
            state.best = Best(epoch.number, value, weights)
        state.last = weights if self._keep == "last" or not state.best.epoch else []

    def on_train_end(self, run: Run) -> None:
        state = run.state
        if state.best.epoch and (self._keep == "best" or run.diverged):
            self._network.set_weights(state.best.weights)
            run.kept_epoch = state.best.epoch
        elif state.history:
            self._network.set_weights(state.last)
            run.kept_epoch = state.history[-1].number
        else:
            run.update.assign(state)
