"""Loss and accuracy on the validation pairs after each epoch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.models.compiled import compiled
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.loss import network_sums
from passerelle.training.scheduled_sampling import read_own_numbers

__all__ = ["Validation", "make_validate"]


class Validation(Callback):
    """Compute loss and accuracy on the validation pairs and add them to `run.state.history[-1]`.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        batches: validation batches.
    """

    def __init__(self, network: Any, batches: Batches):
        self._batches = batches
        self._validate = make_validate(network)

    def on_validate(self, run: Run) -> None:
        loss, accuracy = self._validate(self._batches)
        history = run.state.history
        history[-1] = replace(history[-1], validation_loss=loss, validation_accuracy=accuracy)


def make_validate(network: Any) -> Callable[[Batches], tuple[float, float]]:
    """Return a function batches -> (loss, accuracy).

    For texts, the loss is in nats per token and both are under teacher forcing. For numbers, see `read_own_numbers`.
    """

    def sums(inputs: Any, labels: Any) -> Any:
        return network_sums(network, network(read_own_numbers(network, inputs)), labels)

    program = compiled(sums, network.variables)

    def validate(batches: Batches) -> tuple[float, float]:
        batch_sums = [program(batch.inputs, batch.labels) for batch in batches.epoch(0)]
        loss, tokens, correct = np.sum([[float(value) for value in row] for row in batch_sums], axis=0).tolist()
        return loss / max(tokens, 1.0), correct / max(tokens, 1.0)

    return validate
