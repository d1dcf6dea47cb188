"""`Settings`: all sections of a translator's settings, and the checks across sections."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import PrivateAttr, model_validator

from passerelle.settings.network import NetworkSettings
from passerelle.settings.numbers import NumberSettings
from passerelle.settings.schema import Section, section, sections
from passerelle.settings.text import OutputSettings, TagSettings, TextSettings
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
    outputs: dict[str, OutputSettings] = sections(OutputSettings, "The outputs, if there are several.")
    tags: TagSettings = section(TagSettings(), "Tags of the source.")
    numbers: NumberSettings = section(NumberSettings(), "Scaling of numbers.")
    network: NetworkSettings = section(NetworkSettings(), "The network.")
    training: TrainingSettings = section(TrainingSettings(), "Training.")

    _explicit: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _outputs_are_complete(cls, values: Any) -> Any:
        """Complete the settings of each output by those of the target."""
        outputs = values.get("outputs") if isinstance(values, Mapping) else None
        if not isinstance(outputs, Mapping) or not outputs:
            return values
        target = values.get("target", {})
        if not isinstance(target, Mapping):
            return values
        return {
            **values,
            "outputs": {
                name: OutputSettings.completed(own, target) if isinstance(own, Mapping) else own
                for name, own in outputs.items()
            },
        }

    @model_validator(mode="after")
    def _outputs_share_their_length_limit(self) -> Self:
        for name, output in self.outputs.items():
            if output.max_length != self.target.max_length:
                raise ValueError(
                    f"target.max_length limits the texts of all outputs, received: "
                    f"outputs.{name}.max_length={output.max_length}; leave it out"
                )
        return self

    def output(self, name: str) -> TextSettings:
        """Return the settings of the texts of an output: those of the target, unless it has its own."""
        return self.outputs.get(name, self.target)

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
        source = self.source
        for name, target in self._written.items() if self.network.copying else ():
            if source.lowercase != target.lowercase:
                raise ValueError(
                    f"copying writes source tokens unchanged and requires the same lowercase on both sides, received: "
                    f"source.lowercase={source.lowercase}, {name}.lowercase={target.lowercase}"
                )
            levels = (source.level, target.level)
            if levels.count("subword") == 1 and "auto" not in levels:
                raise ValueError(
                    f"copying writes source tokens unchanged and requires level 'subword', whose tokens are bytes, on "
                    f"both sides or on neither, received: source.level={source.level!r}, {name}.level={target.level!r}"
                )
        return self

    @property
    def _written(self) -> dict[str, TextSettings]:
        """The settings of the target and of all outputs, by dotted name."""
        return {"target": self.target, **{f"outputs.{name}": each for name, each in self.outputs.items()}}

    @model_validator(mode="after")
    def _shared_vocabulary_has_one_tokenizer(self) -> Self:
        if self.network.tie != "all":
            return self
        names = ("level", "separator", "lowercase", "exact_whitespace", "vocabulary_size", "min_count")
        for side, settings in self._written.items():
            for name in names:
                source, target = getattr(self.source, name), getattr(settings, name)
                if source != target:
                    raise ValueError(
                        f"network.tie 'all' has one vocabulary and requires equal tokenizers, received: "
                        f"source.{name}={source!r}, {side}.{name}={target!r}; make them equal, or use tie 'target'"
                    )
        if self.tags.mode == "inline":
            raise ValueError("network.tie 'all' does not support inline tags; use tags.mode 'separate'")
        return self
