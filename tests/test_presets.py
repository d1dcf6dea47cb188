"""Every preset, made small: it learns a little, is saved, and translates the same afterwards."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

import passerelle
from passerelle.settings import PRESETS

pytestmark = pytest.mark.slow

WORDS = ["".join(letters) for letters in itertools.product("abc", repeat=3)]
PAIRS = [(word, word[::-1]) for word in WORDS]


@pytest.mark.parametrize("preset", PRESETS)
def test_taught_saved_loaded(preset: str, tmp_path: Path) -> None:
    translator = passerelle.train(PAIRS, preset=preset, units=8, epochs=4, validation=0.2)
    losses = [epoch["loss"] for epoch in translator.record["epochs"]]
    assert losses[-1] < losses[0]
    assert translator.settings.preset == preset
    texts = ["abc", "cab", "a", "zzz", "ab?"]
    found = translator.search(texts)
    path = tmp_path / "model.keras"
    translator.save(path)
    again = passerelle.load(path)
    for before, after in zip(found, again.search(texts), strict=True):
        assert after.text == before.text
        np.testing.assert_allclose(after.score, before.score, rtol=1e-4)
    # EnsembleOptions or alone, in any company: the same text.
    assert [again.translate(text) for text in texts] == [result.text for result in found]


@pytest.mark.parametrize("inputs", ["scheduled_sampling", "free_running"])
def test_taught_with_its_own_choices(inputs: str) -> None:
    settings = {"training": {"decoder_inputs": inputs, "epochs": 3, "learning_rate": 0.01}}
    translator = passerelle.train(PAIRS, units=8, settings=settings, validation=0.2)
    losses = [epoch["loss"] for epoch in translator.record["epochs"]]
    assert losses[-1] < losses[0]
    assert translator.settings.training.decoder_inputs == inputs


def test_input_feeding_is_taught_and_translates() -> None:
    """Dropout inside the scan: its seeds move on with each update, and not in a search."""
    network = {"input_feeding": True, "dropout": 0.2, "recurrent_dropout": 0.1}
    settings = {"network": network, "training": {"epochs": 2, "decoder_inputs": "scheduled_sampling"}}
    translator = passerelle.train(PAIRS, units=8, settings=settings, validation=0.2)
    layer = translator.network.get_layer("step_by_step")
    seeds = [np.asarray(variable) for variable in layer.variables if "seed" in variable.path]
    assert seeds
    assert all(seed[1] > 0 for seed in seeds), "the same values dropped in every update"
    assert len(translator.translate(["abc", "cab"])) == 2
    for before, after in zip(seeds, [v for v in layer.variables if "seed" in v.path], strict=True):
        np.testing.assert_array_equal(before, np.asarray(after))


def test_monotonic_attention_copies_what_was_never_seen() -> None:
    """A letter goes through, known or not, and something is added at the end."""
    draw = random.Random(1)
    words = sorted({"".join(draw.choices("abcdefgh", k=draw.randint(2, 5))) for _ in range(300)})
    settings = {
        "network": {"copying": True, "dropout": 0.0},
        "training": {"epochs": 12, "learning_rate": 0.01, "copy_masking": 0.3},
    }
    pairs = [(word, f"{word}!") for word in words]
    translator = passerelle.train(pairs, preset="monotonic", units=16, settings=settings, validation=0)
    results = translator.search(["xyz", "ayb", "łx", "cab"])
    assert [result.text for result in results] == ["xyz!", "ayb!", "łx!", "cab!"]
    assert results[0].unknown == ("x", "y", "z")
    for result, scored in zip(results, translator.score([(r.source, r.text) for r in results]), strict=True):
        np.testing.assert_allclose(scored.log_probability, result.score, atol=1e-4)
