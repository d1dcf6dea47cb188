"""The first step of training new tokens: their output biases, from their frequency."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from passerelle.backend import computing
from passerelle.data.batches import Batches
from passerelle.models.ids import first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.special_tokens import PAD

__all__ = ["fit_biases"]


@computing()
def fit_biases(network: SequenceToSequence, known: Mapping[str, np.ndarray], batches: Batches) -> None:
    """Set the output biases of new tokens such that their mean probability is their frequency.

    This is the maximum likelihood estimate of the biases, as long as the probabilities are small. `transfer_weights`
    makes new tokens so improbable that no translation changes. An optimizer, whose steps do not grow with the
    gradient, would need thousands of updates from there.

    Args:
        network: the network, with one output; its biases change.
        known: path of each output bias -> bool (columns,), False for new tokens.
        batches: the training batches. The probabilities are those of the first batch, the frequencies those of the
            first epoch.
    """
    biases = [variable for variable in network.weights if variable.path in known]
    if not biases:
        return
    batch = next(batches.epoch(1))
    (name, labels), *_ = batch.labels.items()
    new = np.flatnonzero(~next(iter(known.values())))
    logits: Any = network({key: keras.ops.convert_to_tensor(ids) for key, ids in batch.inputs.items()}, training=False)
    log_probabilities = np.asarray(keras.ops.log_softmax(logits), np.float64)[labels != PAD][:, new]
    expected = np.logaddexp.reduce(log_probabilities, axis=0) - np.log(len(log_probabilities))
    counts = batches.token_counts(name, first_target_column(network.settings) + new)
    frequency = np.log(np.maximum(counts, 1) / batches.target_tokens)
    for bias in biases:
        values = np.array(bias.value)
        values[new] += frequency - expected
        bias.assign(values)
