"""Load a model file as the object that its output needs."""

import os

from passerelle.bundle.bundle import load_bundle
from passerelle.errors import require_path
from passerelle.fields.numbers import NumbersField
from passerelle.forecaster import Forecaster
from passerelle.translator import Translator

__all__ = ["load_model"]


def load_model(path: str | os.PathLike[str]) -> Translator | Forecaster:
    """Return a translator, or a forecaster if the model was trained on windows of numbers; see `passerelle.load`."""
    require_path("path", path)
    bundle = load_bundle(path)
    is_forecaster = isinstance(bundle.signature.target, NumbersField) and not bundle.outputs
    return Forecaster(bundle) if is_forecaster else Translator(bundle)
