"""Settings of fine-tuning, and the settings of a training that starts from the weights of a trained model."""

from collections.abc import Mapping
from typing import Any, ClassVar

from passerelle.errors import SettingsError
from passerelle.settings.merge import merge
from passerelle.settings.options import dotted_names, explicit_settings, use_all_minutes
from passerelle.settings.presets import AUTO_PRESET, BASE_PRESET, PRESETS, find_preset
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, named_sections, setting, settings_in, validated

__all__ = ["RATE_SHARE", "FineTuningSettings", "fine_tuning_settings"]

RATE_SHARE = 0.25
"""Default learning rate of fine-tuning, as a share of that of the preset: a high one forgets the old pairs faster than
it learns the new ones."""


class FineTuningSettings(Section):
    """Fine-tuning: training that starts from the weights of a trained model."""

    group: ClassVar[str] = "Training"

    new_tokens: bool = setting(
        False,
        "Add the tokens that the model does not know to its vocabularies: those that a new vocabulary of the new pairs "
        "would contain, by the model's min_count and vocabulary_size. Without it, they are unknown (UNK). Before the "
        "first update, no translation changes.",
        option=True,
    )
    freeze: tuple[str, ...] = setting(
        (),
        "Part of the network whose weights do not change, such as encoder, or embeddings for all of them; passerelle "
        "describe lists the parts of a model. Vectors of new tokens are trained in any case.",
        option=True,
    )
    corrections_weight: int = setting(
        3, "Number of times that each correction occurs in an epoch.", option=True, ge=1, le=100
    )


def fine_tuning_settings(
    before: Settings,
    model: str,
    *,
    preset: str | None = None,
    file: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a training that starts from a model.

    The settings of the text and of the network are those of the model. The settings of training are those of the
    preset of the model, with a share of its learning rate (see `RATE_SHARE`), changed by the explicit ones.

    Args:
        before: settings of the model.
        model: name of the model, for messages.
        preset: explicit preset; None, `auto` and that of the model are the same.
        file: see `make_settings`.
        options: see `make_settings`.
        assignments: see `make_settings`.

    Raises:
        SettingsError: if an explicit setting of the text or of the network differs from that of the model, or a value
            is invalid; the message names the setting.
    """
    preset_of_file, explicit = explicit_settings(file, options, assignments)
    preset = preset_of_file if preset is None else preset
    if preset not in (None, AUTO_PRESET, before.preset):
        find_preset(preset)
        raise SettingsError(
            f"{model} has the preset {before.preset!r}, and fine-tuning keeps its network, received: preset "
            f"{preset!r}. Leave the preset out."
        )
    values = before.model_dump()
    training = PRESETS[before.preset if before.preset in PRESETS else BASE_PRESET].settings.training.model_dump()
    training["learning_rate"] *= RATE_SHARE
    values["training"] = training
    merge(values, explicit)
    use_all_minutes(values["training"], set(dotted_names(explicit)))
    changed = validated(Settings, values)
    for path in (each.path for each in settings_in(Settings)):
        old, new = _value(before, path), _value(changed, path)
        if not path.startswith("training.") and old != new:
            raise SettingsError(
                f"{path} is {old!r} in {model}, and fine-tuning keeps its text and its network, received: {new!r}. "
                f"Leave it out, or train a new model."
            )
    for path in named_sections(Settings):
        if _without_weights(_value(before, path)) != _without_weights(_value(changed, path)):
            raise SettingsError(
                f"{path} cannot be changed in {model}: fine-tuning keeps its text and its network. Leave it out; only "
                f"the weights of outputs may differ."
            )
    frozen = explicit.get("training")
    if isinstance(frozen, Mapping) and "frozen_epochs" in frozen:
        raise SettingsError(
            "training.frozen_epochs concerns word-vector files, and fine-tuning reads none. Freeze parts of the "
            "network with freeze, such as freeze 'embeddings'."
        )
    return changed


def _without_weights(sections: Mapping[str, Section]) -> dict[str, Any]:
    """Return the values of sections by name, without the weights of the losses of several outputs."""
    return {
        name: {key: value for key, value in section.model_dump().items() if key != "weight"}
        for name, section in sections.items()
    }


def _value(settings: Any, path: str) -> Any:
    for step in path.split("."):
        settings = getattr(settings, step)
    return settings
