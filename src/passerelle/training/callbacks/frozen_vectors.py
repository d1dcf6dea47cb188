"""Ready-made word vectors that stay unchanged for the first epochs."""

from collections.abc import Mapping

import numpy as np

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["FrozenVectors"]


class FrozenVectors(Callback):
    """Freezes rows of variables for some epochs.

    Args:
        rows: bool (rows,) by the path of a variable (rows, width); True where a row is frozen.
        epochs: the number of epochs, from the first.
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
