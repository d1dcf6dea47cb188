"""Options for an ensemble of models, shared by the commands translate, evaluate and score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from passerelle.translator import Translator

__all__ = ["EnsembleOptions", "OutputName", "parse_weights"]

OutputName = Annotated[str | None, Parameter(name="--output", group=IN_GROUP["Model"])]
"""Type of the flag that chooses one of several outputs."""


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

    def load(self, model: str, output: str | None = None) -> "Translator":
        """Load MODEL, and combine it with the other models; see `load_outputs`.

        Raises:
            SettingsError: if the model has several outputs and none is named.
        """
        translators = self.load_outputs(model, output)
        if len(translators) > 1:
            raise SettingsError(f"{model} has the outputs {', '.join(translators)}. Name one: --output NAME")
        return next(iter(translators.values()))

    def load_outputs(self, model: str, output: str | None = None) -> "dict[str, Translator]":
        """Load MODEL, and combine it with the other models: a translator for each output, or for the named one only.

        Raises:
            SettingsError: if MODEL has no such output, or one output and one is named.
        """
        from passerelle.translator import Translator

        weights = parse_weights(self.weights)
        others = [Translator.load(path).outputs for path in self.with_]
        outputs = Translator.load(model).outputs
        if output is not None and len(outputs) == 1:
            raise SettingsError(f"{model} has one output, and --output chooses one of several. Leave it out.")
        if output is not None and output not in outputs:
            raise SettingsError(f"{model} has no output {output!r}.{did_you_mean(output, outputs)}")
        for path, each in zip(self.with_, others, strict=True):
            if list(each) != list(outputs):
                raise SettingsError(
                    f"{path} has other outputs than {model}, received: {', '.join(each)} and {', '.join(outputs)}."
                )
        return {
            name: translator.ensemble_with([each[name] for each in others], weights=weights, mean=self.mean)  # pyright: ignore[reportArgumentType]
            for name, translator in outputs.items()
            if output in (None, name)
        }


def parse_weights(text: str | None) -> list[float] | None:
    """Return the numbers of --weights; None if it is not set."""
    if text is None:
        return None
    try:
        return [float(weight) for weight in text.split(",")]
    except ValueError:
        raise SettingsError(f"--weights must be numbers such as 2,1,1, received: {text!r}") from None
