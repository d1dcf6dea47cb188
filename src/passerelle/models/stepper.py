"""The step function of one output, built from its two inference models, for search and scoring."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.cache import with_capacity
from passerelle.layers.number_head import parameter_count, point
from passerelle.models.entry import reads_numbers
from passerelle.models.ids import first_target_column
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import IMPOSSIBLE, START

__all__ = ["ATTENTION", "NumberStepper", "Stepper", "make_stepper"]

ATTENTION = "attention"
"""Name of the attention weights in the outputs of the inference decoder."""

COVERAGE = "coverage"
MIN_COVERAGE = 1e-9
"""Lower bound of the coverage, which keeps its logarithm finite."""


class Stepper:
    """Decodes one output step by step.

    Args:
        settings: settings of the network.
        name: name of the output field.
        size: number of ids of the output, including the special tokens.
        encoder: the inference encoder, a Keras model: inputs by name -> initial states and memory by name.
        decoder: the inference decoder, a Keras model: the output's ids under `name`, states and memory by name -> a
            dict with `logits`, the new states and, with attention, `attention`.

    Attributes:
        network: the network that contains both models, which sets it.
    """

    network: Any = None

    def __init__(self, settings: NetworkSettings, name: str, size: int, *, encoder: Any, decoder: Any):
        self.settings = settings
        self.name = name
        self.size = size
        self.encoder = encoder
        self.decoder = decoder

    def __reduce__(self) -> tuple[Any, ...]:
        return _stepper_of, (self.network, self.name)  # pickled alone, the two models would not share their layers

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input arrays of the inference encoder."""
        return tuple(self.encoder.input)

    @property
    def first(self) -> int:
        """The id of column 0 of the logits."""
        return first_target_column(self.settings)

    @property
    def variables(self) -> list[Any]:
        """The Keras variables of both models, without duplicates."""
        return list(
            {id(variable): variable for model in (self.encoder, self.decoder) for variable in model.variables}.values()
        )

    @property
    def attends(self) -> bool:
        """Whether the network has attention."""
        return self.settings.attention != "none"

    def begin(self, inputs: dict[str, Any], *, coverage: bool = False, max_steps: int = 0) -> dict[str, Any]:
        """Read the inputs and return the initial state, arrays with leading axis batch.

        Args:
            inputs: arrays of the network's inputs by name; those that this output does not need are ignored.
            coverage: whether the steps sum their attention weights for `coverage_score`; ignored without attention.
            max_steps: maximum number of tokens that the steps will read, for the states of a Transformer decoder. 0 is
                enough for a single call of `steps`, and for a caller that uses `layers.cache.with_capacity`.
        """
        state = with_capacity(self.encoder({name: inputs[name] for name in self.inputs}), max_steps)
        if coverage and self.attends:
            state[COVERAGE] = ops.zeros_like(state["memory_mask"], dtype="float32")
        return state

    def coverage_score(self, state: dict[str, Any]) -> Any:
        """Return the coverage score of each row, float (batch,), at most 0.

        It is the sum over source tokens of log(min(sum of the token's attention weights, 1)).

        Source: Wu et al. 2016, arXiv:1609.08144, section 7, equation 14, without the factor beta.
        """
        log_coverage = ops.log(ops.clip(state[COVERAGE], MIN_COVERAGE, 1.0))
        return ops.sum(ops.where(state["memory_mask"], log_coverage, 0.0), axis=-1)

    def step(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Read one token and return the log probabilities of the next token.

        Args:
            ids: int (batch,), the previous token of each row; START at first.
            state: from `begin` or the previous step.

        Returns:
            log_probs: float (batch, size), in nats, by id; PAD and START are impossible. With copying, S more columns
                for the source positions.
            state: for the next step.
        """
        log_probs, state, _ = self.steps(ops.expand_dims(ids, 1), state)
        return log_probs[:, 0], state

    def steps(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
        """Like `step`, for T tokens at once.

        Args:
            ids: int (batch, T).
            state: from `begin` or the previous step.

        Returns:
            log_probs: float (batch, T, size), in nats; with copying, S more columns.
            state: the state after the last token.
            weights: float (batch, T, S), attention weights; None without attention.
        """
        decoder_inputs = {name: values for name, values in state.items() if name != COVERAGE}
        outputs = self.decoder({self.name: ids, **decoder_inputs})
        weights = outputs.pop(ATTENTION, None)
        if COVERAGE in state:
            outputs[COVERAGE] = state[COVERAGE] + ops.sum(weights, axis=1)
        prediction = self._prediction(outputs.pop("logits"))
        return prediction, state | outputs, weights

    def _prediction(self, logits: Any) -> Any:
        """Convert the result of the decoder to log probabilities by id."""
        log_probs: Any = ops.log_softmax(logits)
        log_probs = ops.pad(log_probs, ((0, 0), (0, 0), (self.first, 0)), constant_values=IMPOSSIBLE)
        is_start = ops.equal(ops.arange(log_probs.shape[-1]), START)
        return ops.where(is_start, IMPOSSIBLE, log_probs)

    def most_likely(self, prediction: Any, dtype: Any) -> Any:
        """Return what the decoder reads in the next step if it reads its own prediction of this step.

        Args:
            prediction: result of `step`: float (batch, size).
            dtype: dtype of the result.

        Returns:
            (batch,), the most likely ids.
        """
        return ops.cast(ops.argmax(prediction, axis=-1), dtype)


class NumberStepper(Stepper):
    """Predicts one output of numbers step by step. It has the methods of `Stepper` with other arrays.

    `step` and `steps` read numbers, float (batch, width) and (batch, T, width), zeros first. Instead of log
    probabilities they return the parameters of the head, float (batch, columns, P) and (batch, T, columns, P), see
    `layers.number_head.NumberHead`.

    Args:
        settings: settings of the network.
        name: name of the output field.
        size: number of columns, without the one that is 1 at each element.
        encoder: see `Stepper`.
        decoder: see `Stepper`.
    """

    @property
    def fed_back(self) -> bool:
        """Whether a step reads the numbers of the step before; otherwise one call of `steps` can predict all steps."""
        return self.settings.decoder.feedback

    def _prediction(self, logits: Any) -> Any:
        shape = (*logits.shape[:-1], self.size, parameter_count(self.settings.decoder.head))
        return ops.reshape(logits, shape)

    def most_likely(self, prediction: Any, dtype: Any) -> Any:
        """Return the points that the decoder reads in the next step, float (batch, width); see `Stepper`."""
        numbers = point(prediction, self.settings.decoder.head)
        return ops.cast(ops.concatenate([numbers, ops.ones_like(numbers[:, :1])], axis=-1), dtype)


def make_stepper(
    settings: NetworkSettings, name: str, spec: Mapping[str, Any], *, encoder: Any, decoder: Any
) -> Stepper:
    """Return the stepper of an output; see `Stepper` for the arguments, and `models.specs.Specs` for `spec`."""
    if reads_numbers(spec):
        return NumberStepper(settings, name, spec["width"] - 1, encoder=encoder, decoder=decoder)
    return Stepper(settings, name, spec["size"], encoder=encoder, decoder=decoder)


def _stepper_of(network: Any, name: str) -> Stepper:
    return network.steppers[name]
