"""The origin: the trained model from whose weights a training starts."""

import os
from dataclasses import dataclass
from pathlib import Path

from passerelle.bundle.bundle import Bundle, load_bundle
from passerelle.data.checksum import file_sha256
from passerelle.data.outputs import NUMBERS
from passerelle.errors import SettingsError
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField

__all__ = ["Origin"]

_INPUTS = {"source": TextField, "tags": TagsField}
"""The inputs of a model that `train` makes from pairs of texts."""


@dataclass(frozen=True)
class Origin:
    """A trained model from whose weights a training starts.

    Attributes:
        bundle: the model.
        path: absolute path of its file; None for a model in memory.
        sha256: SHA-256 of its file, in hexadecimal digits; None for a model in memory.
    """

    bundle: Bundle
    path: Path | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        inputs = self.bundle.signature.inputs
        if not all(isinstance(field, _INPUTS.get(name, ())) for name, field in inputs.items()):
            raise SettingsError(
                f"{self.name} has the inputs {', '.join(inputs)}, and fine-tuning is for models with one source of "
                f"text, with or without tags. Train a new model."
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Origin":
        """Load a model.

        Raises:
            ModelFileError: if the file is missing, damaged, no model file, from another version, or unsafe.
            SettingsError: if pairs of texts cannot train the model.
        """
        bundle = load_bundle(path)
        return cls(bundle, Path(os.path.abspath(path)), file_sha256(path))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of several outputs; empty for one output of text."""
        names = tuple(self.bundle.signature.outputs)
        return () if names == ("target",) else names

    @property
    def text_outputs(self) -> tuple[str, ...]:
        """The names of several outputs that have texts."""
        return tuple(name for name in self.outputs if isinstance(self.bundle.signature.outputs[name], TextField))

    @property
    def outputs_to_read(self) -> tuple[str, ...]:
        """The argument `outputs` of `read_pairs` with which pairs for this model are read."""
        fields = self.bundle.signature.outputs
        return tuple(name + ("" if isinstance(fields[name], TextField) else NUMBERS) for name in self.outputs)

    @property
    def name(self) -> str:
        """The name of the file, for messages and records."""
        return "the model" if self.path is None else self.path.name
