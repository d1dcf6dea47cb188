"""The training state: everything that a run needs to continue after any update, as one object."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from passerelle.errors import RunError
from passerelle.parallel.group import current
from passerelle.training.history import Interval

__all__ = ["Best", "TrainingState", "check_fit", "share_state"]

FORMAT = 3
"""Version of the format that `arrays` and `metadata` return."""

ARRAY_LISTS = ("trainable", "non_trainable", "optimizer", "last", "recent")
"""Attributes of `TrainingState` that are lists of arrays."""

SCALARS = (
    "epoch", "position", "updates", "interval_updates", "rate_factor", "rate_reduced", "seconds", "interval_began",
    "stopped",
)  # fmt: skip
"""Attributes of `TrainingState` that are JSON values."""


@dataclass
class Best:
    """The weights of the best interval so far.

    Attributes:
        interval: number of the interval; 0 before the first one has ended.
        value: the value by which intervals are compared, see `history.criterion`.
        weights: result of `network.get_weights()`.
    """

    interval: int = 0
    value: float = math.inf
    weights: list[np.ndarray] = field(default_factory=list)


@dataclass
class TrainingState:
    """Everything that a run needs to continue after any update.

    `Update.begin` fills an empty state from a network and an optimizer. A run changes its state in place. To save it,
    call `arrays` and `metadata` in the events `on_update_end`, `on_validation_end`, `on_epoch_end` and `on_train_end`,
    or after the run. A run that continues from a restored state produces the same weights as an uninterrupted run, bit
    for bit on the same backend.

    Attributes:
        trainable: an array or Keras variable for each of `network.trainable_variables`, in the same order and with the
            same shapes and dtypes.
        non_trainable: the same for `network.non_trainable_variables`, which include the seeds of dropout, uint32 (2,).
        optimizer: the same for `optimizer.variables`: int32 (), the number of updates; float32 (), the learning rate;
            then the moments, with the shapes of weights.
        sums: float (3,), sums over the current interval, without skipped updates: loss in nats, target tokens, correct
            predictions.
        skipped: int32 (3,), numbers of updates that were skipped because their gradients were not finite: in the
            current interval, in a row until now, and in the longest row of the run.
        random: random generator of scheduled sampling.
        epoch: number of the current epoch, from 1; in `on_epoch_end` already the next one.
        position: completed updates of the current epoch.
        updates: completed updates of the run.
        interval_updates: completed updates of the current interval: since the last validation.
        history: the finished intervals.
        best: the best interval so far.
        last: weights after the last finished interval, as returned by `network.get_weights()`; empty if only the best
            weights are needed.
        recent: for the average of intervals, the trainable weights after the last ones, in one list, the oldest first.
        rate_factor: factor of the learning rate that the schedule `plateau` has reached.
        rate_reduced: number of the interval after which `plateau` last reduced the factor; 0 if it did not.
        seconds: total time of the run, over all processes that continued it.
        interval_began: value of `seconds` when the current interval began.
        stopped: reason why the run ended or will end after the current event; empty if no callback has ended it. To end
            the run, a callback sets it.
    """

    trainable: list[Any] = field(default_factory=list)
    non_trainable: list[Any] = field(default_factory=list)
    optimizer: list[Any] = field(default_factory=list)
    sums: Any = field(default_factory=lambda: np.zeros(3, np.float32))
    skipped: Any = field(default_factory=lambda: np.zeros(3, np.int32))
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    epoch: int = 1
    position: int = 0
    updates: int = 0
    interval_updates: int = 0
    history: list[Interval] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    last: list[np.ndarray] = field(default_factory=list)
    recent: list[np.ndarray] = field(default_factory=list)
    rate_factor: float = 1.0
    rate_reduced: int = 0
    seconds: float = 0.0
    interval_began: float = 0.0
    stopped: str = ""

    @classmethod
    def from_seed(cls, seed: int) -> Self:
        """Return the initial state of a run, still without arrays."""
        return cls(random=np.random.default_rng((seed, 2)))

    def means(self) -> tuple[float, float]:
        """Return loss (nats per token) and accuracy of the current interval so far; waits for all updates."""
        loss, tokens, correct = np.asarray(self.sums).tolist()
        return loss / max(tokens, 1.0), correct / max(tokens, 1.0)

    def tokens(self) -> float:
        """Return the number of target tokens of the current interval so far; waits for all updates."""
        return float(np.asarray(self.sums)[1])

    def start_epoch(self, number: int) -> None:
        """Set the position to the start of an epoch."""
        self.epoch, self.position = number, 0

    def start_interval(self) -> None:
        """Reset everything that counts the updates of an interval."""
        self.interval_updates = 0
        self.sums = np.zeros(3, np.float32)
        self.skipped = np.asarray(self.skipped, np.int32) * np.array([0, 1, 1], np.int32)
        self.interval_began = self.seconds

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of all arrays, with names such as `trainable/0`, `optimizer/2`, `best/0` and `sums`."""
        lists = {name: getattr(self, name) for name in ARRAY_LISTS} | {"best": self.best.weights}
        named = {f"{name}/{i}": array for name, arrays in lists.items() for i, array in enumerate(arrays)}
        return {name: np.array(array) for name, array in (named | {"sums": self.sums, "skipped": self.skipped}).items()}

    def metadata(self) -> dict[str, Any]:
        """Return the rest of the state as JSON values. Floats round-trip exactly, including infinity and NaN."""
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in SCALARS},
            "random": self.random.bit_generator.state,
            "best": {"interval": self.best.interval, "value": _to_json(self.best.value)},
            "history": [{name: _to_json(value) for name, value in asdict(each).items()} for each in self.history],
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Self:
        """Return the state that `arrays()` and `metadata()` saved.

        Raises:
            RunError: if `metadata` has another format version.
        """
        if metadata.get("format") != FORMAT:
            raise RunError(
                f"the training state must have format {FORMAT}, received: {metadata.get('format')!r}. Restore it with "
                "the version of Passerelle that saved it."
            )
        random = np.random.default_rng(0)
        random.bit_generator.state = metadata["random"]
        best = metadata["best"]
        return cls(
            **{name: _array_list(arrays, name) for name in ARRAY_LISTS},
            sums=np.array(arrays["sums"]),
            skipped=np.array(arrays["skipped"]),
            random=random,
            history=[
                Interval(**{name: value if name == "weights" else _from_json(value) for name, value in each.items()})
                for each in metadata["history"]
            ],
            best=Best(best["interval"], _from_json(best["value"]), _array_list(arrays, "best")),
            **{name: metadata[name] for name in SCALARS},
        )


