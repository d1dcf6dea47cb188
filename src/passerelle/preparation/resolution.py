"""Settings that depend on the pairs: the preset `auto`, several outputs, the level `auto`, and embedding widths."""

from collections.abc import Mapping

from passerelle.data.pairs import Pairs
from passerelle.data.vectors import WordVectors
from passerelle.errors import SettingsError
from passerelle.preset_choice import choose_candidates
from passerelle.settings import AUTO_PRESET, PRESETS, Settings, validated
from passerelle.text.level import choose_level

__all__ = ["resolve_embedding_widths", "resolve_levels", "resolve_outputs", "resolve_preset"]


def resolve_preset(settings: Settings, pairs: Pairs) -> tuple[Settings, tuple[str, ...]]:
    """Replace the preset `auto` by the best guess; return the settings and the reasons for the choice."""
    if settings.preset != AUTO_PRESET or not pairs:
        return settings, ()
    candidate, *_ = choose_candidates(settings, pairs.main.sources, pairs.main.targets)
    return candidate.settings, candidate.reasons


def resolve_outputs(settings: Settings, pairs: Pairs) -> Settings:
    """Complete the settings of several outputs, in the order of the pairs.

    Raises:
        SettingsError: if the settings name an output that the pairs do not have, or all weights are 0.
    """
    for path, names in (("outputs", settings.outputs), ("network.decoders", settings.network.decoders)):
        for name in names:
            if name not in pairs.outputs:
                have = f"the outputs {', '.join(pairs.outputs)}" if pairs.outputs else "one output"
                raise SettingsError(
                    f"{path}.{name}: {pairs.name} has {have}. Name the outputs as they are named there."
                )
    if not pairs.outputs:
        return settings
    values = settings.model_dump()
    values["outputs"] = {name: values["outputs"].get(name, {}) for name in pairs.outputs}
    completed = validated(Settings, values)
    if not any(output.weight for output in completed.outputs.values()):
        raise SettingsError("outputs: the weights of all outputs are 0. Set one above 0.")
    return completed


def resolve_levels(settings: Settings, training: Pairs) -> tuple[Settings, tuple[str, ...]]:
    """Replace the level `auto` in the settings; return the settings and the reason for the choice."""
    values = settings.model_dump()
    sides = [values["source"], values["target"], *values["outputs"].values()]
    auto_sides = [side for side in sides if side["level"] == "auto"]
    if not auto_sides:
        return settings, ()
    main = training.main
    texts = ([] if training.has_number_sources else [main.sources]) + ([main.targets] * training.main_has_texts)
    level, reason = choose_level(texts[0], texts[-1]) if texts else ("character", "")
    for side in auto_sides:
        side["level"] = level
    return validated(Settings, values), (f"level {level}: {reason}",) if reason else ()


def resolve_embedding_widths(settings: Settings, vectors: Mapping[str, WordVectors]) -> Settings:
    """Set the embedding widths to those of the vectors.

    Raises:
        SettingsError: if the user explicitly set a width that differs from that of the vectors.
    """
    values = settings.model_dump()
    preset = PRESETS[settings.preset].settings.network if settings.preset in PRESETS else None
    for side, side_vectors in vectors.items():
        name = "encoder" if side == "source" else "decoder"
        part = values["network"][name]
        if part["embedding"] not in (side_vectors.dimension, preset and getattr(preset, name).embedding):
            raise SettingsError(
                f"network.{name}.embedding is {part['embedding']}, but the vectors in {side_vectors.name} have "
                f"{side_vectors.dimension} numbers; leave that setting out"
            )
        part["embedding"] = side_vectors.dimension
    return validated(Settings, values)
