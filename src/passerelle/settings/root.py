"""`Settings`: all sections of a translator's settings, and the checks across sections."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import PrivateAttr, model_validator

from passerelle.settings.network import NetworkSettings
from passerelle.settings.numbers import NumberSettings
from passerelle.settings.schema import Section, section
from passerelle.settings.text import TagSettings, TextSettings
from passerelle.settings.training import TrainingSettings

__all__ = ["Settings"]


class Settings(Section):
    """All settings of a translator. The model file contains them.

    Attributes:
        preset: name of the preset on which they are based.

    Example:
        >>> settings = passerelle.load("model.keras").settings
        >>> settings.preset, settings.source.level, settings.network.encoder.units
        ('compact', 'word', 32)
    """

    preset: str
    source: TextSettings = section(TextSettings(), "Tokenization of the source.", is_side=True)
    target: TextSettings = section(TextSettings(), "Tokenization of the target.", is_side=True)
    tags: TagSettings = section(TagSettings(), "Tags of the source.")
    numbers: NumberSettings = section(NumberSettings(), "Scaling of numbers.")
    network: NetworkSettings = section(NetworkSettings(), "The network.")
    training: TrainingSettings = section(TrainingSettings(), "Training.")

    _explicit: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def explicit(self) -> Mapping[str, Any]:
        """With the preset `auto`, the explicit settings, nested: those that a person set. Otherwise empty."""
        return self._explicit

    def with_explicit(self, explicit: Mapping[str, Any]) -> Self:
        """Return the same settings with this record of the explicit ones."""
        copy = self.model_copy()
        copy._explicit = explicit
        return copy

    @model_validator(mode="after")
    def _copying_fits_the_tokenizers(self) -> Self:
        source, target = self.source, self.target
        if self.network.copying and source.lowercase != target.lowercase:
            raise ValueError(
                f"copying writes source tokens unchanged and requires the same lowercase on both sides, received: "
                f"source.lowercase={source.lowercase}, target.lowercase={target.lowercase}"
            )
        levels = (source.level, target.level)
        if self.network.copying and levels.count("subword") == 1 and "auto" not in levels:
            raise ValueError(
                f"copying writes source tokens unchanged and requires level 'subword', whose tokens are bytes, on both "
                f"sides or on neither, received: source.level={source.level!r}, target.level={target.level!r}"
            )
        return self

    @model_validator(mode="after")
    def _shared_vocabulary_has_one_tokenizer(self) -> Self:
        if self.network.tie != "all":
            return self
        for name in ("level", "separator", "lowercase", "exact_whitespace", "vocabulary_size", "min_count"):
            source, target = getattr(self.source, name), getattr(self.target, name)
            if source != target:
                raise ValueError(
                    f"network.tie 'all' has one vocabulary and requires equal tokenizers, received: "
                    f"source.{name}={source!r}, target.{name}={target!r}; make them equal, or use tie 'target'"
                )
        if self.tags.mode == "inline":
            raise ValueError("network.tie 'all' does not support inline tags; use tags.mode 'separate'")
        return self
