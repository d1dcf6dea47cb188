"""Results of each validation as TensorBoard logs."""

import os
from collections.abc import Callable
from typing import Any

from passerelle.errors import SettingsError
from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["TensorBoard"]

SCALARS = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "validation_perplexity": "perplexity/validation",
    "accuracy": "accuracy/training",
    "validation_accuracy": "accuracy/validation",
    "chrf": "translation/chrf",
    "exact_match": "translation/exact_match",
    "skipped": "updates/skipped",
    "seconds": "time/seconds",
}
"""Attributes of `Interval` and their names in TensorBoard."""


class TensorBoard(Callback):
    """Write the results of each validation, the learning rate and the samples to a folder that TensorBoard reads.

    The horizontal axis is the number of updates. A resumed run goes on in the same folder, and replaces the results
    of updates that it makes again. An error in writing is reported once and does not end training.

    Args:
        folder: folder of the logs; several runs may have folders in one.
        report: receives one line when writing fails.

    Raises:
        SettingsError: if the package tensorboardX is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], report: Callable[[str], object] = lambda message: None):
        try:
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports] - an optional package
        except ImportError:
            raise SettingsError(
                "TensorBoard logs require the package tensorboardX. Install it: pip install 'passerelle[tensorboard]'"
            ) from None
        self._make_writer = SummaryWriter
        self._folder = os.fspath(folder)
        self._report = report
        self._writer: Any = None
        self._failed = False

    def on_train_begin(self, run: Run) -> None:
        updates = run.state.updates
        options: dict[str, Any] = {"purge_step": updates + 1} if updates else {}
        self._try(lambda: setattr(self, "_writer", self._make_writer(self._folder, **options)))

    def on_validation_end(self, run: Run) -> None:
        self._try(lambda: self._write(run))

    def on_train_end(self, run: Run) -> None:
        if self._writer is not None:
            self._try(self._writer.close)

    def _write(self, run: Run) -> None:
        if self._writer is None:
            return
        interval, step = run.state.history[-1], run.state.updates
        for name, title in SCALARS.items():
            value = getattr(interval, name)
            if value is not None:
                self._writer.add_scalar(title, value, step)
        self._writer.add_scalar("updates/learning_rate", run.schedule.rate(run.state), step)
        for number, sample in enumerate(run.samples, start=1):
            text = f"{sample.source} -> {sample.translation} (reference: {sample.reference})"
            self._writer.add_text(f"samples/{number}", text, step)
        self._writer.flush()

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if not self._failed:
                self._report(f"the TensorBoard logs in {self._folder} are not complete: {error}")
            self._failed = True
