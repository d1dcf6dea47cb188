"""Vectors of texts: the last output of the encoder, independent of the other texts."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.errors import DataError

PAIRS = [("".join(letters), "".join(letters)) for letters in itertools.product("abc", repeat=3)]


@pytest.fixture(scope="module", params=["forward", "both", "backward"])
def translator(request: pytest.FixtureRequest) -> passerelle.Translator:
    encoder = {"direction": request.param, "layers": 2, "units": 6}
    return passerelle.train(PAIRS, settings={"network": {"encoder": encoder}, "training": {"epochs": 1}}, validation=0)


def test_one_vector_per_text_with_the_width_of_the_layer(translator: passerelle.Translator) -> None:
    texts = ["abc", "", "a", "cab" * 7, "  "]
    vectors = translator.encode(texts)
    width = 12 if translator.settings.network.encoder.direction == "both" else 6
    assert (vectors.shape, vectors.dtype) == ((5, width), np.float32)
    assert not vectors[[1, 4]].any()
    for row, text in enumerate(texts):
        np.testing.assert_allclose(translator.encode([text])[0], vectors[row], rtol=1e-5, atol=1e-6)
    assert not np.allclose(vectors[0], vectors[2])


def test_it_is_the_state_of_the_last_layer(translator: passerelle.Translator) -> None:
    """Compared with calling the Keras layers one after the other."""
    network = translator.network
    ids = translator.source.encode(["abca"]).padded(np.array([0]), 4)
    reverse = translator.settings.network.encoder.direction == "backward"
    sequence: Any = network.get_layer("source_embedding")(ids[:, ::-1] if reverse else ids)
    for number in (1, 2):
        sequence, *states = network.get_layer(f"encoder_lstm_{number}")(sequence)
    expected = np.concatenate([np.asarray(state)[0] for state in states[::2]])
    np.testing.assert_allclose(translator.encode(["abca"])[0], expected, rtol=1e-5, atol=1e-6)


def test_a_loaded_translator_gives_the_same_vectors(translator: passerelle.Translator, tmp_path: Path) -> None:
    before = translator.encode(["abc", "b"])
    translator.save(tmp_path / "model.keras")
    again = passerelle.load(tmp_path / "model.keras")
    np.testing.assert_allclose(again.encode(["abc", "b"]), before, rtol=1e-6)


def test_texts_must_be_strings(translator: passerelle.Translator) -> None:
    with pytest.raises(DataError, match="list of strings"):
        translator.encode("abc")
    with pytest.raises(DataError, match="must be strings"):
        translator.encode([3])  # pyright: ignore[reportArgumentType]
    assert translator.encode([]).shape[0] == 0
