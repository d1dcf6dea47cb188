"""Presets: complete settings with a name. A preset lists only the values that differ from its base."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from passerelle.errors import SettingsError, did_you_mean
from passerelle.settings.merge import merge
from passerelle.settings.root import Settings
from passerelle.settings.schema import validated

__all__ = ["AUTO_PRESET", "BASE_PRESET", "DEFAULT_PRESET", "FORECAST_PRESET", "PRESETS", "Preset", "find_preset"]


@dataclass(frozen=True, eq=False)
class Preset:
    """Complete settings with a name.

    Attributes:
        name: the key in `PRESETS`.
        summary: network, purpose and training time, in one line.
        base: name of the preset on which it is based; None for the defaults of the schema.
        changes: the values that differ from the base, nested by section.
        numbers: whether it is a preset for forecasts of numbers, not for texts.
    """

    name: str
    summary: str
    base: str | None
    changes: Mapping[str, Any]
    numbers: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The complete settings."""
        values = {} if self.base is None else PRESETS[self.base].settings.model_dump()
        merge(values, {**self.changes, "preset": self.name})
        return validated(Settings, values)


_TRANSFORMER = {"kind": "transformer", "embedding": 256, "units": 256}

_ALL = (
    # The published program: one-hot vectors, one LSTM of 256 units per side, encoder states copied to the decoder.
    Preset(
        "tutorial",
        "the network of the Keras tutorial, for comparison; 3 minutes for 8,000 short pairs on two cores",
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
    # Half of the tutorial's hidden size, with a bidirectional encoder, embeddings and attention.
    Preset(
        "compact",
        "with attention: learns more from few pairs; 2 minutes for 8,000 short pairs on two cores",
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
    # With additive attention, training takes longer and translations are no better (docs/quality.md).
    Preset(
        "attention",
        "compact with twice the hidden size, for more or harder pairs; about 3 times the time of compact",
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
        "compact that can also copy unknown names, numbers and letters; about the time of compact",
        "compact",
        {"network": {"copying": True}},
    ),
    # Accuracy still improves long after the validation loss has begun to rise, so the weights of the last epoch are
    # saved.
    Preset(
        "monotonic",
        "for spelling to sound, inflection, transliteration, short sentences; few pairs, small vocabularies",
        "compact",
        {
            "network": {"attention": "monotonic", "dropout": 0.4},
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
    # The tutorial's author recommends it to beginners: the encoder's state at every step, and no previous token.
    Preset(
        "repeat",
        "the simplest network: each decoder step reads the encoder's final state, and no previous token",
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
    # Like GNMT (Wu et al. 2016, arXiv:1609.08144) and RNMT+ (Chen et al. 2018, arXiv:1804.09849), but small.
    Preset(
        "deep",
        "three layers per side, like GNMT and RNMT+, for many pairs; about 12 times the time of compact",
        "compact",
        {
            "network": {
                "layer_norm": True,
                "attention": "multi-head-additive",
                "query": "bottom",
                "embedding_init_range": 0.05,
                "encoder": {"embedding": 128, "layers": 3, "residual": True},
                "decoder": {"embedding": 128, "units": 256, "layers": 3, "residual": True},
            },
            "training": {"learning_rate": 0.001, "label_smoothing": 0.1},
        },
    ),
    # Vaswani et al. 2017 (arXiv:1706.03762) with pre-norm sublayers, in the size of Keras's translation tutorial. As
    # for `monotonic`, translations still improve when the validation loss does not.
    Preset(
        "transformer",
        "a small Transformer, by word: best for sentences; 4 minutes for 8,000 short pairs on two cores",
        "compact",
        {
            "source": {"level": "word"},
            "target": {"level": "word"},
            "network": {
                "attention": "multi-head",
                "heads": 8,
                "embedding_init_range": 0.1,
                "dropout": 0.2,
                "encoder": {**_TRANSFORMER, "direction": "forward"},
                "decoder": _TRANSFORMER,
            },
            "training": {
                "batch_size": 64,
                "learning_rate": 0.001,
                "label_smoothing": 0.1,
                "keep": "last",
                "patience": 0,
            },
        },
    ),
    # Chosen on validation windows of household power (docs/quality.md).
    Preset(
        "forecast",
        "numbers from numbers: a GRU that predicts quantiles of all steps at once, for train-forecaster",
        None,
        {
            "network": {
                "cell": "gru",
                "dropout": 0.3,
                "encoder": {"embedding": 0, "units": 64},
                "decoder": {"embedding": 0, "units": 64, "context": True, "feedback": False, "head": "quantiles"},
            },
            "training": {
                "batch_size": 32,
                "learning_rate": 0.002,
                "schedule": "cosine",
                "clip": 1.0,
                "patience": 8,
            },
        },
        numbers=True,
    ),
    Preset(
        "hybrid",
        "the encoder of transformer, and a recurrent decoder with multi-head attention",
        "transformer",
        {"network": {"decoder": {"kind": "recurrent", "embedding": 128}}},
    ),
)

PRESETS = {preset.name: preset for preset in _ALL}
"""All presets by name.

Example:
    >>> list(passerelle.PRESETS)
    ['tutorial', 'compact', 'attention', 'pointer', 'monotonic', 'repeat', 'deep', 'transformer', 'forecast', 'hybrid']
    >>> passerelle.PRESETS["attention"].settings.network.encoder.units
    256
"""

AUTO_PRESET = "auto"
"""Name of the preset that is chosen from the pairs; see `preset_choice`."""

BASE_PRESET = "compact"
"""The preset whose values `auto` has until the pairs are known."""

DEFAULT_PRESET = AUTO_PRESET

FORECAST_PRESET = "forecast"
"""The preset of a forecaster, unless another one is set."""


def find_preset(name: object) -> Preset:
    """Return the preset of this name.

    Raises:
        SettingsError: if no preset has this name.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise SettingsError(f"unknown preset {name!r}.{did_you_mean(str(name), [AUTO_PRESET, *PRESETS])}")
    return PRESETS[name]