def check_fit(state: TrainingState, **groups: Sequence[Any]) -> None:
    """Check that the arrays of a state match the variables.

    Args:
        state: training state.
        **groups: variables by the name of a list in the state, such as `trainable`.

    Raises:
        RunError: if the number or the shapes of arrays differ.
    """
    for name, variables in groups.items():
        shapes = [tuple(np.shape(array)) for array in getattr(state, name)]
        expected = [tuple(variable.shape) for variable in variables]
        if shapes != expected:
            raise RunError(
                f"the training state's `{name}` arrays must have the shapes {expected}, received: {shapes}. "
                "Continue with the settings and the pairs of the run that saved the state."
            )


def share_state(state: TrainingState) -> None:
    """Replace the state by that of the first process, if several train together."""
    group = current()
    if group.count == 1:
        return
    data = io.BytesIO()
    if group.is_first:
        own: dict[str, Any] = {**state.arrays()}
        np.savez(data, **own)
    received, metadata = group.first_bytes(data.getvalue()), group.first(state.metadata())
    if not group.is_first:
        with np.load(io.BytesIO(received), allow_pickle=False) as arrays:
            vars(state).update(vars(TrainingState.restore(arrays, metadata)))


def _array_list(arrays: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in arrays)
    return [np.array(arrays[f"{name}/{i}"]) for i in range(count)]


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
