"""The model that inference runs: one network or an ensemble, its signature with one output, and length limits."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any, get_args

from passerelle.data.lengths import Lengths
from passerelle.errors import SettingsError
from passerelle.fields.signature import Signature
from passerelle.models.ensemble import Ensemble, Mean
from passerelle.models.stepper import Stepper

__all__ = ["InferenceModel", "ensemble_of"]


class InferenceModel:
    """One network, or an ensemble of networks that share their vocabularies.

    Args:
        steppers: the inference models of each network, for the output to write; more than one form an ensemble.
        signature: the signature of the model.
        lengths: the lengths of the training pairs.
        weights: relative weight of each network; None for equal weights.
        mean: how to average the probabilities of the networks; see `Ensemble`.

    Attributes:
        network: the stepper, or the ensemble of all steppers.
    """

    def __init__(
        self,
        steppers: Sequence[Stepper],
        signature: Signature,
        lengths: Lengths,
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.steppers = tuple(steppers)
        # An ensemble copies if one of its networks does.
        self.signature = signature.with_output(steppers[0].name, copying=any(one.settings.copying for one in steppers))
        self.lengths = lengths
        self.network: Any = self.steppers[0] if len(self.steppers) == 1 else Ensemble(self.steppers, weights, mean)


def ensemble_of(
    models: Sequence[InferenceModel], weights: Sequence[float] | None = None, mean: Mean = "arithmetic"
) -> InferenceModel:
    """Combine the networks of several models into one ensemble.

    Args:
        models: at least one model.
        weights: relative weight of each network, in the order of `models`; None for equal weights.
        mean: `arithmetic` averages probabilities, `geometric` their logarithms; see `Ensemble`.

    Raises:
        SettingsError: if the models do not share their tokenizers, or `weights` or `mean` is invalid.
    """
    first = models[0]
    for number, model in enumerate(models, start=1):
        if differences := first.signature.differences(model.signature):
            raise SettingsError(
                f"the translators of an ensemble must share their tokenizers; number {number} differs from the first "
                f"in: {', '.join(differences)}. Train all of them on the same split of the same pairs."
            )
    steppers = [stepper for model in models for stepper in model.steppers]
    if weights is not None and (len(weights) != len(steppers) or not all(weight > 0 for weight in weights)):
        raise SettingsError(
            f"weights must be positive numbers, one for each of {len(steppers)} networks, received: {list(weights)}"
        )
    if mean not in get_args(Mean):
        raise SettingsError(f"mean must be one of {', '.join(get_args(Mean))}, received: {mean!r}")
    lengths = Lengths(*map(max, *(astuple(model.lengths) for model in models))) if len(models) > 1 else first.lengths
    return InferenceModel(steppers, first.signature, lengths, weights, mean)
