"""Averages of the weights: the exponential moving average, and the average of the last intervals."""

from collections.abc import Sequence

import numpy as np

from passerelle.training.callbacks.callback import Callback, Run

__all__ = ["Averages"]


class Averages(Callback):
    """Add averages of the trainable weights to `run.candidates` after each interval.

    The exponential moving average is part of the optimizer, as in Keras. The average of intervals (checkpoint
    averaging, Vaswani et al. 2017, arXiv:1706.03762, section 6.1; Izmailov et al. 2018, arXiv:1803.05407) reads the
    weights after the last intervals from `run.state.recent`.

    Args:
        moving: for each trainable weight, the index of its moving average in `run.state.optimizer`; empty without one.
        intervals: number of intervals to average; 1 for no average.
    """

    def __init__(self, moving: Sequence[int], intervals: int):
        self._moving = moving
        self._intervals = intervals

    def on_validate(self, run: Run) -> None:
        state = run.state
        if self._moving:
            run.candidates["ema"] = [np.asarray(state.optimizer[index]) for index in self._moving]
        if self._intervals > 1:
            count = len(state.trainable)
            weights = [np.array(array) for array in state.trainable]
            state.recent = [*state.recent, *weights][-count * self._intervals :]
            run.candidates["average"] = [_mean(state.recent[index::count]) for index in range(count)]


def _mean(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean(arrays, axis=0, dtype=np.float64).astype(arrays[0].dtype)
