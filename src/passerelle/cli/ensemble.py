"""Options for an ensemble of models, shared by the commands translate, evaluate and score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP

if TYPE_CHECKING:
    from passerelle.translator import Translator

__all__ = ["EnsembleOptions", "parse_weights"]


@Parameter(name="*", group=IN_GROUP["Model"])
@dataclass(frozen=True, kw_only=True)
class EnsembleOptions:
    """Ensemble options.

    Parameters
    ----------
    with_
        Add this model to MODEL to form an ensemble, which averages the probabilities of all models in each step. All
        models must have the same vocabularies. Repeatable.
    weights
        Weights of the models in the ensemble's mean, MODEL first, such as 2,1,1; equal if not set.
    mean
        Mean of the ensemble's probabilities: arithmetic, or geometric (a token must be probable in all models).
    """

    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = ()
    weights: str | None = None
    mean: str = "arithmetic"

    def load(self, model: str) -> "Translator":
        """Load MODEL, and combine it with the other models."""
        from passerelle.translator import Translator

        weights = parse_weights(self.weights)
        others = [Translator.load(path) for path in self.with_]
        return Translator.load(model).ensemble_with(others, weights=weights, mean=self.mean)  # pyright: ignore[reportArgumentType]


def parse_weights(text: str | None) -> list[float] | None:
    """Return the numbers of --weights; None if it is not set."""
    from passerelle.errors import SettingsError

    if text is None:
        return None
    try:
        return [float(weight) for weight in text.split(",")]
    except ValueError:
        raise SettingsError(f"--weights must be numbers such as 2,1,1, received: {text!r}") from None
