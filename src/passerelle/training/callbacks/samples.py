"""Translate a validation source after each epoch."""

from collections.abc import Callable, Sequence

from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Sample

__all__ = ["Samples"]


class Samples(Callback):
    """Translate one validation source after each epoch; the result is `run.sample` in `on_epoch_end`.

    Args:
        rows: indices of validation pairs, one per epoch; used cyclically. May be empty.
        translate: function that translates the pair at an index with the current weights.
    """

    def __init__(self, rows: Sequence[int], translate: Callable[[int], Sample]):
        self._rows = rows
        self._translate = translate

    def on_validate(self, run: Run) -> None:
        if self._rows:
            number = run.state.history[-1].number
            run.sample = self._translate(self._rows[(number - 1) % len(self._rows)])
