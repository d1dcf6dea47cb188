"""Tags control the translation, in each tag mode: one source has one translation per tag."""

from pathlib import Path
from typing import Any

import pytest

import passerelle
from passerelle.errors import DataError, PasserelleError, SettingsError

WORDS = [a + b for a in "bcdfgk" for b in "aeiou"]
ENDINGS = {"N;SG": "", "N;PL": "s", "V;PST": "d", "V": "!"}
ROWS = [(word, word + ending, tags) for word in WORDS for tags, ending in ENDINGS.items()]


def trained(**options: Any) -> passerelle.Translator:
    side = {"embedding": 12, "units": 24}
    settings = {
        "network": {
            "attention": "general",
            "dropout": 0.0,
            "encoder": side,
            "decoder": side,
            **options.pop("network", {}),
        },
        "training": {"epochs": 40, "batch_size": 16, "learning_rate": 0.01},
        "tags": options,
    }
    return passerelle.train(ROWS, validation=0.1, settings=settings, seed=2)


@pytest.fixture(scope="module", params=["separate", "inline", "separate and copying"])
def inflector(request: pytest.FixtureRequest) -> passerelle.Translator:
    mode, *copying = request.param.split(" and ")
    return trained(mode=mode, network={"copying": bool(copying)})


def test_the_tag_determines_the_translation(inflector: passerelle.Translator) -> None:
    for tags, ending in ENDINGS.items():
        assert inflector.translate(["ba", "ko"], tags=tags) == ["ba" + ending, "ko" + ending]
    assert inflector.translate("fu", tags="N;PL") == "fus"
    assert inflector.translate(["da", "da"], tags=["N;PL", "V;PST"]) == ["das", "dad"]


def test_a_translation_does_not_depend_on_the_other_rows(inflector: passerelle.Translator) -> None:
    texts, tags = [row[0] for row in ROWS], [row[2] for row in ROWS]
    single = [inflector.translate(text, tags=tag) for text, tag in zip(texts, tags, strict=True)]
    assert inflector.translate(texts, tags=tags) == single


def test_saving_and_loading(inflector: passerelle.Translator, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    inflector.save(path)
    again = passerelle.load(path)
    assert again.translate(["ba", "ko"], tags="N;PL") == inflector.translate(["ba", "ko"], tags="N;PL")
    assert inflector.ensemble_with([again]).translate("ba", tags="V") == "ba!"


def test_evaluation_translates_each_source_with_each_of_its_tags(inflector: passerelle.Translator) -> None:
    report = inflector.evaluate(ROWS)
    assert report.sources == len(ROWS)
    assert report.exact_match > 95


def test_an_unknown_tag_is_reported(inflector: passerelle.Translator) -> None:
    (result,) = inflector.search(["ba"], tags="N;DUAL")
    assert result.unknown == ("DUAL",)


def test_tags_must_match_the_texts_and_the_translator(inflector: passerelle.Translator, copier: Any) -> None:
    for wrong in ({}, {"tags": ["N"]}, {"tags": ["N", 3]}):
        with pytest.raises(DataError, match="tags"):
            inflector.translate(["ba", "ko"], **wrong)
    with pytest.raises(DataError, match="trained without tags"):
        copier.translate("ab", tags="N")
    with pytest.raises(DataError, match=r"\(source, target, tags\)"):
        inflector.evaluate([("ba", "bas")])
    with pytest.raises(SettingsError, match="in: (field tags|source tokens, source inline_tags)"):
        inflector.ensemble_with([copier])


def test_training_requires_tags_if_the_settings_use_them() -> None:
    with pytest.raises(DataError, match="row 1: expected .source, target, tags., three texts"):
        passerelle.train([("a", "b")] * 5, tag_mode="separate")


def test_tags_in_the_data_are_ignored_without_a_tag_mode(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in ROWS), encoding="utf-8")
    pairs = passerelle.read_pairs(path, tag_column=3)
    assert pairs[:2].tags == ["N;SG", "N;PL"]
    translator = passerelle.train(pairs, epochs=1, units=4, validation=0)
    assert translator.translate("ba") is not None
    with pytest.raises(PasserelleError):
        translator.translate("ba", tags="N")
