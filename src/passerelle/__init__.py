"""Passerelle: train sequence-to-sequence translators from pairs of texts, and save each as one `.keras` file.

    pairs = passerelle.read_pairs("fra.txt", limit=10_000)
    translator = passerelle.train(pairs, preset="tutorial", epochs=30)
    translator.translate(["Go.", "Run!"])
    translator.save("fra.keras")
    translator = passerelle.load("fra.keras")

Public names are imported at first use, so `import passerelle` is fast and reading pairs does not load Keras.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# The default backend of Keras is TensorFlow, which this package does not install. The user's own choice has precedence.
if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = "jax"

if TYPE_CHECKING:
    from passerelle.data.corrections import Correction, read_corrections, write_corrections
    from passerelle.data.pairs import Pair, Pairs
    from passerelle.data.phrasebook import phrasebook
    from passerelle.data.reading import read_pairs
    from passerelle.data.windows import Windows
    from passerelle.errors import DataError, ModelFileError, OutputError, PasserelleError, RunError, SettingsError
    from passerelle.evaluation.forecasts import ForecastReport
    from passerelle.evaluation.metrics import Report
    from passerelle.experiment.fine_tune import fine_tune
    from passerelle.experiment.train import resume, train
    from passerelle.forecaster import Forecaster
    from passerelle.forecasting import resume_forecaster, train_forecaster
    from passerelle.inference.regression import Regressor
    from passerelle.inference.result import Result
    from passerelle.inference.scoring import PairScore
    from passerelle.models.sequence_to_sequence import SequenceToSequence
    from passerelle.settings import PRESETS, Settings
    from passerelle.synthetic.distillation import distill
    from passerelle.training.callbacks.callback import Callback
    from passerelle.translator import Translator

__all__ = [
    "PRESETS", "Callback", "Correction", "DataError", "ForecastReport", "Forecaster", "ModelFileError", "OutputError",
    "Pair", "PairScore", "Pairs", "PasserelleError", "Regressor", "Report", "Result", "RunError", "SequenceToSequence",
    "Settings", "SettingsError", "Translator", "Windows", "distill", "fine_tune", "load", "phrasebook",
    "read_corrections", "read_pairs", "resume", "resume_forecaster", "train", "train_forecaster", "write_corrections",
]  # fmt: skip

__version__ = "0.1.0"

_MODULES = {
    "PRESETS": "settings", "Settings": "settings",
    "Pair": "data.pairs", "Pairs": "data.pairs", "read_pairs": "data.reading",
    "Correction": "data.corrections", "read_corrections": "data.corrections", "write_corrections": "data.corrections",
    "phrasebook": "data.phrasebook",
    "DataError": "errors", "ModelFileError": "errors", "OutputError": "errors", "PasserelleError": "errors",
    "RunError": "errors", "SettingsError": "errors",
    "Report": "evaluation.metrics", "ForecastReport": "evaluation.forecasts",
    "Windows": "data.windows", "Forecaster": "forecaster",
    "resume_forecaster": "forecasting", "train_forecaster": "forecasting",
    "SequenceToSequence": "models.sequence_to_sequence",
    "PairScore": "inference.scoring", "Regressor": "inference.regression",
    "fine_tune": "experiment.fine_tune",
    "resume": "experiment.train", "train": "experiment.train", "distill": "synthetic.distillation",
    "Callback": "training.callbacks.callback",
    "Result": "inference.result", "Translator": "translator",
}  # fmt: skip


def load(path: "str | os.PathLike[str]") -> Any:
    """Load a `Translator` or a `Forecaster` from a `.keras` file that its method `save` wrote.

    Args:
        path: path of the file.

    Raises:
        ModelFileError: if the file cannot be read or is not a valid model file; the message is one line.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> translator.translate("He is tired.")
        'Il est fatigué.'
    """
    from passerelle.loading import load_model

    return load_model(path)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
