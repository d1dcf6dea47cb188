"""Decoder inputs in training: target tokens (teacher forcing), model predictions, or a mixture (scheduled sampling).

A decoder that only ever reads correct tokens does not learn to continue after a mistake (exposure bias). The labels are
the correct tokens in every case.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from passerelle.models.stepper import NumberStepper
from passerelle.settings import TrainingSettings

__all__ = ["mix_in_predictions", "read_own_numbers", "teacher_forced_steps"]

ops: Any = keras.ops
"""`keras.ops` without its type annotations, which allow some functions to return None."""


def teacher_forced_steps(
    settings: TrainingSettings, epoch: float, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray | None:
    """Sample the steps at which the decoder reads the target token instead of its prediction.

    With `scheduled_sampling` (Bengio et al. 2015, arXiv:1506.03099, section 2.4) the probability of a target token is
    k / (k + exp(epoch / k)), the inverse sigmoid decay, where k is the setting `scheduled_sampling_k`. Deviation: it
    decays by epochs, not by updates, so it does not depend on the number of pairs.

    Args:
        settings: training settings; `decoder_inputs` chooses the method.
        epoch: completed epochs; fractional within an epoch.
        shape: (batch, T).
        random: random generator.

    Returns:
        bool (batch, T), True at teacher-forced steps; None if all steps are teacher-forced.
    """
    if settings.decoder_inputs == "teacher_forcing":
        return None
    if settings.decoder_inputs == "free_running":
        return np.zeros(shape, bool)
    k = settings.scheduled_sampling_k
    share = k / (k + math.exp(min(epoch / k, 700.0)))
    return random.random(shape) < share


def mix_in_predictions(network: Any, inputs: Mapping[str, Any], teacher_forced: Any) -> dict[str, Any]:
    """Replace target tokens or numbers among the inputs by the network's own predictions, step by step.

    Predictions carry no gradient, so this pass computes none. It costs a greedy search, which is cheaper than
    differentiating through a scan. It uses no dropout.

    Args:
        network: `steppers[name]` has `begin` and `step` for each output.
        inputs: inputs of the training model; for each output int (batch, T), START first, or float (batch, T, width).
        teacher_forced: bool (batch, T), True where a token of the outputs remains. START always remains.

    Returns:
        A copy of the inputs with these replacements.
    """
    mixed = {name: _mixed_tokens(stepper, inputs, teacher_forced) for name, stepper in network.steppers.items()}
    return {**inputs, **mixed}


def read_own_numbers(network: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the target numbers among the inputs by the network's own predictions, as in a forecast.

    Tokens, and numbers that the decoder does not read, do not change. So the validation loss of numbers is that of the
    forecast, while that of text remains a log probability, by teacher forcing.
    """
    fed_back = {
        name: stepper
        for name, stepper in network.steppers.items()
        if isinstance(stepper, NumberStepper) and stepper.fed_back
    }
    if not fed_back:
        return dict(inputs)
    # In a scope of its own: the layers draw seeds within the scan, which the caller's scope must not keep.
    values = [(variable, variable.value) for variable in network.variables]
    with keras.StatelessScope(state_mapping=values):
        mixed = {
            name: _mixed_tokens(stepper, inputs, ops.zeros(inputs[name].shape[:2], "bool"))
            for name, stepper in fed_back.items()
        }
    return {**inputs, **mixed}


def _mixed_tokens(stepper: Any, inputs: Mapping[str, Any], teacher_forced: Any) -> Any:
    """Return the decoder inputs of one output, int (batch, T) or float (batch, T, width).

    `teacher_forced` has the steps of the longest output, at least T.
    """
    ids = ops.convert_to_tensor(inputs[stepper.name])
    teacher_forced = teacher_forced[:, : ids.shape[1]]
    state = stepper.begin(inputs, max_steps=ids.shape[1])

    def step(carry: Any, current: Any) -> Any:
        predicted, state = carry
        correct, is_teacher_forced = current
        decoder_input = ops.where(is_teacher_forced, correct, predicted)
        prediction, state = stepper.step(decoder_input, state)
        return (stepper.most_likely(prediction, correct.dtype), state), decoder_input

    # The first input is the initial prediction. The scan runs over (T, batch).
    mask = ops.reshape(teacher_forced, (*teacher_forced.shape, *[1] * (len(ids.shape) - 2)))
    _, decoder_inputs = ops.scan(step, (ids[:, 0], state), (ops.swapaxes(ids, 0, 1), ops.swapaxes(mask, 0, 1)))
    return ops.swapaxes(decoder_inputs, 0, 1)
