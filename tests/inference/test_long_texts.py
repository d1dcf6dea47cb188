"""Texts much longer than those in training: translated in parts, or refused because of the memory limit."""

from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.errors import LongTextError
from passerelle.inference import memory_limits
from passerelle.models.footprint import MAX_FLOATS, floats_per_row
from passerelle.settings import NetworkSettings, validated
from passerelle.translator import Translator
from untrained import untrained

PAIRS = [("ab ab.", "x"), ("b a!", "yx")]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return untrained(PAIRS)


def test_a_long_text_is_translated_sentence_by_sentence(translator: Translator) -> None:
    """The longest source in training has six tokens, so texts of more than twelve are split."""
    sentences, text = ["ab ab.", "b a!", "ba\u00e7."], "ab ab.  b a!\nba\u00e7."
    parts = translator.search(sentences)
    short, long, _ = translator.search(["ab ab. b a!", text, "a"], split_sentences="never")
    assert (short.parts, long.parts, long.source) == (1, 3, text)
    assert long.text == f"{parts[0].text}  {parts[1].text}\n{parts[2].text}"
    assert long.ids == sum((part.ids for part in parts), ())
    assert long.unknown == ("\u00e7",)
    np.testing.assert_allclose(long.score, sum(part.score for part in parts), rtol=1e-4)
    np.testing.assert_allclose(long.token_scores, sum((part.token_scores for part in parts), ()), rtol=1e-3, atol=1e-4)
    assert translator.translate(text) == long.text


def test_the_kth_best_joins_the_kth_best_of_the_parts(translator: Translator) -> None:
    parts = translator.n_best(["ab ab.", "b a!", "ab."], 3)
    (joined,) = translator.n_best(["ab ab. b a! ab."], 3)
    for rank, result in enumerate(joined):
        assert result.text == " ".join(own[min(rank, len(own) - 1)].text for own in parts)


def test_each_part_has_the_tags_of_its_text() -> None:
    rows = [("ab.", "x", "s"), ("b a!", "yx", "t")]
    tagged = untrained(rows, seed=1, tag_mode="separate")
    text, parts = "ab. b a! ab.", ["ab.", "b a!", "ab."]
    found = tagged.translate([text, text], tags=["s", "t"])
    assert found == [" ".join(tagged.translate(parts, tags=tag)) for tag in "st"]
    assert found[0] != found[1]


def test_pretokenized_texts_and_single_words_are_not_split(translator: Translator) -> None:
    assert translator.search(["ab" * 20])[0].parts == 1
    tokens = untrained([("a. b", "x"), ("b", "y")], source_separator=" ")
    assert tokens.search(["a. b " * 20])[0].parts == 1


def test_a_text_above_the_memory_limit_is_refused(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_limits, "MAX_FLOATS", 2**12)
    assert translator.translate("ab.")
    with pytest.raises(LongTextError) as caught:
        translator.search(["ab.", "b. " + "ab" * 40 + " a.", "a"])
    assert caught.value.row == 1
    assert str(caught.value) == (
        "text 2 is too long: its 80 tokens cannot be processed in parts and require about 0.0 GB of memory; the limit "
        "is 1 GB. Split the text."
    )


def test_batches_of_long_texts_have_fewer_rows(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["ab" * 6] * 20
    expected = translator.translate(texts)
    heights = []
    original = translator._search._program

    def watched(inputs: Any, limits: Any, *others: Any, **options: Any) -> Any:
        heights.append(len(limits))
        return original(inputs, limits, *others, **options)

    monkeypatch.setattr(translator._search, "_program", watched)
    monkeypatch.setattr(memory_limits, "MAX_FLOATS", 10 * floats_per_row(translator.network.settings, 9, 16))
    assert translator.translate(texts) == expected
    assert set(heights) == {8}


@pytest.mark.parametrize("attention", ["none", "general", "additive", "monotonic"])
def test_estimated_size_grows_with_the_length(attention: str) -> None:
    settings = validated(NetworkSettings, {"attention": attention})
    few, many = (floats_per_row(settings, 50, source, steps=10) for source in (1_000, 10_000))
    assert 8 * few < many < 120 * few
    assert (many > 90 * few / 2) == (attention == "monotonic")
    assert floats_per_row(settings, 50, 10_000) < MAX_FLOATS or attention == "monotonic"


def test_estimated_size_of_a_transformer_counts_scores_and_caches() -> None:
    side = {"kind": "transformer", "units": 64}
    settings = validated(NetworkSettings, {"attention": "multi-head", "encoder": side, "decoder": side})
    assert floats_per_row(settings, 50, 10_000) > 4 * 10_000**2  # each head has scores of all pairs of tokens
    with_caches = floats_per_row(settings, 50, 100, length=200) - floats_per_row(settings, 50, 100)
    assert with_caches > 2 * 200 * 64


def test_long_text_error_is_a_data_error() -> None:
    assert issubclass(LongTextError, passerelle.DataError)
