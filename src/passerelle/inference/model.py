"""The model that inference runs: one network or an ensemble, its signature with one output, and length limits."""

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, get_args

from passerelle.data.lengths import Lengths
from passerelle.errors import SettingsError
from passerelle.fields.signature import Signature
from passerelle.models.ensemble import Ensemble, Mean
from passerelle.models.stepper import Stepper

__all__ = ["InferenceModel", "check_weights", "ensemble_of"]


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
    models: Sequence[InferenceModel], weights: Sequence[float] | None = None, mean: Mean | None = None
) -> InferenceModel:
    """Combine the networks of several models into one ensemble.

    Args:
        models: at least one model.
        weights: relative weight of each network, in the order of `models`; None for equal weights, except that the
            networks of an ensemble among the models keep their relative weights, with the mean 1.
        mean: `arithmetic` averages probabilities, `geometric` their logarithms; see `Ensemble`. None for the mean of
            the ensembles among the models, `arithmetic` if there is none.

    Raises:
        SettingsError: if the models do not share their tokenizers, `weights` or `mean` is invalid, or `mean` is None
            and the models have different means.
    """
    first = models[0]
    for number, model in enumerate(models, start=1):
        if differences := first.signature.differences(model.signature):
            raise SettingsError(
                f"the translators of an ensemble must share their tokenizers; number {number} differs from the first "
                f"in: {', '.join(differences)}. Train all of them on the same split of the same pairs."
            )
    steppers = [stepper for model in models for stepper in model.steppers]
    ensembles = [model.network for model in models if isinstance(model.network, Ensemble)]
    if weights is None and ensembles:
        weights = [weight * len(model.steppers) for model in models for weight in _weights(model)]
    elif weights is not None:
        check_weights(weights, len(steppers))
    if mean is None:
        mean = _common_mean(ensembles)
    if mean not in get_args(Mean):
        raise SettingsError(f"mean must be one of {', '.join(get_args(Mean))}, received: {mean!r}")
    lengths = Lengths.of_ensemble([model.lengths for model in models])
    return InferenceModel(steppers, first.signature, lengths, weights, mean)


def check_weights(weights: object, count: int) -> None:
    """Raise SettingsError if `weights` are not positive numbers, one for each of `count` networks."""
    values = weights if isinstance(weights, Iterable) and not isinstance(weights, str) else ()
    numbers = [float(weight) if isinstance(weight, Real) else math.nan for weight in values]
    if len(numbers) != count or not all(0 < number < math.inf for number in numbers):
        raise SettingsError(
            f"weights must be positive numbers, one for each of {count} networks, received: {weights!r:.80}"
        )


def _common_mean(ensembles: Sequence[Ensemble]) -> Mean:
    means = {ensemble.mean for ensemble in ensembles}
    if len(means) > 1:
        raise SettingsError(
            "the translators are ensembles with different means, and one ensemble has one mean. Set mean."
        )
    return ensembles[0].mean if ensembles else "arithmetic"


def _weights(model: InferenceModel) -> Sequence[float]:
    """Return the weight of each network of a model; their sum is 1."""
    return model.network.weights if isinstance(model.network, Ensemble) else [1.0]
