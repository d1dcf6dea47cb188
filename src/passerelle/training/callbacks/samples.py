"""A translation of an unseen source after each epoch."""

from collections.abc import Callable, Sequence

from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Sample

__all__ = ["Samples"]


class Samples(Callback):
    """Translates one validation source after each epoch; the result is `run.sample` in `on_epoch_end`.

    Args:
        rows: validation rows, one for each epoch, from the beginning again after the last; may be empty.
        translate: returns the sample of a row, with the current weights.
    """

    def __init__(self, rows: Sequence[int], translate: Callable[[int], Sample]):
        self._rows = rows
        self._translate = translate

    def on_validate(self, run: Run) -> None:
        if self._rows:
            number = run.state.history[-1].number
            run.sample = self._translate(self._rows[(number - 1) % len(self._rows)])
