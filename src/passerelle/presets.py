"""Complete settings by name, and the changes that a settings file (TOML) and single options make to them."""

import os
import tomllib
from collections.abc import Mapping
from typing import Any

from passerelle.config import (
    DecoderSettings,
    EncoderSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
    validated,
)
from passerelle.errors import SettingsError, did_you_mean

__all__ = ["DEFAULT_PRESET", "PRESETS", "PRESET_SUMMARIES", "make_settings", "read_settings_file"]

_SMALL = TrainingSettings(epochs=20, batch_size=32, learning_rate=0.004, schedule="cosine", clip=1.0, patience=5)
"""How networks of 128 units are taught."""

PRESETS: dict[str, Settings] = {
    # The published program: one-hot vectors, one LSTM of 256 a side, states handed over as they are.
    "tutorial": Settings(
        preset="tutorial",
        network=NetworkSettings(
            bridge="copy",
            unknown=False,
            encoder=EncoderSettings(embedding=0),
            decoder=DecoderSettings(embedding=0),
        ),
        training=TrainingSettings(optimizer="rmsprop", keep="last"),
    ),
    # The default: half as wide, but it reads in both directions, learns the tokens' vectors, and looks back at the
    # source while it writes.
    "compact": Settings(
        preset="compact",
        network=NetworkSettings(
            attention="general",
            embedding_init_range=1.0,
            dropout=0.3,
            encoder=EncoderSettings(units=128, direction="both"),
            decoder=DecoderSettings(units=128),
        ),
        training=_SMALL,
    ),
    # compact at twice the width. Additive attention in its place takes longer and gains nothing (docs/quality.md).
    "attention": Settings(
        preset="attention",
        network=NetworkSettings(
            attention="general",
            embedding_init_range=1.0,
            dropout=0.4,
            encoder=EncoderSettings(embedding=128, units=256, direction="both"),
            decoder=DecoderSettings(embedding=128, units=256),
        ),
        training=TrainingSettings(
            epochs=20, batch_size=32, learning_rate=0.002, schedule="cosine", clip=1.0, patience=5
        ),
    ),
    # compact, and what it does not know it copies.
    "pointer": Settings(
        preset="pointer",
        network=NetworkSettings(
            attention="general",
            copying=True,
            embedding_init_range=1.0,
            dropout=0.3,
            encoder=EncoderSettings(units=128, direction="both"),
            decoder=DecoderSettings(units=128),
        ),
        training=_SMALL,
    ),
    # Spelling-like tasks: the output follows the input, token by token.
    "monotonic": Settings(
        preset="monotonic",
        network=NetworkSettings(
            attention="monotonic",
            dropout=0.4,
            encoder=EncoderSettings(units=128, direction="both"),
            decoder=DecoderSettings(units=128),
        ),
        # Words come out right more often long after the held-out loss has begun to rise, so the last weights are kept.
        training=TrainingSettings(
            epochs=40,
            batch_size=16,
            learning_rate=0.003,
            schedule="cosine",
            clip=1.0,
            label_smoothing=0.1,
            keep="last",
        ),
    ),
    # What the tutorial's author recommends to beginners: the source's meaning at every step, no token fed back.
    "repeat": Settings(
        preset="repeat",
        network=NetworkSettings(
            bridge="zero",
            dropout=0.3,
            encoder=EncoderSettings(direction="both"),
            decoder=DecoderSettings(context=True, feedback=False),
        ),
        training=TrainingSettings(
            epochs=20, batch_size=32, learning_rate=0.002, schedule="cosine", clip=1.0, patience=5
        ),
    ),
    # After GNMT (Wu et al. 2016) and RNMT+ (Chen et al. 2018), at a laptop's size: depth, residual sums, normalized
    # cells, several heads that the bottom decoder layer asks and all layers above hear.
    "deep": Settings(
        preset="deep",
        network=NetworkSettings(
            layer_norm=True,
            attention="multi-head",
            query="bottom",
            dropout=0.3,
            encoder=EncoderSettings(embedding=128, units=128, layers=3, direction="both", residual=True),
            decoder=DecoderSettings(embedding=128, units=256, layers=3, residual=True),
        ),
        training=TrainingSettings(
            epochs=20,
            batch_size=32,
            learning_rate=0.001,
            schedule="cosine",
            clip=1.0,
            label_smoothing=0.1,
            patience=5,
        ),
    ),
}

PRESET_SUMMARIES: dict[str, str] = {
    "tutorial": "the well-known tutorial's network, to compare with; 3 minutes for 8,000 short pairs on two cores",
    "compact": "looks back at the source, so learns more from few pairs; 2 minutes for 8,000 short pairs on two cores",
    "attention": "compact at twice the width, where there is more to learn; some 3 times the time of compact",
    "pointer": "compact that also copies: names, numbers, letters never seen; about the time of compact",
    "monotonic": "spelling to sound, inflection, transliteration, short sentences; few pairs, small vocabularies",
    "repeat": "the simplest of all: the source at every step, nothing fed back, each output token for itself",
    "deep": "three layers a side after GNMT and RNMT+, for many pairs; some 12 times the time of compact",
}
"""What each preset is for, and what it costs."""

DEFAULT_PRESET = "compact"


def make_settings(
    preset: str | None = None, file: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None
) -> Settings:
    """A preset, changed by a settings file's values, changed by single options.

    Args:
        preset: a key of `PRESETS`; where None, the file's own `preset`, or `compact`.
        file: nested values, as `read_settings_file` returns them.
        options: values by dotted name, `{"training.epochs": 30}`; None means not given.

    Raises:
        SettingsError: naming every unknown or wrong value, each with its dotted name.
    """
    changes = dict(file or {})
    own = changes.pop("preset", DEFAULT_PRESET)
    name = own if preset is None else preset
    if not isinstance(name, str) or name not in PRESETS:
        raise SettingsError(f"unknown preset {name!r}.{did_you_mean(str(name), PRESETS)}")
    values = PRESETS[name].model_dump()
    _merge(values, changes)
    for dotted, value in (options or {}).items():
        if value is not None:
            *path, key = dotted.split(".")
            section: Any = values
            for step in path:
                section = section.get(step) if isinstance(section, dict) else None
            if isinstance(section, dict):  # if not, the file put something else there, which validation names
                section[key] = value
    return validated(Settings, values)


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def read_settings_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a TOML settings file into nested values, not yet validated.

    Raises:
        SettingsError: if it cannot be read or is not TOML (says where).
    """
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(f"{os.fspath(path)} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{os.fspath(path)} is not TOML: {error}. See: passerelle describe MODEL.keras") from None
