"""Several models combined on the command line, by translate, evaluate and score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP

if TYPE_CHECKING:
    from passerelle.translator import Translator

__all__ = ["EnsembleOptions"]


@Parameter(name="*", group=IN_GROUP["Model"])
@dataclass(frozen=True, kw_only=True)
class EnsembleOptions:
    """Several models, combined as an ensemble.

    Parameters
    ----------
    with_
        Another model with the same vocabularies, for an ensemble with MODEL: each step uses the mean of their
        probabilities. May be given several times.
    weights
        Weights of the models in the mean, MODEL first, such as 2,1,1; equal by default.
    mean
        Mean of the probabilities: arithmetic, or geometric (all models must find a token likely).
    """

    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = ()
    weights: str | None = None
    mean: str = "arithmetic"

    def load(self, model: str) -> "Translator":
        """The model, and the others with it."""
        from passerelle.errors import SettingsError
        from passerelle.translator import Translator

        weights = None
        if self.weights is not None:
            try:
                weights = [float(weight) for weight in self.weights.split(",")]
            except ValueError:
                raise SettingsError(f"--weights takes numbers such as 2,1,1, received: {self.weights!r}") from None
        others = [Translator.load(path) for path in self.with_]
        return Translator.load(model).ensemble_with(others, weights=weights, mean=self.mean)  # pyright: ignore[reportArgumentType]
