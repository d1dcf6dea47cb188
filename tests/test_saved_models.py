"""A model file that an earlier version of the code wrote; every later version must load it."""

import json
import zipfile
from pathlib import Path

import pytest

import passerelle

SAVED = sorted((Path(__file__).parent / "saved_models").glob("*.keras"))


def test_saved_files_exist() -> None:
    assert [path.name for path in SAVED] == ["characters.keras"]


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_it_loads_and_gives_the_same_translations(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("assets/translator.json"))["format"] == expected["format"]
    translator = passerelle.load(path)
    for name, options in expected["searches"].items():
        results = translator.search(expected["texts"], tags=expected["tags"], **options)
        assert [result.text for result in results] == expected["translations"][name], name
        assert [result.score for result in results] == pytest.approx(expected["scores"][name], rel=1e-4, abs=1e-4)


def test_it_can_be_saved_again(tmp_path: Path) -> None:
    translator = passerelle.load(SAVED[0])
    translator.save(tmp_path / "again.keras")
    again = passerelle.load(tmp_path / "again.keras")
    assert (again.settings, again.record) == (translator.settings, translator.record)
    assert again.signature.to_json() == translator.signature.to_json()
