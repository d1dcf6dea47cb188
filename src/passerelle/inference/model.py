"""The model that inference runs: one network or an ensemble, its codec, and its length limits."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any, get_args

from passerelle.errors import SettingsError
from passerelle.inference.lengths import Lengths
from passerelle.models.ensemble import Ensemble, Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.text.codec import Codec

__all__ = ["InferenceModel", "ensemble_of"]


class InferenceModel:
    """Networks that share their vocabularies, and all that inference needs besides.

    Args:
        networks: at least one; several form an ensemble.
        codec: texts <-> ids.
        lengths: seen in training.
        weights: relative weight of each network; None for equal weights.
        mean: of the networks' probabilities, see `Ensemble`.

    Attributes:
        network: the network, or the ensemble of all.
    """

    def __init__(
        self,
        networks: Sequence[SequenceToSequence],
        codec: Codec,
        lengths: Lengths,
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.networks = tuple(networks)
        # An ensemble copies if one of its networks does.
        self.codec = replace(codec, copying=any(network.settings.copying for network in self.networks))
        self.lengths = lengths
        self.network: Any = self.networks[0] if len(self.networks) == 1 else Ensemble(self.networks, weights, mean)


def ensemble_of(
    models: Sequence[InferenceModel], weights: Sequence[float] | None = None, mean: Mean = "arithmetic"
) -> InferenceModel:
    """Combine the networks of some models into one ensemble.

    Args:
        models: at least one.
        weights: relative weight of each network, all networks of the first model first; None for equal weights.
        mean: of probabilities, or of their logarithms; see `Ensemble`.

    Raises:
        SettingsError: if the models do not share their tokenizers, or the weights do not fit.
    """
    first = models[0]
    for number, model in enumerate(models, start=1):
        if differences := first.codec.differences(model.codec):
            raise SettingsError(
                f"the translators of an ensemble must share both tokenizers; number {number} differs from the first "
                f"in: {', '.join(differences)}. Train all of them on one split of the same pairs."
            )
    networks = [network for model in models for network in model.networks]
    if weights is not None and (len(weights) != len(networks) or not all(weight > 0 for weight in weights)):
        raise SettingsError(
            f"weights must be positive numbers, one for each of {len(networks)} networks, received: {list(weights)}"
        )
    if mean not in get_args(Mean):
        raise SettingsError(f"mean must be one of {', '.join(get_args(Mean))}, received: {mean!r}")
    lengths = Lengths(*map(max, *(astuple(model.lengths) for model in models))) if len(models) > 1 else first.lengths
    return InferenceModel(networks, first.codec, lengths, weights, mean)
