"""Several networks combined as an ensemble."""

from collections.abc import Sequence
from typing import Any, Literal

from keras import ops

from passerelle.models.stepper import Stepper
from passerelle.special_tokens import IMPOSSIBLE

__all__ = ["Ensemble", "Mean"]

Mean = Literal["arithmetic", "geometric"]


class Ensemble:
    """Averages the next-token probabilities of several networks; it has the interface of one `Stepper`.

    The networks may differ in architecture and size, but must have the same source and target vocabularies.

    Args:
        networks: steppers of the networks, at least one.
        weights: relative weight of each network; None for equal weights.
        mean: `arithmetic`, the mean of the probabilities, or `geometric`, the renormalized exponential of the mean log
            probability. With `geometric`, a token that one network considers impossible is impossible.
    """

    def __init__(
        self,
        networks: Sequence[Stepper],
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.networks = tuple(networks)
        weights = [1.0] * len(self.networks) if weights is None else [float(weight) for weight in weights]
        self.weights = [weight / sum(weights) for weight in weights]
        self.mean: Mean = mean

    @property
    def variables(self) -> list[Any]:
        """The Keras variables of all networks."""
        return [variable for network in self.networks for variable in network.variables]

    @property
    def attends(self) -> bool:
        """Whether at least one of the networks has attention."""
        return any(network.attends for network in self.networks)

    def begin(self, inputs: dict[str, Any], *, coverage: bool = False, max_steps: int = 0) -> tuple[Any, ...]:
        """Read the inputs and return the initial state of each network; see `Stepper.begin`."""
        return tuple(network.begin(inputs, coverage=coverage, max_steps=max_steps) for network in self.networks)

    def coverage_score(self, state: tuple[Any, ...]) -> Any:
        """Return the mean of `Stepper.coverage_score` over the networks with attention, float (batch,)."""
        scores = [
            network.coverage_score(network_state)
            for network, network_state in zip(self.networks, state, strict=True)
            if network.attends
        ]
        return ops.mean(ops.stack(scores), axis=0)

    def step(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Read one target token and return the log probabilities of the next token.

        Args:
            ids: int (batch,), the previous token of each row; START at first.
            state: from `begin` or the previous step.

        Returns:
            log_probs: float (batch, columns), log of the mean probability, in nats. The columns are those of the widest
                network; columns that another network lacks have probability 0 in it.
            state: for the next step.
        """
        log_probs, state, _ = self.steps(ops.expand_dims(ids, -1), state)
        return log_probs[:, 0], state

    def steps(self, ids: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], Any]:
        """Like `step`, for T target tokens at once.

        Args:
            ids: int (batch, T).
            state: from `begin` or the previous step.

        Returns:
            log_probs: float (batch, T, columns), in nats.
            state: the state after the last token.
            weights: float (batch, T, S), mean attention weights of the networks with attention; None without any.
        """
        steps = [network.steps(ids, network_state) for network, network_state in zip(self.networks, state, strict=True)]
        columns = max(log_probs.shape[-1] for log_probs, _, _ in steps)
        padded = [
            ops.pad(log_probs, ((0, 0), (0, 0), (0, columns - log_probs.shape[-1])), constant_values=IMPOSSIBLE)
            for log_probs, _, _ in steps
        ]
        stacked: Any = ops.stack(padded)  # (networks, batch, T, columns)
        network_weights: Any = ops.reshape(ops.convert_to_tensor(self.weights, "float32"), (-1, 1, 1, 1))
        if self.mean == "geometric":
            mean = ops.log_softmax(ops.sum(network_weights * stacked, axis=0))
        else:
            largest: Any = ops.max(stacked, axis=0)
            mean = largest + ops.log(ops.sum(network_weights * ops.exp(stacked - largest), axis=0))
            mean = ops.minimum(mean, 0.0)  # the sum of the rounded weights may exceed 1
        attention = [weights for _, _, weights in steps if weights is not None]
        return (
            mean,
            tuple(network_state for _, network_state, _ in steps),
            ops.mean(ops.stack(attention), axis=0) if attention else None,
        )
