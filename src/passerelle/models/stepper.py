"""One output's two inference models, as search and scoring call them: begin with the inputs, then step."""

from typing import Any

from keras import ops

from passerelle.models.ids import first_target_column
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import IMPOSSIBLE, START

__all__ = ["ATTENTION", "Stepper"]

ATTENTION = "attention"
"""Name of the attention weights among the outputs of the inference decoder."""

COVERAGE = "coverage"
LEAST = 1e-9
"""Below all attention that counts; keeps logarithms finite."""


class Stepper:
    """Decodes one output step by step.

    Args:
        settings: of the network.
        name: of the output.
        size: ids of the output, special ones included.
        encoder: the inference encoder: inputs by name -> initial states and memory, by name.
        decoder: the inference decoder: that dict and the output's ids, under `name` -> `logits`, states, `attention`.
    """

    def __init__(self, settings: NetworkSettings, name: str, size: int, *, encoder: Any, decoder: Any):
        self.settings = settings
        self.name = name
        self.size = size
        self.encoder = encoder
        self.decoder = decoder

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays that the inference encoder takes."""
        return tuple(self.encoder.input)

    @property
    def first(self) -> int:
        """The id of logits column 0."""
        return first_target_column(self.settings)

    @property
    def variables(self) -> list[Any]:
        """The Keras variables of both models, each once."""
        return list({id(one): one for model in (self.encoder, self.decoder) for one in model.variables}.values())

    @property
    def attends(self) -> bool:
        """Whether its steps look at the source."""
        return self.settings.attention != "none"

    def begin(self, inputs: dict[str, Any], *, coverage: bool = False) -> dict[str, Any]:
        """Reads the inputs: the state before the first token, arrays with leading axis batch.

        Args:
            inputs: the network's inputs; arrays that this output does not need are ignored.
            coverage: whether steps sum up where they looked, for `covered`; not without attention.
        """
        state = self.encoder({name: inputs[name] for name in self.inputs})
        if coverage and self.attends:
            state[COVERAGE] = ops.zeros_like(state["memory_mask"], dtype="float32")
        return state

    def covered(self, state: dict[str, Any]) -> Any:
        """float (batch,), at most 0: the sum over source tokens of log(min(attention it had in all steps, 1)).

        Source: Wu et al. 2016, arXiv:1609.08144, section 7, equation 14, without its factor.
        """
        had = ops.log(ops.clip(state[COVERAGE], LEAST, 1.0))
        return ops.sum(ops.where(state["memory_mask"], had, 0.0), axis=-1)

    def step(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Reads one token of the output, says how likely each token comes next.

        Args:
            ids: int (batch,), START at first.
            state: from `begin` or the step before.

        Returns:
            log_probs: float (batch, size), in nats, by id; PAD and START are impossible. Where the output copies, S
                more for the source's positions.
            state: for the next step.
        """
        log_probs, state, _ = self.steps(ops.expand_dims(ids, -1), state)
        return log_probs[:, 0], state

    def steps(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
        """As `step`, of T tokens at once.

        Args:
            ids: int (batch, T).
            state: as for `step`.

        Returns:
            log_probs: float (batch, T, size), or S more.
            state: after the last token.
            weights: float (batch, T, S), where each step looked; None without attention.
        """
        read = {name: values for name, values in state.items() if name != COVERAGE}
        outputs = self.decoder({self.name: ids, **read})
        weights = outputs.pop(ATTENTION, None)
        if COVERAGE in state:
            outputs[COVERAGE] = state[COVERAGE] + ops.sum(weights, axis=1)
        log_probs: Any = ops.log_softmax(outputs.pop("logits"))
        log_probs = ops.pad(log_probs, ((0, 0), (0, 0), (self.first, 0)), constant_values=IMPOSSIBLE)
        never = ops.equal(ops.arange(log_probs.shape[-1]), START)
        return ops.where(never, IMPOSSIBLE, log_probs), state | outputs, weights
