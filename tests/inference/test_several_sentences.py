"""Texts of several sentences are split where training sources were single sentences, and only there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from passerelle.data.lengths import Lengths
from passerelle.errors import SettingsError
from passerelle.inference import alignment
from passerelle.inference.result import result_json
from passerelle.special_tokens import UNK
from passerelle.text.sentence_statistics import SentenceStatistics
from passerelle.translator import Translator
from untrained import untrained

SINGLE = [("He is old, and she is young.", "x yx"), ("Is he old?", "yx"), ("Mr. Ito left the old town.", "xyy")]
SEVERAL = [("He is old. She is young. He left.", "x yx xxy"), ("Is he old? She left.", "yx"), ("He left. Why?", "xyy")]
TEXT = "He is old.  She left.\u00a0Is he?"
PARTS = ["He is old.", "She left.", "Is he?"]


@pytest.fixture(scope="module")
def single() -> Translator:
    return untrained(SINGLE)


@pytest.fixture(scope="module")
def several() -> Translator:
    return untrained(SEVERAL)


def test_the_sentences_of_training_sources_are_recorded(single: Translator, several: Translator, tmp_path: Any) -> None:
    assert [one.lengths.sentences and one.lengths.sentences.share for one in (single, several)] == [0, 1]
    several.save(tmp_path / "several.keras")
    assert Translator.load(tmp_path / "several.keras").lengths == several.lengths


def test_a_text_is_split_if_training_sources_were_single_sentences(single: Translator) -> None:
    parts = single.search(PARTS)
    (result,) = single.search([TEXT])
    assert (result.parts, result.split_by) == (3, "sentences")
    assert result.text == f"{parts[0].text}  {parts[1].text}\u00a0{parts[2].text}"
    assert result.ids == sum((part.ids for part in parts), ())
    assert [part.text for part, _ in result.part_results] == [part.text for part in parts]
    json = result_json([result], single.signature)
    assert (json["parts"], json["split_by"]) == (3, "sentences")


def test_a_text_like_the_training_sources_is_not_split(several: Translator) -> None:
    (result,) = several.search([TEXT])
    assert (result.parts, result.split_by, result.part_results) == (1, "", ())


def test_more_sentences_than_in_training_are_split_into_parts_of_several(several: Translator) -> None:
    (result,) = several.search(["He left. She left. Is he? Why? Is it?"])
    assert (result.parts, result.split_by) == (2, "sentences")
    assert result.text == " ".join(several.translate(["He left. She left. Is he?", "Why? Is it?"]))


@pytest.mark.parametrize(("mode", "parts"), [("auto", 1), ("never", 1), ("always", 3)])
def test_modes(several: Translator, mode: str, parts: int) -> None:
    assert several.search([TEXT], split_sentences=mode)[0].parts == parts


def test_never_still_splits_what_is_too_long(single: Translator) -> None:
    whole, long = single.search([TEXT, " ".join([TEXT] * 9)], split_sentences="never")
    assert (whole.parts, whole.split_by) == (1, "")
    assert (long.parts, long.split_by) == (27, "length")


def test_the_reason_is_the_length_if_a_sentence_is_cut(single: Translator) -> None:
    text = "He left. " + "she is old " * 20
    sentences, cut, alone = single.search([" ".join([TEXT] * 9), text, text[9:]])
    assert (sentences.split_by, cut.split_by, alone.split_by) == ("sentences", "length", "length")


def test_without_the_statistics_only_length_counts(single: Translator) -> None:
    """Model files of earlier versions do not contain them."""
    lengths = replace(single.lengths, sentences=None)
    assert Lengths.from_json(lengths.to_json()) == lengths
    old = Translator(replace(single.bundle, lengths=lengths))
    assert old.search([TEXT])[0].parts == 1
    assert old.search([TEXT], split_sentences="always")[0].parts == 3


def test_other_texts_are_unaffected(single: Translator) -> None:
    texts = ["He is old.", TEXT, "", "Is he?"]
    results = single.search(texts)
    assert [result.parts for result in results] == [1, 3, 1, 1]
    assert [result.text for result in results[::2]] == single.translate(texts[::2], split_sentences="never")


def test_n_best_lists_and_samples(single: Translator) -> None:
    parts = single.n_best(PARTS, 3)
    (joined,) = single.n_best([TEXT], 3)
    for rank, result in enumerate(joined):
        first, second, third = (own[min(rank, len(own) - 1)].text for own in parts)
        assert result.text == f"{first}  {second}\u00a0{third}"
    samples = single.n_best([TEXT], 3, sample=True, beam=1)[0]
    assert {sample.parts for sample in samples} == {3}


def test_each_sentence_has_the_tags_of_its_text() -> None:
    tagged = untrained([(*row, tag) for row, tag in zip(SINGLE, "sts", strict=True)], seed=1, tag_mode="separate")
    found = tagged.translate([TEXT, TEXT], tags=["s", "t"])
    first, second, third = zip(*(tagged.translate(PARTS, tags=tag) for tag in "st"), strict=True)
    assert found == [f"{first[i]}  {second[i]}\u00a0{third[i]}" for i in range(2)]


def test_constrained_texts_are_not_split(single: Translator) -> None:
    assert single.search([TEXT], prefix="x")[0].parts == 1
    with pytest.raises(SettingsError, match="constrained texts are not split"):
        single.search([TEXT], prefix="x", split_sentences="always")


def test_pretokenized_texts_are_not_split() -> None:
    tokens = untrained([("He is old .", "x"), ("Is he ?", "y")], source_separator=" ")
    assert tokens.lengths.sentences is None
    assert tokens.search(["Is he ? He is ."])[0].parts == 1
    with pytest.raises(SettingsError, match="pretokenized"):
        tokens.search(["Is he ? He is ."], split_sentences="always")


def test_an_ensemble_splits_as_its_first_model(single: Translator) -> None:
    lengths = [single.lengths, Lengths(7, 100, 3.0, SentenceStatistics(0.5, 4))]
    assert Lengths.of_ensemble(lengths) == Lengths(single.lengths.source, 100, 3.0, single.lengths.sentences)
    assert single.ensemble_with([single]).search([TEXT])[0].parts == 3


def test_parts_are_aligned(single: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    results = single.search([TEXT, *PARTS])
    whole, *parts = single.align(results)
    assert whole.source == tuple(TEXT)
    assert whole.target == sum((part.target for part in parts), ())
    assert whole.weights.shape == (len(whole.target), len(whole.source))
    rows, columns = parts[0].weights.shape
    np.testing.assert_allclose(whole.weights[:rows, :columns], parts[0].weights, atol=1e-5)
    assert not whole.weights[:rows, columns:].any()
    monkeypatch.setattr(alignment, "MAX_WEIGHTS", 10)
    assert [len(one.target) for one in single.align(results)[:2]] == [0, len(parts[0].target)]


def test_unknown_tokens_are_replaced_in_each_part() -> None:
    words = untrained([("See Rome now.", "Voir Rome."), ("See Bonn.", "Voir Bonn.")], level="word")
    (result,) = words.search(["See Oslo. See Kiev now."])
    known = words.target.vocabulary.id_of(" Voir")
    parts = [
        (replace(part, ids=(known, UNK), text=" Voir\ufffd"), whitespace) for part, whitespace in result.part_results
    ]
    result = replace(result, ids=(known, UNK) * 2, part_results=tuple(parts))
    (replaced,) = words.replace_unknown([result], {"Oslo": "Christiania", "Kiev": "Kyiv"})
    assert replaced.source == result.source
    assert "\ufffd" not in replaced.text
    assert (replaced.parts, replaced.split_by, replaced.text.count("Voir")) == (2, "sentences", 2)
