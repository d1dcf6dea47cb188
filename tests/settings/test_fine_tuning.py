"""The settings of fine-tuning: text and network of the model, training of its preset, and refusals by name."""

import pytest

from passerelle.errors import SettingsError
from passerelle.settings import PRESETS, fine_tuning_settings, make_settings
from passerelle.settings.fine_tuning import RATE_SHARE

BEFORE = make_settings("compact", None, {"level": "word", "units": 32, "learning_rate": 0.1, "epochs": 3})


def test_text_and_network_are_those_of_the_model_and_training_that_of_the_preset():
    settings = fine_tuning_settings(BEFORE, "m.keras")
    assert (settings.source, settings.target, settings.network) == (BEFORE.source, BEFORE.target, BEFORE.network)
    preset = PRESETS["compact"].settings.training
    assert settings.training == preset.model_copy(update={"learning_rate": RATE_SHARE * preset.learning_rate})


def test_training_may_change():
    settings = fine_tuning_settings(
        BEFORE, "m.keras", preset="auto", options={"minutes": 2.0, "units": 32}, assignments={"training.clip": 2.0},
        file={"preset": "compact", "training": {"learning_rate": 0.5}, "source": {"level": "word"}},
    )  # fmt: skip
    assert settings.training.epochs is None
    assert settings.training.patience == 0
    assert settings.training.learning_rate == 0.5
    assert settings.training.clip == 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"options": {"units": 64}}, r"network\.encoder\.units is 32 in m\.keras, .* received: 64"),
        ({"options": {"level": "character"}}, r"source\.level is 'word' in m\.keras"),
        ({"assignments": {"network.dropout": 0.0}}, r"network\.dropout is 0\.3"),
        ({"preset": "tutorial"}, r"has the preset 'compact', .* received: preset 'tutorial'"),
        ({"file": {"preset": "deep"}}, "preset 'deep'"),
        ({"preset": "compat"}, r"unknown preset 'compat'\. Did you mean 'compact'\?"),
        ({"options": {"frozen_epochs": 1}}, r"training\.frozen_epochs concerns word-vector files"),
        ({"options": {"epoch": 1}}, "unknown option 'epoch'"),
        ({"options": {"tag_mode": "separate"}}, r"tags\.mode is 'none'"),
    ],
)
def test_contradictions_are_named(arguments, message):
    with pytest.raises(SettingsError, match=message):
        fine_tuning_settings(BEFORE, "m.keras", **arguments)
