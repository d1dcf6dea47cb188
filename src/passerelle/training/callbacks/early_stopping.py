"""End training when the validation loss no longer improves."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["EarlyStopping"]


class EarlyStopping(Callback):
    """Stop the run when the loss has not improved for `patience` epochs. Reads `run.state.best`.

    Args:
        patience: number of epochs without improvement after which training ends; at least 1.
    """

    def __init__(self, patience: int):
        self._patience = patience

    def on_train_begin(self, run: Run) -> None:
        self._check(run)  # The patience of a restored run may already be exhausted.

    def on_epoch_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        history = run.state.history
        if history and history[-1].number - run.state.best.epoch >= self._patience:
            loss = "loss" if history[-1].validation_loss is None else "validation loss"
            run.stop(f"no better {loss} for {self._patience} epoch{'s' if self._patience > 1 else ''}")
