"""The training state: everything that a run knows between two updates, as one value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from passerelle.training.history import Epoch

__all__ = ["Best", "TrainingState", "check_fit"]

FORMAT = 1
"""Version of the layout that `arrays` and `metadata` write."""

LISTS = ("trainable", "non_trainable", "optimizer", "last")


@dataclass
class Best:
    """The weights of the best epoch so far.

    Attributes:
        epoch: its number; 0 before there is one.
        value: its validation loss, or its training loss without validation pairs; nats per token.
        weights: as `network.get_weights()` returns them.
    """

    epoch: int = 0
    value: float = math.inf
    weights: list[np.ndarray] = field(default_factory=list)


@dataclass
class TrainingState:
    """Everything that a run knows between two updates.

    `Update.begin` fills an empty state from a network and an optimizer. A run changes its state in place. Save it with
    `arrays` and `metadata`, in the events `on_update_end`, `on_epoch_end` and `on_train_end`, or after the run; a run
    that goes on from `restored` gives the same weights as one that was never stopped, bit for bit on the same backend.

    Attributes:
        trainable: one array, or Keras variable, for each of `network.trainable_variables`, in this order and with their
            shapes and dtypes.
        non_trainable: likewise for `network.non_trainable_variables`, the seeds of dropout, uint32 (2,), among them.
        optimizer: likewise for `optimizer.variables`: int32 (), the number of updates; float32 (), the learning rate;
            then moments of the shapes of weights.
        sums: float (3,), of the running epoch: the summed loss in nats, target tokens, correct predictions.
        random: generator of the draws of scheduled sampling.
        epoch: number of the running epoch, from 1; in `on_epoch_end` already of the next.
        position: updates made in the running epoch.
        updates: updates made since the run began.
        history: the finished epochs.
        best: the best epoch so far.
        last: weights after the last finished epoch, as `network.get_weights()` returns them; empty where `best.weights`
            are kept instead.
        seconds: time spent since the run began, of all processes that continued it.
        epoch_began: the value of `seconds` when the running epoch began.
        stopped: the reason why the run ended, or ends after the current event; empty while it runs and where no
            callback ended it. A callback that sets it ends the run.
    """

    trainable: list[Any] = field(default_factory=list)
    non_trainable: list[Any] = field(default_factory=list)
    optimizer: list[Any] = field(default_factory=list)
    sums: Any = field(default_factory=lambda: np.zeros(3, np.float32))
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    epoch: int = 1
    position: int = 0
    updates: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    last: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    epoch_began: float = 0.0
    stopped: str = ""

    @classmethod
    def from_seed(cls, seed: int) -> Self:
        """Return the state before the first update, without arrays yet."""
        return cls(random=np.random.default_rng((seed, 2)))

    def means(self) -> tuple[float, float]:
        """Return the running epoch's loss in nats per token, and its accuracy; waits for all updates."""
        loss, tokens, correct = np.asarray(self.sums).tolist()
        return loss / max(tokens, 1.0), correct / max(tokens, 1.0)

    def start_epoch(self, number: int) -> None:
        """Move to the beginning of an epoch."""
        self.epoch, self.position = number, 0
        self.sums = np.zeros(3, np.float32)
        self.epoch_began = self.seconds

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of all arrays, by names such as `trainable/0`, `optimizer/2`, `best/0` and `sums`."""
        lists = {name: getattr(self, name) for name in LISTS} | {"best": self.best.weights}
        named = {f"{name}/{i}": array for name, arrays in lists.items() for i, array in enumerate(arrays)}
        return {name: np.array(array) for name, array in (named | {"sums": self.sums}).items()}

    def metadata(self) -> dict[str, Any]:
        """Return the rest of the state as JSON values; floats keep every bit, also infinite and undefined ones."""
        return {
            "format": FORMAT,
            "epoch": self.epoch,
            "position": self.position,
            "updates": self.updates,
            "seconds": self.seconds,
            "epoch_began": self.epoch_began,
            "stopped": self.stopped,
            "random": self.random.bit_generator.state,
            "best": {"epoch": self.best.epoch, "value": _to_json(self.best.value)},
            "history": [{name: _to_json(value) for name, value in asdict(epoch).items()} for epoch in self.history],
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Self:
        """Return the state that `arrays()` and `metadata()` describe.

        Raises:
            ValueError: if they were written in another format.
        """
        if metadata.get("format") != FORMAT:
            raise ValueError(
                f"a training state must have format {FORMAT}, received: {metadata.get('format')!r}. Restore it with the "
                "version of Passerelle that wrote it."
            )
        random = np.random.default_rng(0)
        random.bit_generator.state = metadata["random"]
        best = metadata["best"]
        return cls(
            **{name: _listed(arrays, name) for name in LISTS},
            sums=np.array(arrays["sums"]),
            random=random,
            history=[
                Epoch(**{name: _from_json(value) for name, value in epoch.items()}) for epoch in metadata["history"]
            ],
            best=Best(best["epoch"], _from_json(best["value"]), _listed(arrays, "best")),
            **{name: metadata[name] for name in ("epoch", "position", "updates", "seconds", "epoch_began", "stopped")},
        )


def check_fit(state: TrainingState, **groups: Sequence[Any]) -> None:
    """Check that a restored state has an array for each variable.

    Args:
        state: with or without arrays.
        **groups: variables by the name of the state's list.

    Raises:
        ValueError: if metadata or shapes of arrays differ.
    """
    for name, variables in groups.items():
        found = [tuple(np.shape(array)) for array in getattr(state, name)]
        wanted = [tuple(variable.shape) for variable in variables]
        if found != wanted:
            raise ValueError(
                f"the training state's `{name}` arrays must have the shapes {wanted}, received: {found}. "
                "Continue with the settings and the pairs of the run that made the state."
            )


def _listed(arrays: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in arrays)
    return [np.array(arrays[f"{name}/{i}"]) for i in range(count)]


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
