"""Translators of subwords: taught, copying, saved, loaded, and their tokens never trusted."""

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
def taught() -> Any:
    return passerelle.train(PAIRS, validation=0.2, level="subword", vocabulary_size=300, settings=TINY)


@pytest.fixture(scope="module")
def saved(taught: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("subword") / "subword.keras"
    taught.save(path)
    return path


def test_saved_and_loaded(taught: Any, saved: Path) -> None:
    texts = ["Zoé is tired.", "Xavier is œ 👩‍👧.", "\ud800", "\x00\n"]
    loaded = passerelle.load(saved)
    assert loaded.search(texts) == taught.search(texts)
    assert all(result.unknown == () for result in loaded.search(texts))
    for side in ("source", "target"):
        tokens = getattr(loaded, side).vocabulary.tokens
        assert tokens == getattr(taught, side).vocabulary.tokens
        assert tokens[:256] == BYTES
        assert 256 < len(tokens) <= 300


def test_copied_pieces_are_the_text_they_came_from(taught: Any) -> None:
    texts = [source for source, _ in PAIRS] + ["Où est Łucja\u202f?"]
    answers = taught.signature.encode_targets({"source": texts, "target": texts})["target"]
    size = taught.target.vocabulary.size
    copies = taught.signature.encode_inputs({"source": texts})["target_copies"]
    assert (copies.values >= size).any(), "the source has pieces that the target lacks"
    assert taught.signature.target.decode(copies, {"source": texts}) == texts
    assert (answers.values < size).all(), "no target text has unknown tokens"


HOSTILE: dict[str, Any] = {
    "a byte less": BYTES[1:],
    "bytes in another order": BYTES[::-1],
    "a token that is no bytes": [*BYTES, "a b"],
    "a token twice": [*BYTES, "a"],
    "a surrogate": [*BYTES, "\ud800"],
    "numbers": list(range(300)),
    "one text": "".join(BYTES) + "!",
    "fewer tokens than the network has": BYTES,
    "nothing": None,
}


@pytest.mark.parametrize("tokens", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("side", ["source", "target"])
def test_tokens_that_are_none(
    taught: Any, saved: Path, side: str, tokens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(saved) as archive:
        content = json.loads(archive.read("assets/translator.json"))
    content["signature"]["inputs" if side == "source" else "outputs"][side]["tokens"] = tokens
    monkeypatch.setattr(bundle, "load_network", lambda path: (taught.network, copy.deepcopy(content)))
    with pytest.raises(ModelFileError, match=r"^x\.keras is damaged: [^\n]+$"):
        passerelle.load("x.keras")


def test_a_file_that_leaves_its_level_open(taught: Any, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(saved) as archive:
        content = json.loads(archive.read("assets/translator.json"))
    content["settings"]["source"]["level"] = "auto"
    monkeypatch.setattr(bundle, "load_network", lambda path: (taught.network, copy.deepcopy(content)))
    with pytest.raises(
        ModelFileError, match="the settings have level 'auto' for the source, and its vocabulary level 'subword'"
    ):
        passerelle.load("x.keras")


# ---- settings


def lesson(pairs: Any = PAIRS, **options: Any) -> Any:
    return prepare(pairs, choose_settings(settings={"training": {"epochs": 1}}, **options), validation=0)


def test_a_level_left_open_is_chosen_and_kept() -> None:
    made = lesson(level="auto", target_level="word")
    assert (made.settings.source.level, made.settings.target.level) == ("character", "word")
    assert made.level_chosen == "level character: 18 pairs to train on, and subwords want 30,000"
    assert made.with_seed(2).settings.source.level == "character"
    assert lesson(level="character").level_chosen == ""
    many = lesson([pair for pair in PAIRS for _ in range(2000)], level="auto")
    assert (many.settings.source.level, many.settings.target.level) == ("subword", "subword")
    assert many.signature.source.tokenizer.level == "subword"


def test_bounds_hold_for_both_sides_and_lower_case_for_the_source() -> None:
    made = lesson(level="word", vocabulary_size=5, source_lowercase=True)
    assert [
        len(side.vocabulary.tokens) for side in (made.signature.source.tokenizer, made.signature.target.tokenizer)
    ] == [5, 5]
    assert (made.settings.source.lowercase, made.settings.target.lowercase) == (True, False)
    assert made.signature.source.tokenizer.read("ZOÉ is") == [" zoé", " is"]
    assert made.signature.target.tokenizer.read("ZOÉ") == [" ZOÉ"]
    frequent = lesson(level="word", min_count=6)
    assert " Zoé" not in frequent.signature.source.tokenizer.vocabulary
    assert " is" in frequent.signature.source.tokenizer.vocabulary
    with pytest.raises(DataError, match=r"no source token occurs 1000 times\. Lower min_count\."):
        lesson(min_count=1000)


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
def test_what_does_not_go_together(options: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        lesson(**options)
    assert "\n" not in str(caught.value)
