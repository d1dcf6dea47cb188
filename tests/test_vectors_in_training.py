"""Ready-made word vectors, from their file into a translator: what begins with them, what stays, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.errors import DataError, SettingsError
from passerelle.experiment import build, train_prepared
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
    """English vectors in which `kitty` is nearly `cat` and `fox` is missing; French ones without a header."""
    folder = tmp_path_factory.mktemp("vectors")
    random = np.random.default_rng(3)
    english = {word: random.normal(size=5) for word in ("the", "cat", "dog", "bird", *VERBS, "ordinal")}
    english["kitty"] = english["cat"] + 0.01
    french = {word: random.normal(size=4) for word in ("le", *NOUNS.values(), "unheard")}
    paths = {"source": folder / "en.vec", "target": folder / "fr.txt"}
    for path, words in zip(paths.values(), (english, french), strict=True):
        header = f"{len(words)} 5\n" if path.suffix == ".vec" else ""
        rows = (f"{word} {' '.join(f'{x:.5f}' for x in values)}\n" for word, values in words.items())
        path.write_text(header + "".join(rows))
    return paths


def lesson(settings: Any = SMALL, *, level: str = "word", **options: Any) -> Any:
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


def test_what_begins_with_them(files: dict[str, Path]) -> None:
    made = lesson(source_vectors=files["source"], target_vectors=files["target"])
    network = made.settings.network
    assert (network.encoder.embedding, network.decoder.embedding) == (5, 4)
    assert made.vector_coverage == {
        "source": {"tokens": 8, "with_vectors": 7, "file": str(files["source"])},
        "target": {"tokens": 8, "with_vectors": 5, "file": str(files["target"])},
    }
    tokens = made.signature.source.tokenizer.vocabulary.tokens
    assert {" kitty", "kitty", " ordinal", "cat"} <= set(tokens[8:])
    assert made.extra_words == len(tokens) - 8
    assert " unheard" not in made.signature.target.tokenizer.vocabulary, (
        "the target's is not extended: it could not be written"
    )
    fresh = build(made)
    for side, word in (("source", "cat"), ("target", "chat"), ("target", "le")):
        np.testing.assert_array_equal(vector(fresh, side, f" {word}"), value_in(files[side], word))
    fixed = np.asarray(fresh.network.table("source", "fixed_table").value)
    np.testing.assert_array_equal(fixed[tokens[8:].index(" kitty")], value_in(files["source"], "kitty"))
    assert np.abs(vector(fresh, "source", " fox")).max() <= 0.05


@pytest.mark.parametrize(("frozen", "stays"), [(None, True), (MAX_EPOCHS, True), (0, False), (1, False), (2, True)])
def test_what_stays(files: dict[str, Path], frozen: int | None, stays: bool) -> None:
    made = lesson(source_vectors=files["source"], frozen_epochs=frozen)
    before, after = build(made), train_prepared(made)
    assert (vector(before, "source", " cat") == vector(after, "source", " cat")).all() == stays
    assert (vector(before, "source", " fox") != vector(after, "source", " fox")).any(), "it has no vector, so it learns"
    names = ("source", "fixed_table")
    np.testing.assert_array_equal(before.network.table(*names).value, after.network.table(*names).value)


def test_an_unseen_synonym_is_read_by_its_vector(files: dict[str, Path], tmp_path: Path) -> None:
    translator = train_prepared(lesson(source_vectors=files["source"], epochs=40))
    sources = [f"the cat {verb}" for verb in VERBS]
    expected = [f"le chat {verb}" for verb in VERBS.values()]
    assert translator.translate(sources) == expected
    assert translator.translate([source.replace("cat", "kitty") for source in sources]) == expected
    assert translator.search(["the kitty 'kitty"])[0].unknown == ("'",)
    assert translator.record["data"]["vectors"]["source"]["with_vectors"] == 7
    translator.save(tmp_path / "m.keras")
    again = passerelle.load(tmp_path / "m.keras")
    assert again.translate("the kitty sees") == "le chat voit"
    assert again.network.inputs_spec["source"]["extra"] == translator.network.inputs_spec["source"]["extra"] > 0


@pytest.mark.parametrize("network", [{"attention": "general", "copying": True}, {"unknown": False}, {"tie": "target"}])
def test_other_networks(files: dict[str, Path], network: dict[str, Any], tmp_path: Path) -> None:
    settings = SMALL | {"network": SMALL["network"] | network}
    translator = train_prepared(
        lesson(settings, source_vectors=files["source"], target_vectors=files["target"], epochs=1)
    )
    np.testing.assert_array_equal(vector(translator, "source", " cat"), value_in(files["source"], "cat"))
    np.testing.assert_array_equal(vector(translator, "target", " chat"), value_in(files["target"], "chat"))
    translator.save(tmp_path / "m.keras")


def test_input_feeding_keeps_its_table_inside(files: dict[str, Path]) -> None:
    settings = SMALL | {"network": SMALL["network"] | {"attention": "general", "input_feeding": True}}
    translator = train_prepared(lesson(settings, target_vectors=files["target"], epochs=1))
    np.testing.assert_array_equal(vector(translator, "target", " chat"), value_in(files["target"], "chat"))


def test_no_words_beyond(files: dict[str, Path]) -> None:
    made = lesson(SMALL | {"source": {"vector_words": 0}}, source_vectors=files["source"])
    assert (made.extra_words, len(made.signature.source.tokenizer.vocabulary.tokens)) == (0, 8)
    assert build(made).network.inputs_spec["source"]["extra"] == 0
    two = lesson(SMALL | {"source": {"vector_words": 2}}, source_vectors=files["source"])
    assert two.signature.source.tokenizer.vocabulary.tokens[8:] == ("the", "cat"), (
        "the first two of the file, without blank"
    )


def test_held_out_words_are_known_by_their_vector(files: dict[str, Path]) -> None:
    held = [("the kitty sees", "le chat voit"), ("the wolf sees", "le loup voit")]
    made = prepare(PAIRS, choose_settings(level="word"), validation=held, source_vectors=files["source"])
    assert made.unknown_validation_tokens == {"source": 1, "target": 1}
    assert (made.validation_batches.source.values >= FIRST_ORDINARY + 8).sum() == 1
    assert (made.validation_batches.source.values == UNK).sum() == 1


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (SMALL, {"level": "character"}, r"source vectors are of words, and source\.level is 'character'; use"),
        ({"network": {"encoder": {"embedding": 32}}}, {}, r"network\.encoder\.embedding is 32, and the vectors of"),
        ({"tags": {"mode": "inline"}}, {}, r"extra words and inline tags both have the ids"),
        ({"network": {"tie": "all"}}, {}, r"ready-made vectors are one side's, and network\.tie 'all'"),
        (SMALL, {"frozen_epochs": "often"}, r"training\.frozen_epochs: .* received: 'often'"),
        (SMALL, {"frozen_epochs": -1}, r"training\.frozen_epochs: .* received: -1"),
    ],
)  # fmt: skip
def test_what_is_refused(files: dict[str, Path], settings: Any, options: Any, message: str) -> None:
    pairs = [(*pair, "tag") for pair in PAIRS] if "tags" in settings else PAIRS
    with pytest.raises(SettingsError, match=message):
        passerelle.train(pairs, settings=settings, source_vectors=files["source"], **{"level": "word"} | options)


def test_target_vectors_that_nothing_reads(files: dict[str, Path]) -> None:
    with pytest.raises(SettingsError, match="target vectors are read by the decoder"):
        lesson(None, preset="repeat", target_vectors=files["target"])


def test_vectors_of_another_language(files: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"fr\.txt has no vector for any of 8 words"):
        lesson(source_vectors=files["target"])
