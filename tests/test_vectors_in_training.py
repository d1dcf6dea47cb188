"""Pretrained word vectors in training: initial embeddings, frozen embeddings, extra words and errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.errors import DataError, SettingsError
from passerelle.experiment.building import build
from passerelle.experiment.prepared_training import train_prepared
from passerelle.models.ids import first_source_column
from passerelle.preparation import prepare
from passerelle.settings import MAX_EPOCHS, choose_settings
from passerelle.special_tokens import FIRST_ORDINARY, UNK

NOUNS = {"cat": "chat", "dog": "chien", "bird": "oiseau", "fox": "renard"}
VERBS = {"sees": "voit", "likes": "aime", "hears": "entend"}
PAIRS = [(f"the {a} {b}", f"le {NOUNS[a]} {VERBS[b]}") for a in NOUNS for b in VERBS]
SIDE = {"units": 16}
SMALL: dict[str, Any] = {
    "network": {"embedding_init_range": 0.05, "dropout": 0.0, "encoder": SIDE, "decoder": SIDE},
    "training": {"epochs": 2, "batch_size": 6, "learning_rate": 0.02},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """English vectors in which `kitty` is similar to `cat` and `fox` is missing; French vectors without a header."""
    folder = tmp_path_factory.mktemp("vectors")
    random = np.random.default_rng(3)
    english = {word: random.normal(size=5) for word in ("the", "cat", "dog", "bird", *VERBS, "ordinal")}
    english["kitty"] = english["cat"] + 0.01
    french = {word: random.normal(size=4) for word in ("le", *NOUNS.values(), "unused")}
    paths = {"source": folder / "en.vec", "target": folder / "fr.txt"}
    for path, words in zip(paths.values(), (english, french), strict=True):
        header = f"{len(words)} 5\n" if path.suffix == ".vec" else ""
        rows = (f"{word} {' '.join(f'{x:.5f}' for x in values)}\n" for word, values in words.items())
        path.write_text(header + "".join(rows))
    return paths


def prepared(settings: Any = SMALL, *, level: str = "word", **options: Any) -> Any:
    files = {name: options.pop(name) for name in ("source_vectors", "target_vectors") if name in options}
    return prepare(PAIRS, choose_settings(settings=settings, level=level, **options), validation=0, **files)


def vector(translator: Any, side: str, token: str) -> np.ndarray:
    network = translator.network
    first = first_source_column(network.settings) if side == "source" else network.stepper.first
    row = getattr(translator, side).vocabulary.id_of(token) - first
    return np.asarray(network.table(side).value)[row]


def value_in(path: Path, word: str) -> np.ndarray:
    (row,) = (line.split()[1:] for line in path.read_text().splitlines() if line.startswith(f"{word} "))
    return np.array(row, "f4")


def test_embeddings_begin_with_pretrained_vectors(files: dict[str, Path]) -> None:
    data = prepared(source_vectors=files["source"], target_vectors=files["target"])
    network = data.settings.network
    assert (network.encoder.embedding, network.decoder.embedding) == (5, 4)
    assert data.vector_coverage == {
        "source": {"tokens": 8, "with_vectors": 7, "file": str(files["source"])},
        "target": {"tokens": 8, "with_vectors": 5, "file": str(files["target"])},
    }
    tokens = data.signature.source.tokenizer.vocabulary.tokens
    assert tokens[8:] == (" ordinal", " kitty")
    assert data.extra_words == len(tokens) - 8
    assert " unused" not in data.signature.target.tokenizer.vocabulary, (
        "only the source has extra words, because they have no output weights"
    )
    translator = build(data)
    for side, word in (("source", "cat"), ("target", "chat"), ("target", "le")):
        np.testing.assert_array_equal(vector(translator, side, f" {word}"), value_in(files[side], word))
    fixed = np.asarray(translator.network.table("source", "fixed_table").value)
    np.testing.assert_array_equal(fixed[tokens[8:].index(" kitty")], value_in(files["source"], "kitty"))
    assert np.abs(vector(translator, "source", " fox")).max() <= 0.05


@pytest.mark.parametrize(
    ("frozen_epochs", "unchanged"), [(None, True), (MAX_EPOCHS, True), (0, False), (1, False), (2, True)]
)
def test_frozen_vectors_are_unchanged(files: dict[str, Path], frozen_epochs: int | None, unchanged: bool) -> None:
    data = prepared(source_vectors=files["source"], frozen_epochs=frozen_epochs)
    before, after = build(data), train_prepared(data)
    assert (vector(before, "source", " cat") == vector(after, "source", " cat")).all() == unchanged
    assert (vector(before, "source", " fox") != vector(after, "source", " fox")).any(), "without a vector: is trained"
    names = ("source", "fixed_table")
    np.testing.assert_array_equal(before.network.table(*names).value, after.network.table(*names).value)


def test_unseen_synonym_is_translated_by_its_vector(files: dict[str, Path], tmp_path: Path) -> None:
    translator = train_prepared(prepared(source_vectors=files["source"], epochs=40))
    sources = [f"the cat {verb}" for verb in VERBS]
    expected = [f"le chat {verb}" for verb in VERBS.values()]
    assert translator.translate(sources) == expected
    assert translator.translate([source.replace("cat", "kitty") for source in sources]) == expected
    assert translator.search(["the kitty + 'kitty"])[0].unknown == ("+",)
    assert translator.record["data"]["vectors"]["source"]["with_vectors"] == 7
    translator.save(tmp_path / "m.keras")
    loaded = passerelle.load(tmp_path / "m.keras")
    assert loaded.translate("the kitty sees") == "le chat voit"
    assert loaded.network.inputs_spec["source"]["extra"] == translator.network.inputs_spec["source"]["extra"] > 0


@pytest.mark.parametrize("network", [{"attention": "general", "copying": True}, {"unknown": False}, {"tie": "target"}])
def test_vectors_in_other_networks(files: dict[str, Path], network: dict[str, Any], tmp_path: Path) -> None:
    settings = SMALL | {"network": SMALL["network"] | network}
    translator = train_prepared(
        prepared(settings, source_vectors=files["source"], target_vectors=files["target"], epochs=1)
    )
    np.testing.assert_array_equal(vector(translator, "source", " cat"), value_in(files["source"], "cat"))
    np.testing.assert_array_equal(vector(translator, "target", " chat"), value_in(files["target"], "chat"))
    translator.save(tmp_path / "m.keras")


def test_vectors_with_input_feeding(files: dict[str, Path]) -> None:
    settings = SMALL | {"network": SMALL["network"] | {"attention": "general", "input_feeding": True}}
    translator = train_prepared(prepared(settings, target_vectors=files["target"], epochs=1))
    np.testing.assert_array_equal(vector(translator, "target", " chat"), value_in(files["target"], "chat"))


def test_vector_words_limits_extra_words(files: dict[str, Path]) -> None:
    data = prepared(SMALL | {"source": {"vector_words": 0}}, source_vectors=files["source"])
    assert (data.extra_words, len(data.signature.source.tokenizer.vocabulary.tokens)) == (0, 8)
    assert build(data).network.inputs_spec["source"]["extra"] == 0
    words = len(files["source"].read_text().splitlines()) - 1
    fewer = prepared(SMALL | {"source": {"vector_words": words - 1}}, source_vectors=files["source"])
    assert fewer.signature.source.tokenizer.vocabulary.tokens[8:] == (" ordinal",), "all but the last word, `kitty`"


def test_extra_words_are_known_in_validation(files: dict[str, Path]) -> None:
    held_out = [("the kitty sees", "le chat voit"), ("the wolf sees", "le loup voit")]
    data = prepare(PAIRS, choose_settings(level="word"), validation=held_out, source_vectors=files["source"])
    assert data.unknown_validation_tokens == {"source": 1, "target": 1}
    assert (data.validation_batches.source.values >= FIRST_ORDINARY + 8).sum() == 1
    assert (data.validation_batches.source.values == UNK).sum() == 1


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (SMALL, {"level": "character"}, r"source vectors require source\.level 'word', received: 'character'"),
        ({"network": {"encoder": {"embedding": 32}}}, {}, r"network\.encoder\.embedding is 32, but the vectors in"),
        ({"tags": {"mode": "inline"}}, {}, r"extra words and inline tags would use the same ids"),
        ({"network": {"tie": "all"}}, {}, r"pretrained vectors belong to one side, but with network\.tie 'all'"),
        (SMALL, {"frozen_epochs": "often"}, r"training\.frozen_epochs: .* received: 'often'"),
        (SMALL, {"frozen_epochs": -1}, r"training\.frozen_epochs: .* received: -1"),
    ],
)  # fmt: skip
def test_incompatible_settings_are_errors(files: dict[str, Path], settings: Any, options: Any, message: str) -> None:
    pairs = [(*pair, "tag") for pair in PAIRS] if "tags" in settings else PAIRS
    with pytest.raises(SettingsError, match=message):
        passerelle.train(pairs, settings=settings, source_vectors=files["source"], **{"level": "word"} | options)


def test_target_vectors_without_feedback_are_an_error(files: dict[str, Path]) -> None:
    with pytest.raises(SettingsError, match="target vectors initialize the decoder's input embeddings"):
        prepared(None, preset="repeat", target_vectors=files["target"])


def test_vectors_without_a_common_word_are_an_error(files: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"fr\.txt has no vector for any of 8 words"):
        prepared(source_vectors=files["target"])
