"""What `train` and the command line let a user choose by name, and the complete settings that this makes."""

import os
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from passerelle.config import MOST_EPOCHS, Settings
from passerelle.errors import SettingsError, did_you_mean
from passerelle.presets import make_settings, read_settings_file

__all__ = ["Options", "choose_settings"]


class Options(TypedDict, total=False):
    """What `train` and the command line let a user choose by name; all else goes through `settings`.

    Attributes:
        preset: the settings to begin with; by default the settings file's, or `compact`.
        settings: any settings: a TOML file, or nested values.
        level: `character`, `word`, `subword`, or `auto`, for both sides.
        source_level: for the source alone; likewise `target_level`.
        source_separator: the source is ready tokens with this between them; likewise `target_separator`.
        vocabulary_size: most tokens to learn, for both sides; 0 leaves it to the level.
        min_count: tokens that occur fewer times are unknown, for both sides.
        lowercase: whether sources are read in lower case. Targets keep theirs: people want it written.
        tags: where tags that come with the pairs are read: `inline`, `separate` or `none`; see `TagSettings`.
        tag_separator: what stands between two tags.
        tune_vectors: whether ready-made word vectors learn: `always`, `never`, or after this many epochs.
        epochs: passes over the pairs.
        minutes: after which training ends.
        batch_size: pairs in one update.
        units: width of the recurrent layers, both sides.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        seed: of everything random.
    """

    preset: str | None
    settings: Mapping[str, Any] | str | os.PathLike[str] | None
    level: str | None
    source_level: str | None
    target_level: str | None
    source_separator: str | None
    target_separator: str | None
    vocabulary_size: int | None
    min_count: int | None
    lowercase: bool | None
    tags: str | None
    tag_separator: str | None
    tune_vectors: str | int | None
    epochs: int | None
    minutes: float | None
    batch_size: int | None
    units: int | None
    optimizer: str | None
    learning_rate: float | None
    seed: int | None


def choose_settings(**options: Unpack[Options]) -> Settings:
    """The complete settings that some options ask for.

    Raises:
        SettingsError: if an option or a setting is unknown or wrong.
    """
    for name in options:
        if name not in Options.__annotations__:
            raise SettingsError(f"unknown option {name!r}.{did_you_mean(name, Options.__annotations__)}")
    get = options.get
    settings = get("settings")
    file = settings if isinstance(settings, Mapping) or settings is None else read_settings_file(settings)
    changes: dict[str, Any] = {
        "training.epochs": get("epochs"),
        "training.minutes": get("minutes"),
        "training.batch_size": get("batch_size"),
        "network.encoder.units": get("units"),
        "network.decoder.units": get("units"),
        "training.optimizer": get("optimizer"),
        "training.learning_rate": get("learning_rate"),
        "training.seed": get("seed"),
        "source.case": None if get("lowercase") is None else "lower" if get("lowercase") else "keep",
        "tags.mode": get("tags"),
        "tags.separator": get("tag_separator"),
        "training.frozen_epochs": _frozen_epochs(get("tune_vectors")),
    }
    for side in ("source", "target"):
        separator = get(f"{side}_separator")
        # A separator makes its side tokens, whatever `level` says for both.
        level = get(f"{side}_level") or ("pretokenized" if separator is not None else get("level"))
        changes |= {
            f"{side}.level": level,
            f"{side}.separator": separator,
            f"{side}.vocabulary_size": get("vocabulary_size"),
            f"{side}.min_count": get("min_count"),
        }
    return make_settings(get("preset"), file, changes)


def _frozen_epochs(tune: str | int | None) -> int | None:
    epochs = {None: None, "always": 0, "never": MOST_EPOCHS}.get(tune, tune)
    try:
        return epochs if epochs is None else int(epochs)
    except ValueError:
        raise SettingsError(
            f"tune_vectors must be 'always', 'never', or the epochs to wait, received: {tune!r}"
        ) from None
