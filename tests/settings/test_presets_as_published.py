"""Presets, resolved from their bases, against the complete values that they had when written out in full."""

import json
from pathlib import Path

import pytest

from passerelle.settings import PRESETS, Settings

GOLDEN = json.loads((Path(__file__).parent / "golden" / "presets.json").read_text(encoding="utf-8"))


def test_all_presets_are_recorded() -> None:
    assert list(GOLDEN) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_resolved_values(name: str) -> None:
    assert PRESETS[name].settings.model_dump() == GOLDEN[name]


def _differences(changes: dict, base: dict, path: str = "") -> list[str]:
    """Dotted names of the changes that change nothing."""
    idle = []
    for key, value in changes.items():
        if isinstance(value, dict):
            idle += _differences(value, base[key], f"{path}{key}.")
        elif value == base[key]:
            idle.append(f"{path}{key}")
    return idle


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_lists_only_what_differs(name: str) -> None:
    preset = PRESETS[name]
    base = Settings(preset="") if preset.base is None else PRESETS[preset.base].settings
    assert _differences(dict(preset.changes), base.model_dump()) == []
