"""Translators at level subword: training, copying, saving, loading, and refusal of invalid vocabularies."""

import copy
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import passerelle
from passerelle.bundle import bundle
from passerelle.errors import DataError, ModelFileError, SettingsError
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.text.subword import BYTES

NAMES = ["Zoé", "Łódź", "Anna", "Béa", "Tom", "Yann"]
PAIRS = [
    (f"{name} is {what}.", f"{name} est {gives}\u202f!")
    for name, (what, gives) in itertools.product(NAMES, [("tired", "las"), ("old", "vieux"), ("here", "là")])
]
SIDE = {"embedding": 8, "units": 12}
TINY: dict[str, Any] = {
    "network": {"attention": "general", "copying": True, "dropout": 0.0, "encoder": SIDE, "decoder": SIDE},
    "training": {"epochs": 2, "batch_size": 8},
}


@pytest.fixture(scope="module")
def trained() -> Any:
    return passerelle.train(PAIRS, validation=0.2, level="subword", vocabulary_size=300, settings=TINY)


@pytest.fixture(scope="module")
def saved(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("subword") / "subword.keras"
    trained.save(path)
    return path


def test_saving_and_loading(trained: Any, saved: Path) -> None:
    texts = ["Zoé is tired.", "Xavier is œ 👩‍👧.", "\ud800", "\x00\n"]
    loaded = passerelle.load(saved)
    assert loaded.search(texts) == trained.search(texts)
    assert all(result.unknown == () for result in loaded.search(texts))
    for side in ("source", "target"):
        tokens = getattr(loaded, side).vocabulary.tokens
        assert tokens == getattr(trained, side).vocabulary.tokens
        assert tokens[:256] == BYTES
        assert 256 < len(tokens) <= 300


def test_copying_all_tokens_gives_the_source(trained: Any) -> None:
    texts = [source for source, _ in PAIRS] + ["Où est Łucja\u202f?"]
    targets = trained.signature.encode_targets({"source": texts, "target": texts})["target"]
    size = trained.target.vocabulary.size
    copies = trained.signature.encode_inputs({"source": texts})["target_copies"]
    assert (copies.values >= size).any(), "the source has tokens that the target vocabulary does not contain"
    assert trained.signature.target.decode(copies, {"source": texts}) == texts
    assert (targets.values < size).all(), "no target text has unknown tokens"


INVALID: dict[str, Any] = {
    "a byte missing": BYTES[1:],
    "bytes in another order": BYTES[::-1],
    "a token with a space": [*BYTES, "a b"],
    "a duplicate token": [*BYTES, "a"],
    "a surrogate": [*BYTES, "\ud800"],
    "numbers": list(range(300)),
    "a string": "".join(BYTES) + "!",
    "fewer tokens than the network has": BYTES,
    "null": None,
}


@pytest.mark.parametrize("tokens", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("side", ["source", "target"])
def test_invalid_vocabularies_are_refused(
    trained: Any, saved: Path, side: str, tokens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(saved) as archive:
        content = json.loads(archive.read("assets/translator.json"))
    content["signature"]["inputs" if side == "source" else "outputs"][side]["tokens"] = tokens
    monkeypatch.setattr(bundle, "load_network", lambda path: (trained.network, copy.deepcopy(content)))
    with pytest.raises(ModelFileError, match=r"^x\.keras is damaged: [^\n]+$"):
        passerelle.load("x.keras")


def test_a_file_with_level_auto_is_refused(trained: Any, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(saved) as archive:
        content = json.loads(archive.read("assets/translator.json"))
    content["settings"]["source"]["level"] = "auto"
    monkeypatch.setattr(bundle, "load_network", lambda path: (trained.network, copy.deepcopy(content)))
    with pytest.raises(
        ModelFileError, match="the source level is 'auto' in the settings and 'subword' in the vocabulary"
    ):
        passerelle.load("x.keras")


# ---- settings


def prepared(pairs: Any = PAIRS, **options: Any) -> Any:
    return prepare(pairs, choose_settings(settings={"training": {"epochs": 1}}, **options), validation=0)


def test_level_auto_is_replaced_by_the_chosen_level() -> None:
    data = prepared(level="auto", target_level="word", preset="compact")
    assert (data.settings.source.level, data.settings.target.level) == ("character", "word")
    assert data.choices == ("level character: 18 training pairs, and subwords require 30,000",)
    assert data.with_seed(2).settings.source.level == "character"
    assert prepared(level="character", preset="compact").choices == ()
    many = prepared([pair for pair in PAIRS for _ in range(2000)], level="auto", preset="compact")
    assert (many.settings.source.level, many.settings.target.level) == ("subword", "subword")
    assert many.signature.source.tokenizer.level == "subword"


def test_options_of_vocabularies() -> None:
    data = prepared(level="word", vocabulary_size=5, source_lowercase=True)
    assert [
        len(side.vocabulary.tokens) for side in (data.signature.source.tokenizer, data.signature.target.tokenizer)
    ] == [5, 5]
    assert (data.settings.source.lowercase, data.settings.target.lowercase) == (True, False)
    assert data.signature.source.tokenizer.tokenize("ZOÉ is") == [" zoé", " is"]
    assert data.signature.target.tokenizer.tokenize("ZOÉ") == [" ZOÉ"]
    frequent = prepared(level="word", min_count=6)
    assert " Zoé" not in frequent.signature.source.tokenizer.vocabulary
    assert " is" in frequent.signature.source.tokenizer.vocabulary
    with pytest.raises(DataError, match=r"no source token occurs 1000 times\. Lower min_count\."):
        prepared(min_count=1000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"level": "subword", "vocabulary_size": 255},
            r"source: level 'subword' requires a vocabulary_size of 256 or more ",
        ),
        ({"level": "word", "vocabulary_size": -1}, r"source\.vocabulary_size: .* received: -1"),
        ({"min_count": 0}, r"source\.min_count: .* received: 0"),
        ({"level": "subwords"}, r"source\.level: "),
        (
            {"preset": "pointer", "source_lowercase": True},
            r"copying writes source tokens unchanged and requires the same lowercase on both sides, ",
        ),
        (
            {"preset": "pointer", "source_level": "subword"},
            r"requires level 'subword', whose tokens are bytes, on both sides or on neither",
        ),
    ],
)
def test_conflicting_options(options: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        prepared(**options)
    assert "\n" not in str(caught.value)
