"""What the decoder reads while it learns: the right tokens, or now and then its own choices, as when it translates.

A decoder that has only ever read right tokens does not know what to do after a mistake: exposure bias. Whatever it
reads, it is to answer what is right.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from passerelle.settings import TrainingSettings
from passerelle.special_tokens import START

__all__ = ["mix_in_predictions", "teacher_forced_steps"]

ops: Any = keras.ops
"""Without Keras's annotations, which say that these may return None."""


def teacher_forced_steps(
    settings: TrainingSettings, epoch: float, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray | None:
    """Draws where the decoder reads the right token.

    With `scheduled_sampling` (Bengio et al. 2015, arXiv:1506.03099, section 2.4) the share of right tokens is
    k / (k + exp(epoch / k)), the inverse sigmoid, with k the setting `scheduled_sampling_k`. Deviation: it falls with
    epochs, not with updates, so that it does not depend on the number of pairs.

    Args:
        settings: which kind.
        epoch: how far training is, in epochs, from 0.
        shape: (batch, T).
        random: where from.

    Returns:
        bool (batch, T); None where every token is the right one.
    """
    if settings.decoder_inputs == "teacher_forcing":
        return None
    if settings.decoder_inputs == "free_running":
        return np.zeros(shape, bool)
    k = settings.scheduled_sampling_k
    share = k / (k + math.exp(min(epoch / k, 700.0)))
    return random.random(shape) < share


def mix_in_predictions(network: Any, inputs: Mapping[str, Any], right: Any) -> dict[str, Any]:
    """Walks through the targets and replaces tokens by the network's likeliest prediction.

    No gradient goes through a prediction, so the walk needs none: an update costs this search more, not a scan with
    gradients. Dropout does not take part in it.

    Args:
        network: `steppers[name]` has `begin` and `step` for each output.
        inputs: of the training model; of each output int (batch, T), START first.
        right: bool (batch, T), where the outputs' tokens stay. START always does.

    Returns:
        The inputs, with other tokens of the outputs.
    """
    return {**inputs, **{name: _mixed_tokens(one, inputs, right) for name, one in network.steppers.items()}}


def _mixed_tokens(stepper: Any, inputs: Mapping[str, Any], right: Any) -> Any:
    """int (batch, T): the tokens of one output to read instead."""
    ids = ops.convert_to_tensor(inputs[stepper.name])
    state = stepper.begin(inputs)

    def step(carried: Any, given: Any) -> Any:
        own, state = carried
        token, is_right = given
        read = ops.where(ops.logical_or(is_right, ops.equal(token, START)), token, own)
        log_probs, state = stepper.step(read, state)
        return (ops.cast(ops.argmax(log_probs, axis=-1), token.dtype), state), read

    _, read = ops.scan(step, (ids[:, 0], state), (ops.transpose(ids), ops.transpose(right)))
    return ops.transpose(read)
