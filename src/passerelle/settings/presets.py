"""Presets: complete settings with a name. A preset lists only what differs from its base."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from passerelle.errors import SettingsError, did_you_mean
from passerelle.settings.merge import merge
from passerelle.settings.root import Settings
from passerelle.settings.schema import validated

__all__ = ["DEFAULT_PRESET", "PRESETS", "Preset", "find_preset"]


@dataclass(frozen=True, eq=False)
class Preset:
    """Complete settings with a name.

    Attributes:
        name: the key in `PRESETS`.
        summary: purpose and cost, in one line.
        base: name of the preset that it changes; None for the defaults of the schema.
        changes: the values that differ from the base, nested by section.
    """

    name: str
    summary: str
    base: str | None
    changes: Mapping[str, Any]

    @cached_property
    def settings(self) -> Settings:
        """The complete settings."""
        values = {} if self.base is None else PRESETS[self.base].settings.model_dump()
        merge(values, {**self.changes, "preset": self.name})
        return validated(Settings, values)


_ALL = (
    # The published program: one-hot vectors, one LSTM of 256 units a side, states copied.
    Preset(
        "tutorial",
        "the well-known tutorial's network, to compare with; 3 minutes for 8,000 short pairs on two cores",
        None,
        {
            "network": {
                "bridge": "copy",
                "unknown": False,
                "encoder": {"embedding": 0},
                "decoder": {"embedding": 0},
            },
            "training": {"optimizer": "rmsprop", "keep": "last"},
        },
    ),
    # Half the tutorial's width, but with a bidirectional encoder, learned embeddings and attention.
    Preset(
        "compact",
        "looks back at the source, so learns more from few pairs; 2 minutes for 8,000 short pairs on two cores",
        None,
        {
            "network": {
                "attention": "general",
                "embedding_init_range": 1.0,
                "dropout": 0.3,
                "encoder": {"units": 128, "direction": "both"},
                "decoder": {"units": 128},
            },
            "training": {
                "epochs": 20,
                "batch_size": 32,
                "learning_rate": 0.004,
                "schedule": "cosine",
                "clip": 1.0,
                "patience": 5,
            },
        },
    ),
    # Additive attention instead takes longer and gains nothing (docs/quality.md).
    Preset(
        "attention",
        "compact at twice the width, where there is more to learn; some 3 times the time of compact",
        "compact",
        {
            "network": {
                "dropout": 0.4,
                "encoder": {"embedding": 128, "units": 256},
                "decoder": {"embedding": 128, "units": 256},
            },
            "training": {"learning_rate": 0.002},
        },
    ),
    Preset(
        "pointer",
        "compact that also copies: names, numbers, letters never seen; about the time of compact",
        "compact",
        {"network": {"copying": True}},
    ),
    # Words come out right more often long after the validation loss has begun to rise, so the last weights are kept.
    Preset(
        "monotonic",
        "spelling to sound, inflection, transliteration, short sentences; few pairs, small vocabularies",
        "compact",
        {
            "network": {"attention": "monotonic", "embedding_init_range": 0.05, "dropout": 0.4},
            "training": {
                "epochs": 40,
                "batch_size": 16,
                "learning_rate": 0.003,
                "label_smoothing": 0.1,
                "keep": "last",
                "patience": 0,
            },
        },
    ),
    # The tutorial's author recommends it to beginners: the encoder's state at every step, no token fed back.
    Preset(
        "repeat",
        "the simplest of all: the source at every step, nothing fed back, each output token for itself",
        "compact",
        {
            "network": {
                "attention": "none",
                "bridge": "zero",
                "embedding_init_range": 0.05,
                "encoder": {"units": 256},
                "decoder": {"units": 256, "context": True, "feedback": False},
            },
            "training": {"learning_rate": 0.002},
        },
    ),
    # After GNMT (Wu et al. 2016) and RNMT+ (Chen et al. 2018), at a laptop's size.
    Preset(
        "deep",
        "three layers a side after GNMT and RNMT+, for many pairs; some 12 times the time of compact",
        "compact",
        {
            "network": {
                "layer_norm": True,
                "attention": "multi-head",
                "query": "bottom",
                "embedding_init_range": 0.05,
                "encoder": {"embedding": 128, "layers": 3, "residual": True},
                "decoder": {"embedding": 128, "units": 256, "layers": 3, "residual": True},
            },
            "training": {"learning_rate": 0.001, "label_smoothing": 0.1},
        },
    ),
)

PRESETS = {preset.name: preset for preset in _ALL}
"""All presets by name.

Example:
    >>> list(passerelle.PRESETS)
    ['tutorial', 'compact', 'attention', 'pointer', 'monotonic', 'repeat', 'deep']
    >>> passerelle.PRESETS["attention"].settings.network.encoder.units
    256
"""

DEFAULT_PRESET = "compact"


def find_preset(name: object) -> Preset:
    """Return the preset of this name.

    Raises:
        SettingsError: if there is none.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise SettingsError(f"unknown preset {name!r}.{did_you_mean(str(name), PRESETS)}")
    return PRESETS[name]
