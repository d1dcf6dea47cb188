"""Text in, text out."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import passerelle.translator
from passerelle.errors import DataError, SettingsError
from passerelle.symbols import END, START
from passerelle.translator import LongestPair, Result, padded_width


def test_one_string_gives_one_string(copier: Any) -> None:
    assert copier.translate("abcé") == "abcé"
    assert copier.translate(["abcé"]) == ["abcé"]
    assert copier.translate([]) == []
    assert copier.translate(("a", "b")) == ["a", "b"]


def test_the_order_is_kept(copier: Any) -> None:
    texts = ["abcé", "a", "bb", "", "cab", "é", "abcé", "b"]
    assert copier.translate(texts) == texts
    assert [result.source for result in copier.search(texts)] == texts


def test_more_texts_than_one_batch_holds(copier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passerelle.translator, "BATCH_SIZES", (1, 8))
    texts = ["".join(letters) for letters in itertools.product("abc", repeat=3)][:21]
    texts[::2] = [text[:2] for text in texts[::2]]
    assert copier.translate(texts) == texts


def test_long_texts_go_fewer_at_once(copier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heights = []
    original = copier._search

    def watched(limits: Any, source_ids: Any, **options: Any) -> Any:
        heights.append(source_ids.shape)
        return original(limits, source_ids, **options)

    monkeypatch.setattr(copier, "_search", watched)
    monkeypatch.setattr(passerelle.translator, "MOST_SYMBOLS", 8 * 16)
    texts = ["ab", "abc" * 10, "ba", *["cab" * 7] * 9]
    results = copier.search(texts, max_length=5)
    assert [result.source for result in results] == texts
    assert all(rows == 1 or rows * width <= 8 * 16 for rows, width in heights)
    assert sum(rows for rows, _ in heights) >= len(texts)


@pytest.mark.parametrize("blank", ["", " ", "\t \n", "\u202f"])
def test_blank_texts(copier: Any, blank: str) -> None:
    assert copier.translate(["a", blank, "b"]) == ["a", "", "b"]
    assert copier.search([blank]) == [Result(blank, "", 0.0, (), (), True)]


def test_unknown_symbols_are_reported(copier: Any) -> None:
    known, some, all_of_them = copier.search(["ab", "azb?z", "xyz"])
    assert known.unknown == ()
    assert some.unknown == ("z", "?")
    assert all_of_them.unknown == ("x", "y", "z")
    assert copier.search(["a\ud800b"])[0].unknown == ("\ud800",), "a byte that was not UTF-8"


def test_a_text_is_normalized_and_given_back_as_it_came(copier: Any) -> None:
    decomposed = "ae\u0301"
    (result,) = copier.search([decomposed])
    assert (result.source, result.text, result.unknown) == (decomposed, "aé", ())


def test_what_a_result_says(copier: Any) -> None:
    """The score is what the training model gives the translation, END included."""
    for result in copier.search(["abca", "zzz"]):
        assert result.finished
        assert copier.target.vocabulary.symbol_of(result.ids[0]) == result.text[0]
        source = copier.source.encode([result.source])[0][None]
        target = np.array([[START, *result.ids]], np.int32)
        logits = np.asarray(copier.training_model({"source_ids": source, "target_ids": target}))[0]
        log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        columns = np.array([*result.ids, END]) - copier.network.first_target
        expected = log_probs[np.arange(len(columns)), columns].sum()
        np.testing.assert_allclose(result.score, expected, rtol=1e-3, atol=1e-4)
        assert result.score <= 0


def test_none_depends_on_the_other_texts(copier: Any) -> None:
    texts = ["a", "zq", "bcaé", "bb", "éééé", "abcabcabcab", "zzzzzzzzzzzzzzzzzz", "cab", "c", "ba z"]
    together = copier.search(texts)
    backwards = copier.search(texts[::-1])[::-1]
    alone = [copier.search([text])[0] for text in texts]
    for others in (backwards, alone):
        for left, right in zip(together, others, strict=True):
            assert (left.source, left.text, left.ids) == (right.source, right.text, right.ids)
            assert (left.unknown, left.finished) == (right.unknown, right.finished)
            np.testing.assert_allclose(left.score, right.score, rtol=1e-4, atol=1e-4)


def test_max_length_cuts(copier: Any) -> None:
    for length, text, finished in ((1, "a", False), (4, "abca", False), (5, "abca", True)):
        (result,) = copier.search(["abca"], max_length=length)
        assert (result.text, result.finished) == (text, finished)
        assert copier.translate("abca", max_length=length) == text
    scores = [copier.search(["abca"], max_length=length)[0].score for length in (1, 4, 5)]
    assert scores == sorted(scores, reverse=True), "each step costs"


@pytest.mark.parametrize("length", [0, -1, 10**9])
def test_max_length_out_of_range(copier: Any, length: int) -> None:
    with pytest.raises(SettingsError, match="max_length must be 1 to"):
        copier.translate("abca", max_length=length)


def test_longer_than_anything_in_training(copier: Any) -> None:
    (result,) = copier.search(["abcé" * 10])
    assert 0 < len(result.text) <= copier.longest.limit(40)
    assert result.finished == (len(result.ids) < copier.longest.limit(40))
    assert not set(result.text) - set("abcé")


def test_the_limit_grows_with_the_source() -> None:
    longest = LongestPair(source=10, target=20)
    assert [int(longest.limit(length)) for length in (0, 1, 10, 11, 20, 100)] == [24, 24, 24, 27, 46, 222]
    assert longest.limit(np.array([1, 20])).tolist() == [24, 46]


def test_widths_are_few_and_at_most_half_padding() -> None:
    widths = [padded_width(length) for length in range(5000)]
    assert widths[:9] == [8] * 9
    assert sorted(set(widths))[:9] == [8, 16, 24, 32, 48, 64, 96, 128, 192]
    assert all(length <= width for length, width in enumerate(widths))
    assert all(width <= max(8, 2 * length) for length, width in enumerate(widths))
    assert len(set(widths)) < 24


@pytest.mark.parametrize("texts", [["a", 5], [None], [b"a"], [["a"]]], ids=repr)
def test_no_strings(copier: Any, texts: Any) -> None:
    with pytest.raises(DataError, match="texts must be strings, received"):
        copier.translate(texts)


@pytest.mark.parametrize("texts", [5, None, 1.5], ids=repr)
def test_no_sequence(copier: Any, texts: Any) -> None:
    with pytest.raises(DataError, match="texts"):
        copier.search(texts)


def test_search_does_not_take_a_string_for_its_letters(copier: Any) -> None:
    with pytest.raises(DataError, match="texts"):
        copier.search("abc")


def test_evaluate_with_several_references(copier: Any) -> None:
    pairs = [("ab", "wrong"), ("ca", "ca"), ("ab", "ab"), ("b", "bad"), ("ab", "ab"), ("aé", "ae\u0301")]
    report = copier.evaluate(pairs)
    assert (report.sources, report.exact, report.exact_match) == (4, 3, 75.0)
    np.testing.assert_allclose(report.character_error_rate, 100 * 2 / (2 + 2 + 3 + 2))

    def stream() -> Iterator[tuple[str, str]]:
        yield from pairs

    assert copier.evaluate(stream()) == report


def test_nothing_to_evaluate(copier: Any) -> None:
    for pairs in ([], [("", "a")]):
        with pytest.raises(DataError, match="there are no pairs to evaluate on"):
            copier.evaluate(pairs)
    with pytest.raises(DataError, match="row 1"):
        copier.evaluate(["ab"])


def test_the_three_models(copier: Any) -> None:
    assert copier.training_model is copier.network
    state = copier.inference_encoder.predict(copier.source.encode(["abc"])[0][None], verbose=0)
    step = {"target_ids": np.array([[START]], np.int32), **state}
    logits = copier.inference_decoder.predict(step, verbose=0)["logits"]
    assert int(logits[0, 0].argmax()) + copier.network.first_target == copier.target.vocabulary.id_of("a")


def test_it_sees_weights_that_change(copier: Any) -> None:
    """As after a user's own `fit`: the compiled search holds no weights of its own."""
    before = copier.network.get_weights()
    try:
        copier.network.set_weights([weight * 0 for weight in before])
        (result,) = copier.search(["abc"])
        assert result.text != "abc"
        np.testing.assert_allclose(result.score / max(1, len(result.ids)), -np.log(logits_columns(copier)), rtol=1e-4)
    finally:
        copier.network.set_weights(before)
    assert copier.translate("abc") == "abc"


def logits_columns(translator: Any) -> int:
    return translator.network.output_shape[-1]
