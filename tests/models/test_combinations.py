"""The table of network settings that the other tests go through."""

import dataclasses
import itertools
from typing import Any

from passerelle.config import NetworkSettings, validated

VALUES = {
    "cell": ["lstm", "gru"],
    "encoder_layers": [1, 2],
    "decoder_layers": [1, 2],
    "bidirectional": [False, True],
    "source_embedding": [0, 3],
    "target_embedding": [0, 5],
    "bridge": ["copy", "dense", "zero"],
    "attention": ["none", "general"],
    "unknown": [True, False],
    "dropout": [0.0, 0.3],
}


def test_any_two_settings_meet(combinations: list[Any]) -> None:
    rows = [dataclasses.asdict(combination) for combination in combinations]
    for first, second in itertools.combinations(VALUES, 2):
        met = {(row[first], row[second]) for row in rows}
        assert met == set(itertools.product(VALUES[first], VALUES[second])), (first, second)


def test_every_choice_of_words_is_in_the_table() -> None:
    for name in ("cell", "bridge", "attention"):
        annotation: Any = NetworkSettings.model_fields[name].annotation
        assert set(annotation.__args__) == set(VALUES[name]), f"{name} has a value that no test meets"


def test_all_are_valid(combination: Any) -> None:
    assert validated(NetworkSettings, combination.settings()).cell == combination.cell
