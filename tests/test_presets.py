"""Every preset with small networks: training reduces the loss, and a saved translator gives the same translations."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

import passerelle
from passerelle.settings import PRESETS

pytestmark = pytest.mark.slow

WORDS = ["".join(characters) for characters in itertools.product("abc", repeat=3)]
PAIRS = [(word, word[::-1]) for word in WORDS]


@pytest.mark.parametrize("preset", PRESETS)
def test_train_save_load(preset: str, tmp_path: Path) -> None:
    translator = passerelle.train(PAIRS, preset=preset, units=8, epochs=4, validation=0.2)
    losses = [epoch["loss"] for epoch in translator.record["epochs"]]
    assert losses[-1] < losses[0]
    assert translator.settings.preset == preset
    texts = ["abc", "cab", "a", "zzz", "ab?"]
    results = translator.search(texts)
    path = tmp_path / "model.keras"
    translator.save(path)
    loaded = passerelle.load(path)
    for before, after in zip(results, loaded.search(texts), strict=True):
        assert after.text == before.text
        np.testing.assert_allclose(after.score, before.score, rtol=1e-4)
    # A translation does not depend on the other texts of the call.
    assert [loaded.translate(text) for text in texts] == [result.text for result in results]


@pytest.mark.parametrize("decoder_inputs", ["scheduled_sampling", "free_running"])
def test_training_with_predictions_as_decoder_inputs(decoder_inputs: str) -> None:
    settings = {"training": {"decoder_inputs": decoder_inputs, "epochs": 3, "learning_rate": 0.01}}
    translator = passerelle.train(PAIRS, units=8, settings=settings, validation=0.2)
    losses = [epoch["loss"] for epoch in translator.record["epochs"]]
    assert losses[-1] < losses[0]
    assert translator.settings.training.decoder_inputs == decoder_inputs


def test_input_feeding_updates_dropout_seeds_only_in_training() -> None:
    """Dropout is inside a scan. Each update must change its seeds; a search must not."""
    network = {"input_feeding": True, "dropout": 0.2, "recurrent_dropout": 0.1}
    settings = {"network": network, "training": {"epochs": 2, "decoder_inputs": "scheduled_sampling"}}
    translator = passerelle.train(PAIRS, units=8, settings=settings, validation=0.2)
    layer = translator.network.get_layer("step_by_step")
    seeds = [np.asarray(variable) for variable in layer.variables if "seed" in variable.path]
    assert seeds
    assert all(seed[1] > 0 for seed in seeds), "every update would have the same dropout mask"
    assert len(translator.translate(["abc", "cab"])) == 2
    for before, after in zip(seeds, [v for v in layer.variables if "seed" in v.path], strict=True):
        np.testing.assert_array_equal(before, np.asarray(after))


def test_monotonic_attention_copies_unseen_characters() -> None:
    """The target is the source, known characters or not, followed by an exclamation mark."""
    rng = random.Random(1)
    words = sorted({"".join(rng.choices("abcdefgh", k=rng.randint(2, 5))) for _ in range(300)})
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
