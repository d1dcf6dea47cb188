"""Numbers in and text out: a translator whose sources are sequences of numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle import DataError, SettingsError

WORDS = {1.0: "rises", -1.0: "falls"}
OPTIONS: dict[str, Any] = {"level": "word", "units": 16, "epochs": 30, "learning_rate": 0.02, "dropout": 0.0}


def sensor_pairs(count: int = 48) -> list[tuple[np.ndarray, str]]:
    """Sequences of 4 to 7 steps in two columns, and the words that say how each column changes."""
    random = np.random.default_rng(0)
    pairs = []
    for _ in range(count):
        signs = random.choice([1.0, -1.0], 2)
        steps = np.arange(random.integers(4, 8))[:, None]
        numbers = 100.0 + 10.0 * signs * steps + random.normal(size=(len(steps), 2))
        pairs.append((numbers, f"first {WORDS[signs[0]]} , second {WORDS[signs[1]]}"))
    return pairs


@pytest.fixture(scope="module")
def translator() -> passerelle.Translator:
    return passerelle.train(sensor_pairs(), validation=0, scaling="window", **OPTIONS)  # pyright: ignore[reportArgumentType]


def test_numbers_are_described_in_words(translator: passerelle.Translator, tmp_path: Path) -> None:
    sources, targets = zip(*sensor_pairs(), strict=True)
    found: Any = translator.translate(sources)  # pyright: ignore[reportArgumentType,reportCallIssue]
    assert sum(text == target for text, target in zip(found, targets, strict=True)) >= 40
    translator.save(tmp_path / "sensors.keras")
    again = passerelle.load(tmp_path / "sensors.keras")
    assert again.translate(sources) == found
    assert again.translate(sources[:1], beam=3) == again.translate(sources, beam=3)[:1]
    assert len(again.n_best(sources[:2], 2, sample=True)) == 2
    assert again.evaluate(sensor_pairs()).exact_match > 80
    scores = again.score([(sources[0], targets[0]), (sources[0], "first second")])
    assert scores[0].log_probability > scores[1].log_probability
    assert again.encode(sources[:3]).shape[0] == 3


def test_validation_rows_are_held_out_by_source() -> None:
    trained = passerelle.train(sensor_pairs(), validation=0.25, **OPTIONS | {"epochs": 1})  # pyright: ignore[reportArgumentType]
    assert trained.record["data"]["validation_pairs"] == 12


def test_wrong_sources_are_named(translator: passerelle.Translator) -> None:
    with pytest.raises(DataError, match=r"source, row 1: expected numbers of the shape \(length, 2\)"):
        translator.translate([np.zeros((3, 1))])  # pyright: ignore[reportArgumentType,reportCallIssue]
    with pytest.raises(DataError, match="source, row 1: expected numbers, received: 'text'"):
        translator.translate(["text"])
    with pytest.raises(SettingsError, match="alignments are between tokens"):
        translator.align(translator.search([np.ones((3, 2))]))  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="tags belong to texts"):
        rows = [(source, target, "a") for source, target in sensor_pairs()]
        passerelle.train(rows, tag_mode="separate", validation=0, **OPTIONS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="copying"):
        passerelle.train(sensor_pairs(), preset="pointer", validation=0, **OPTIONS)  # pyright: ignore[reportArgumentType]
