"""End training when the metric no longer improves."""

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["EarlyStopping"]

_NAMES = {"loss": "loss", "chrf": "chrF", "exact": "exact match"}


class EarlyStopping(Callback):
    """Stop the run when the metric has not improved for `patience` validations. Reads `run.state.best`.

    Args:
        patience: number of validations without improvement after which training ends; at least 1.
        metric: see `history.criterion`.
    """

    def __init__(self, patience: int, metric: str = "loss"):
        self._patience = patience
        self._metric = metric

    def on_train_begin(self, run: Run) -> None:
        self._check(run)  # The patience of a restored run may already be exhausted.

    def on_validation_end(self, run: Run) -> None:
        self._check(run)

    def _check(self, run: Run) -> None:
        history = run.state.history
        if history and history[-1].number - run.state.best.interval >= self._patience:
            data = "" if history[-1].validation_loss is None else "validation "
            unit = "validation" if run.schedule.settings.validate_every else "epoch"
            plural = "s" if self._patience > 1 else ""
            run.stop(f"no better {data}{_NAMES[self._metric]} for {self._patience} {unit}{plural}")
