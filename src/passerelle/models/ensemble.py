"""Several networks combined as an ensemble."""

from collections.abc import Sequence
from typing import Any, Literal

from keras import ops

from passerelle.models.stepper import Stepper
from passerelle.special_tokens import IMPOSSIBLE

__all__ = ["Ensemble", "Mean"]

Mean = Literal["arithmetic", "geometric"]


class Ensemble:
    """Averages what networks say about each next token; to search it looks like one network.

    The networks may differ in kind and size, but share the ids of both sides.

    Args:
        networks: at least one.
        weights: how much each counts, relative to the others; None for all the same.
        mean: `arithmetic`, of probabilities, or `geometric`, of their logarithms, scaled to sum to one again: what one
            network holds for impossible is impossible then.
    """

    def __init__(
        self,
        networks: Sequence[Stepper],
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.networks = tuple(networks)
        shares = [1.0] * len(self.networks) if weights is None else [float(weight) for weight in weights]
        self.shares = [share / sum(shares) for share in shares]
        self.mean = mean

    @property
    def variables(self) -> list[Any]:
        """The Keras variables of all networks."""
        return [variable for network in self.networks for variable in network.variables]

    @property
    def attends(self) -> bool:
        """Whether one of them looks at the source."""
        return any(network.attends for network in self.networks)

    def begin(self, inputs: dict[str, Any], *, coverage: bool = False) -> tuple[Any, ...]:
        """Reads the source: every network's own state, arrays with leading axis batch."""
        return tuple(network.begin(inputs, coverage=coverage) for network in self.networks)

    def covered(self, state: tuple[Any, ...]) -> Any:
        """float (batch,): the mean of what those say that look at the source; see `Stepper.covered`."""
        said = [network.covered(own) for network, own in zip(self.networks, state, strict=True) if network.attends]
        return ops.mean(ops.stack(said), axis=0)

    def step(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Reads one target token, says how likely each token comes next.

        Args:
            ids: int (batch,), START at first.
            state: from `begin` or the step before.

        Returns:
            log_probs: float (batch, columns), in nats: of the mean. Columns are those of the widest network; the
                others hold what they lack for impossible.
            state: for the next step.
        """
        log_probs, state, _ = self.steps(ops.expand_dims(ids, -1), state)
        return log_probs[:, 0], state

    def steps(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], Any]:
        """As `step`, of T target tokens at once.

        Args:
            ids: int (batch, T).
            state: as for `step`.

        Returns:
            log_probs: float (batch, T, columns).
            state: after the last token.
            weights: float (batch, T, S), the mean of where those looked that do; None where none does.
        """
        steps = [network.steps(ids, own) for network, own in zip(self.networks, state, strict=True)]
        columns = max(log_probs.shape[-1] for log_probs, _, _ in steps)
        padded = [
            ops.pad(log_probs, ((0, 0), (0, 0), (0, columns - log_probs.shape[-1])), constant_values=IMPOSSIBLE)
            for log_probs, _, _ in steps
        ]
        stacked: Any = ops.stack(padded)  # (networks, batch, T, columns)
        shares: Any = ops.reshape(ops.convert_to_tensor(self.shares, "float32"), (-1, 1, 1, 1))
        if self.mean == "geometric":
            mean = ops.log_softmax(ops.sum(shares * stacked, axis=0))
        else:
            largest: Any = ops.max(stacked, axis=0)
            mean = largest + ops.log(ops.sum(shares * ops.exp(stacked - largest), axis=0))
            mean = ops.minimum(mean, 0.0)  # the shares' rounded sum may be more than 1
        looked = [weights for _, _, weights in steps if weights is not None]
        return mean, tuple(own for _, own, _ in steps), ops.mean(ops.stack(looked), axis=0) if looked else None
