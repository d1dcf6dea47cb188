"""Several networks asked as one."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from passerelle.models.sequence_to_sequence import IMPOSSIBLE, SequenceToSequence

__all__ = ["Ensemble"]


class Ensemble:
    """Averages the probabilities that networks give to each next symbol; to search it looks like one network.

    The networks may differ in kind and size, but share the ids of both sides.

    Args:
        networks: at least one.
    """

    def __init__(self, networks: Sequence[SequenceToSequence]):
        self.networks = tuple(networks)

    @property
    def variables(self) -> list[Any]:
        """The Keras variables of all networks."""
        return [variable for network in self.networks for variable in network.variables]

    def begin(self, inputs: dict[str, Any]) -> tuple[Any, ...]:
        """Reads the source: every network's own state, arrays with leading axis batch."""
        return tuple(network.begin(inputs) for network in self.networks)

    def step(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Reads one target symbol, says how likely each symbol comes next.

        Args:
            ids: int (batch,), START at first.
            state: from `begin` or the step before.

        Returns:
            log_probs: float (batch, columns), in nats: the logarithm of the mean of probabilities. Columns are those
                of the widest network; the others hold what they lack for impossible.
            state: for the next step.
        """
        return _mean([network.step(ids, own) for network, own in zip(self.networks, state, strict=True)])

    def steps(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """As `step`, of T target symbols at once: ids int (batch, T) -> log_probs (batch, T, columns)."""
        return _mean([network.steps(ids, own) for network, own in zip(self.networks, state, strict=True)])


def _mean(steps: list[tuple[Any, Any]]) -> tuple[Any, tuple[Any, ...]]:
    columns = max(log_probs.shape[-1] for log_probs, _ in steps)
    padded = [
        ops.pad(
            log_probs,
            (*[(0, 0)] * (len(log_probs.shape) - 1), (0, columns - log_probs.shape[-1])),
            constant_values=IMPOSSIBLE,
        )
        for log_probs, _ in steps
    ]
    stacked: Any = ops.stack(padded)  # (networks, batch, ..., columns)
    # Relative to the largest: a mean of shares of 1 at most, so that no sum of log probabilities rises above 0.
    largest: Any = ops.max(stacked, axis=0)
    mean = largest + ops.log(ops.mean(ops.exp(stacked - largest), axis=0))
    return mean, tuple(own for _, own in steps)
