"""Options for an ensemble of models, shared by the commands translate, evaluate and score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from passerelle.fields.signature import Signature
    from passerelle.inference.regression import Regressor
    from passerelle.translator import Translator

__all__ = ["EnsembleOptions", "LoadedOutputs", "OutputName", "parse_weights"]

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
        loaded = self.load_outputs(model, output)
        name, *others = loaded.names
        if others:
            raise SettingsError(f"{model} has the outputs {', '.join(loaded.names)}. Name one: --output NAME")
        if loaded.regressors:
            raise SettingsError(f"the output {name} of {model} has numbers, and this command needs texts.")
        return loaded.translators[name]

    def load_outputs(self, model: str, output: str | None = None) -> "LoadedOutputs":
        """Load MODEL, and combine it with the other models.

        Args:
            model: MODEL.
            output: the name of an output, to load only this one; None for all.

        Raises:
            SettingsError: if MODEL has no such output, or one output and one is named.
        """
        from passerelle.translator import Translator

        weights = parse_weights(self.weights)
        others = [Translator.load(path) for path in self.with_]
        first = Translator.load(model)
        names = list(first.bundle.signature.outputs)
        if output is not None and len(names) == 1:
            raise SettingsError(f"{model} has one output, and --output chooses one of several. Leave it out.")
        if output is not None and output not in names:
            raise SettingsError(f"{model} has no output {output!r}.{did_you_mean(output, names)}")
        for path, each in zip(self.with_, others, strict=True):
            if (theirs := list(each.bundle.signature.outputs)) != names:
                raise SettingsError(
                    f"{path} has other outputs than {model}, received: {', '.join(theirs)} and {', '.join(names)}."
                )
            if list(each.outputs) != list(first.outputs):
                raise SettingsError(f"{path} and {model} differ in which outputs have numbers.")
        chosen = [name for name in names if output in (None, name)]
        return LoadedOutputs(
            tuple(chosen),
            {
                name: each.ensemble_with([one.outputs[name] for one in others], weights=weights, mean=self.mean)  # pyright: ignore[reportArgumentType]
                for name, each in first.outputs.items()
                if name in chosen
            },
            {
                name: each.ensemble_with([one.number_outputs[name] for one in others], weights=weights)
                for name, each in first.number_outputs.items()
                if name in chosen
            },
            first.bundle.signature,
        )


@dataclass(frozen=True)
class LoadedOutputs:
    """The outputs of a model, or of an ensemble of models.

    Attributes:
        names: their names, in the order of the model.
        translators: the translator of each output of text.
        regressors: the regressor of each output of numbers.
        signature: the signature of the model, also with outputs that are not used.
    """

    names: tuple[str, ...]
    translators: "dict[str, Translator]"
    regressors: "dict[str, Regressor]"
    signature: "Signature"


def parse_weights(text: str | None) -> list[float] | None:
    """Return the numbers of --weights; None if it is not set."""
    if text is None:
        return None
    try:
        return [float(weight) for weight in text.split(",")]
    except ValueError:
        raise SettingsError(f"--weights must be numbers such as 2,1,1, received: {text!r}") from None
