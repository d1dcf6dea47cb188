"""`Settings`: all sections of a translator's settings, and the rules between them."""

from typing import Self

from pydantic import model_validator

from passerelle.settings.network import NetworkSettings
from passerelle.settings.schema import Section, section
from passerelle.settings.text import TagSettings, TextSettings
from passerelle.settings.training import TrainingSettings

__all__ = ["Settings"]


class Settings(Section):
    """All settings of a translator; they travel in its model file.

    Attributes:
        preset: name of the preset that they are based on.

    Example:
        >>> settings = passerelle.load("model.keras").settings
        >>> settings.preset, settings.source.level, settings.network.encoder.units
        ('compact', 'word', 32)
    """

    preset: str
    source: TextSettings = section(TextSettings(), "Text of the source.", is_side=True)
    target: TextSettings = section(TextSettings(), "Text of the target.", is_side=True)
    tags: TagSettings = section(TagSettings(), "Tags that accompany the source.")
    network: NetworkSettings = section(NetworkSettings(), "The network.")
    training: TrainingSettings = section(TrainingSettings(), "Training.")

    @model_validator(mode="after")
    def _copies_can_be_written(self) -> Self:
        source, target = self.source, self.target
        if self.network.copying and source.lowercase != target.lowercase:
            raise ValueError(
                f"copying writes source tokens as they are read, and lowercase is {source.lowercase!r} in the source, "
                f"{target.lowercase!r} in the target; make them equal"
            )
        levels = (source.level, target.level)
        if self.network.copying and levels.count("subword") == 1 and "auto" not in levels:
            raise ValueError(
                f"copying writes source tokens as they are, and subwords are spelled in bytes; levels are "
                f"{source.level!r} and {target.level!r}, use 'subword' on both sides or on neither"
            )
        return self

    @model_validator(mode="after")
    def _one_vocabulary_is_read_one_way(self) -> Self:
        if self.network.tie != "all":
            return self
        for name in ("level", "separator", "lowercase", "vocabulary_size", "min_count"):
            source, target = getattr(self.source, name), getattr(self.target, name)
            if source != target:
                raise ValueError(
                    f"network.tie 'all' has one vocabulary; source.{name} is {source!r}, target.{name} {target!r}, "
                    f"make them equal, or use tie 'target'"
                )
        if self.tags.mode == "inline":
            raise ValueError("network.tie 'all' cannot have inline tags in the source; use tags.mode 'separate'")
        return self
