"""The complete values of each preset, compared with golden values."""

import json
from pathlib import Path

import pytest

from passerelle.settings import PRESETS, Settings

GOLDEN = json.loads((Path(__file__).parent / "golden" / "presets.json").read_text(encoding="utf-8"))


def test_every_preset_has_golden_values() -> None:
    assert list(GOLDEN) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_values_equal_the_golden_values(name: str) -> None:
    assert PRESETS[name].settings.model_dump() == GOLDEN[name]


def _unchanged(changes: dict, base: dict, path: str = "") -> list[str]:
    """Dotted names of the changes that have the same value as the base."""
    unchanged = []
    for key, value in changes.items():
        if isinstance(value, dict):
            unchanged += _unchanged(value, base[key], f"{path}{key}.")
        elif value == base[key]:
            unchanged.append(f"{path}{key}")
    return unchanged


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_lists_only_values_that_differ_from_its_base(name: str) -> None:
    preset = PRESETS[name]
    base = Settings(preset="") if preset.base is None else PRESETS[preset.base].settings
    assert _unchanged(dict(preset.changes), base.model_dump()) == []
