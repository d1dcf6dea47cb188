"""passerelle diagram"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.cli.output import Overwrite, require_absent

if TYPE_CHECKING:
    from passerelle.forecaster import Forecaster
    from passerelle.settings import Settings
    from passerelle.translator import Translator

__all__ = ["diagram", "write_diagrams"]

TITLES = {
    "training_model": "Training model: reads {decoder_inputs}",
    "inference_encoder": "Inference encoder: reads the source once",
    "inference_decoder": "Inference decoder: writes one token at a time",
}
"""Titles of the diagrams by file name; `decoder_inputs` depends on the settings."""


def diagram(model: str, /, *, out: str = "diagrams", overwrite: Overwrite = False) -> None:
    """Draw the training model, the inference encoder and the inference decoder, with shapes, as SVG files.

    Parameters
    ----------
    model
        Model file (.keras) of a translator or a forecaster.
    out
        Folder for the SVG files: three, or the training model and two for each of several outputs.
    overwrite
        Replace existing files. Without it, an existing file is an error.
    """
    from passerelle.loading import load_model

    loaded = load_model(model)
    require_absent([Path(out, f"{name}.svg") for name in _models(loaded)], overwrite=overwrite)
    for path in write_diagrams(loaded, out):
        print(path)


def write_diagrams(translator: "Translator | Forecaster", folder: str | Path) -> list[Path]:
    """Write the diagrams and return their paths: three, or one and two more for each of several outputs."""
    from passerelle.data.writing import prepare_folder, write_atomically
    from passerelle.plots.diagram import draw_model

    folder = prepare_folder(folder)
    decoder_inputs = _decoder_inputs(translator.settings)
    paths = []
    for name, (model, title) in _models(translator).items():
        picture = draw_model(model, title=title.format(decoder_inputs=decoder_inputs)).encode()
        paths.append(folder / f"{name}.svg")
        write_atomically(paths[-1], lambda stream, picture=picture: stream.write(picture))
    return paths


def _models(translator: "Translator | Forecaster") -> "dict[str, tuple[Any, str]]":
    """Return each Keras model with its title, by the name of its file."""
    steppers = translator.network.steppers
    if len(steppers) == 1:
        return {name: (getattr(translator, name), title) for name, title in TITLES.items()}
    models = {"training_model": (translator.network, TITLES["training_model"])}
    for output, stepper in steppers.items():
        for name, model in (("inference_encoder", stepper.encoder), ("inference_decoder", stepper.decoder)):
            title, does = TITLES[name].split(": ")
            models[f"{output}_{name}"] = (model, f"{title} of {output}: {does}")
    return models


def _decoder_inputs(settings: "Settings") -> str:
    """Return in words what the decoder of the training model read in each step of the training."""
    if not settings.network.decoder.feedback:
        return "no token of the target"
    return {
        "teacher_forcing": "the reference token of the previous step (teacher forcing)",
        "scheduled_sampling": "the reference or the prediction of the previous step (scheduled sampling)",
        "free_running": "its own prediction of the previous step (free running)",
    }[settings.training.decoder_inputs]
