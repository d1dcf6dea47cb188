"""The first step of training new tokens: their output biases, from their frequency."""

from collections.abc import Mapping

import keras
import numpy as np

from passerelle.backend import computing
from passerelle.data.batches import Batches
from passerelle.models.ids import first_target_column
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.transfer import vocabulary_field
from passerelle.special_tokens import PAD

__all__ = ["fit_biases"]


@computing()
def fit_biases(network: SequenceToSequence, known: Mapping[str, np.ndarray], batches: Batches) -> None:
    """Set the output biases of new tokens such that their mean probability is their frequency.

    This is the maximum likelihood estimate of the biases, as long as the probabilities are small. `transfer_weights`
    makes new tokens so improbable that no translation changes. An optimizer, whose steps do not grow with the
    gradient, would need thousands of updates from there.

    Args:
        network: the network; its biases change.
        known: path of each output bias -> bool (columns,), False for new tokens.
        batches: the training batches. The probabilities are those of the first batch that has targets of the output,
            the frequencies those of the first epoch.
    """
    first = first_target_column(network.settings)
    for bias in network.weights:
        if bias.path not in known:
            continue
        new, name = np.flatnonzero(~known[bias.path]), vocabulary_field(bias.path, network)
        batch = next((batch for batch in batches.epoch(1) if (batch.labels[name] != PAD).any()), None)
        if batch is None:  # no pair has the output
            continue
        inputs = {key: keras.ops.convert_to_tensor(ids) for key, ids in batch.inputs.items()}
        logits = network.by_output(network(inputs, training=False))[name]
        of_tokens = np.asarray(keras.ops.log_softmax(logits), np.float64)[batch.labels[name] != PAD]
        log_probabilities = of_tokens[:, new]
        expected = np.logaddexp.reduce(log_probabilities, axis=0) - np.log(len(log_probabilities))
        counts = batches.token_counts(name, first + new)
        frequency = np.log(np.maximum(counts, 1) / batches.tokens_of(name))
        values = np.array(bias.value)
        values[new] += frequency - expected
        bias.assign(values)
