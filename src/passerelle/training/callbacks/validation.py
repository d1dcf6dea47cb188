"""Validation after each interval: loss, accuracy, translations; the choice between weights and their averages."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from passerelle.data.batches import Batches
from passerelle.models.compiled import compiled
from passerelle.models.stepper import NumberStepper
from passerelle.parallel.row_mesh import RowMesh, row_mesh
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Interval, Translations, criterion
from passerelle.training.loss import network_sums
from passerelle.training.scheduled_sampling import read_own_numbers

__all__ = ["Validation", "make_validate"]

SAMPLES = 2
"""Number of translations per validation that `run.samples` has."""

MAX_EXPONENT = 709.0
"""Largest integer whose exponential is a float."""


class Validation(Callback):
    """Validate the weights and each of `run.candidates` by the metric, and assign the best ones to the network.

    The results of the best weights are added to `run.state.history[-1]`, and some of their translations to
    `run.samples`. Without validation batches, the last candidate counts as the best.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        batches: validation batches; None for no validation.
        weights: weight of the tokens of each output; see `loss.output_weights`.
        metric: see `history.criterion`.
        translate: translates validation sources with the network's weights; None to translate none.
    """

    def __init__(
        self,
        network: Any,
        batches: Batches | None,
        *,
        weights: Mapping[str, float] | None = None,
        metric: str = "loss",
        translate: Callable[[], Translations] | None = None,
    ):
        self._network = network
        self._batches = batches
        self._metric = metric
        self._translate = translate
        self._validate = make_validate(network, weights)
        self._texts = not any(isinstance(stepper, NumberStepper) for stepper in network.steppers.values())

    def on_validate(self, run: Run) -> None:
        interval = run.state.history[-1]
        raw = [np.array(variable) for variable in self._network.trainable_variables] if run.candidates else []
        kinds = {"raw": raw, **run.candidates}
        if self._batches is None:
            kind = list(kinds)[-1]
            self._assign(kinds[kind])
            run.state.history[-1] = replace(interval, weights=kind)
            return
        results: list[tuple[Interval, Translations | None]] = []
        for kind, weights in kinds.items():
            self._assign(weights)
            results.append(self._results(replace(interval, weights=kind), self._batches))
        best, translations = min(results, key=lambda result: _order(result[0], self._metric))  # the first of equal ones
        self._assign(kinds[best.weights])
        if self._translate is not None:
            translations = translations or self._translate()
            best = replace(best, chrf=translations.chrf, exact_match=translations.exact_match)
            first, count = SAMPLES * (best.number - 1), len(translations.samples)
            rows = dict.fromkeys((first + number) % count for number in range(SAMPLES))
            run.samples = tuple(translations.samples[row] for row in rows)
        run.state.history[-1] = best

    def _results(self, interval: Interval, batches: Batches) -> tuple[Interval, Translations | None]:
        """Return the results of the network's weights; translations only if the metric needs them."""
        loss, accuracy = self._validate(batches)
        perplexity = _perplexity(loss) if self._texts else None
        interval = replace(
            interval, validation_loss=loss, validation_accuracy=accuracy, validation_perplexity=perplexity
        )
        if self._metric == "loss" or self._translate is None:
            return interval, None
        translations = self._translate()
        return replace(interval, chrf=translations.chrf, exact_match=translations.exact_match), translations

    def _assign(self, weights: Sequence[np.ndarray]) -> None:
        """Assign trainable weights; none leave the network as it is."""
        for variable, value in zip(self._network.trainable_variables, weights, strict=False):
            variable.assign(value)


def _perplexity(loss: float) -> float:
    """Return the perplexity of a token, from nats per token."""
    return math.exp(loss) if not loss > MAX_EXPONENT else math.inf  # NaN stays NaN


def _order(interval: Interval, metric: str) -> float:
    value = criterion(interval, metric)
    return math.inf if math.isnan(value) else value


def make_validate(network: Any, weights: Mapping[str, float] | None = None) -> Callable[[Batches], tuple[float, float]]:
    """Return a function batches -> (loss, accuracy).

    For texts, the loss is in nats per token, and both are under teacher forcing; those of several outputs are weighted
    means. For numbers, see `read_own_numbers`.
    """

    def sums(inputs: Any, labels: Any) -> Any:
        return network_sums(network, network(read_own_numbers(network, inputs)), labels, weights=weights)

    mesh = row_mesh()
    if mesh is not None:
        return _divided_validate(mesh, sums, network)
    program = compiled(sums, network.variables)

    def validate(batches: Batches) -> tuple[float, float]:
        return _means([program(batch.inputs, batch.labels) for batch in batches.epoch(0)])

    return validate


def _divided_validate(
    mesh: RowMesh, sums: Callable[[Any, Any], Any], network: Any
) -> Callable[[Batches], tuple[float, float]]:
    """Return the function of `make_validate` for batches whose rows are divided among processes."""

    def on_device(values: Any, arrays: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(network.variables, values, strict=True))):
            return mesh.sum(sums(*arrays))

    program = mesh.program(on_device, whole=1)

    def validate(batches: Batches) -> tuple[float, float]:
        values = [mesh.replicate(variable.value) for variable in network.variables]
        own = batches.shared(mesh.share).epoch(0)
        return _means([program(values, mesh.divide((batch.inputs, batch.labels))) for batch in own])

    return validate


def _means(batch_sums: Sequence[Sequence[Any]]) -> tuple[float, float]:
    """Return loss and accuracy, from the sums of loss, tokens and correct predictions of each batch."""
    loss, tokens, correct = np.sum([[float(np.asarray(value)) for value in row] for row in batch_sums], axis=0).tolist()
    return loss / max(tokens, 1.0), correct / max(tokens, 1.0)
