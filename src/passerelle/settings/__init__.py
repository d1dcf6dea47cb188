"""All settings of a translator, of a search and of reading pairs, each declared once and validated before use.

schema      declares and validates settings; explains invalid values
text, network, training, search, data, synthetic, fine_tuning, root      the sections of settings
presets     complete settings by name
merge       settings files (TOML) and NAME=VALUE assignments
options     short names of settings: keyword arguments and flags
table       generates docs/settings.md
"""

from passerelle.settings.data import MAX_LINE, ReadingSettings
from passerelle.settings.fine_tuning import FineTuningSettings, fine_tuning_settings
from passerelle.settings.merge import parse_assignments, read_settings_file
from passerelle.settings.network import SOFT_ATTENTION, DecoderSettings, EncoderSettings, NetworkSettings
from passerelle.settings.numbers import MAX_STEPS, NumberSettings
from passerelle.settings.options import (
    accepts_options,
    choose_settings,
    make_settings,
    options_of,
    with_preset,
)
from passerelle.settings.presets import AUTO_PRESET, BASE_PRESET, DEFAULT_PRESET, FORECAST_PRESET, PRESETS, Preset
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, Setting, check_value, named_sections, settings_in, validated
from passerelle.settings.search import (
    ConstraintSettings,
    MBRUtility,
    SearchSettings,
    SplitMode,
    stored_search,
    with_stored,
)
from passerelle.settings.synthetic import SyntheticSettings
from passerelle.settings.text import MAX_TEXT_LENGTH, OutputSettings, TagSettings, TextSettings
from passerelle.settings.training import MAX_EPOCHS, TrainingSettings

__all__ = [
    "AUTO_PRESET", "BASE_PRESET", "DEFAULT_PRESET", "FORECAST_PRESET", "MAX_EPOCHS", "MAX_LINE", "MAX_STEPS",
    "MAX_TEXT_LENGTH", "PRESETS", "SOFT_ATTENTION", "ConstraintSettings", "DecoderSettings", "EncoderSettings",
    "FineTuningSettings", "MBRUtility", "NetworkSettings", "NumberSettings", "OutputSettings", "Preset",
    "ReadingSettings", "SearchSettings", "Section", "Setting", "Settings", "SplitMode", "SyntheticSettings",
    "TagSettings", "TextSettings", "TrainingSettings", "accepts_options", "check_value", "choose_settings",
    "fine_tuning_settings", "make_settings", "named_sections", "options_of", "parse_assignments", "read_settings_file",
    "settings_in", "stored_search", "validated", "with_preset", "with_stored",
]  # fmt: skip
