"""Load a model file as the object that its output needs."""

import os

from passerelle.bundle.bundle import load_bundle
from passerelle.errors import require_path
from passerelle.fields.numbers import NumbersField
from passerelle.forecaster import Forecaster
from passerelle.translator import Translator

__all__ = ["load_model"]


def load_model(path: str | os.PathLike[str]) -> Translator | Forecaster:
    """Return a translator, or a forecaster if the output of the model has numbers; see `passerelle.load`."""
    require_path("path", path)
    bundle = load_bundle(path)
    return Forecaster(bundle) if isinstance(bundle.signature.target, NumbersField) else Translator(bundle)
