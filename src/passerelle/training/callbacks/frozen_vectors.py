"""Freeze pretrained word vectors for the first epochs."""

from collections.abc import Mapping

import numpy as np

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["FrozenVectors"]


class FrozenVectors(Callback):
    """Freeze rows of variables for the first epochs.

    Args:
        rows: variable path -> bool (rows,) for a variable (rows, width), True where a row is frozen.
        epochs: number of epochs.
    """

    def __init__(self, rows: Mapping[str, np.ndarray], epochs: int):
        self._rows = rows
        self._epochs = epochs
        self._frozen: bool | None = None

    def on_epoch_begin(self, run: Run) -> None:
        frozen = run.state.epoch <= self._epochs
        if frozen != self._frozen:
            self._frozen = frozen
            run.update.freeze(self._rows if frozen else {})
