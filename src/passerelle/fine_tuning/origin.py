"""The origin: the trained model from whose weights a training starts."""

import os
from dataclasses import dataclass
from pathlib import Path

from passerelle.bundle.bundle import Bundle, load_bundle
from passerelle.data.checksum import file_sha256
from passerelle.errors import SettingsError
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField

__all__ = ["Origin"]

_FIELDS = {"source": TextField, "tags": TagsField, "target": TextField}
"""The fields of a model that `train` makes from pairs."""


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
        signature = self.bundle.signature
        fields = {**signature.inputs, **signature.outputs}
        others = [name for name, field in fields.items() if not isinstance(field, _FIELDS.get(name, ()))]
        if others or list(signature.outputs) != ["target"]:
            raise SettingsError(
                f"{self.name} has the fields {', '.join(fields)}, and fine-tuning is for models with one source and "
                f"one target, with or without tags. Train a new model."
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
    def name(self) -> str:
        """The name of the file, for messages and records."""
        return "the model" if self.path is None else self.path.name
