"""Minimum Bayes risk decoding."""

import math
from dataclasses import replace
from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics.chrf import CHRF

import passerelle
from passerelle.errors import SettingsError
from passerelle.inference.minimum_bayes_risk import rank_by_utility
from passerelle.inference.result import Result, result_json
from passerelle.text.level import make_tokenizer
from passerelle.translator import Translator
from untrained import untrained

PAIRS = [("a b", "x y"), ("b a", "y x"), ("a a", "x x"), ("b b", "y y z"), ("a b", "x z")]
TEXTS = ["a b", "b b a", "a"]
WORDS: Any = make_tokenizer("word", tokens=["a"])
PHONES: Any = make_tokenizer("pretokenized", tokens=["a"], separator=" ")


@pytest.fixture(scope="module")
def translator() -> Translator:
    return untrained(PAIRS, seed=3, spread=0.7)


def sample(text: str, score: float = -1.0) -> Result:
    return Result("source", text, score, score, (), (), (), True)


def expected_chrf(candidate: str, texts: list[str]) -> float:
    """The mean chrF of a candidate, one of `texts`, with each other text as its reference."""
    chrf = CHRF()
    total = sum(chrf.sentence_score(candidate, [text]).score for text in texts)
    return (total - chrf.sentence_score(candidate, [candidate]).score) / (len(texts) - 1)


SAMPLES = ["Il est las.", "Il est fatigué.", "Il est fatigué.", "Elle est fatiguée.", "Va !", "Il est fatigué !"]


def test_expected_chrf_equals_that_of_sacrebleu() -> None:
    ranked = rank_by_utility([sample(text) for text in SAMPLES], "auto", WORDS)
    assert {result.text: result.normalized_score for result in ranked} == pytest.approx(
        {text: expected_chrf(text, SAMPLES) for text in SAMPLES}
    )
    utilities = [result.normalized_score for result in ranked]
    assert utilities == sorted(utilities, reverse=True)
    assert ranked[0].text == "Il est fatigué."
    assert ranked[-1].text == "Va !"


def test_edit_similarity_counts_tokens_of_a_pretokenized_target() -> None:
    texts = ["k aa t", "k a t", "k aa t", "g"]
    ranked = rank_by_utility([sample(text) for text in texts], "auto", PHONES)
    similarity = [Levenshtein.normalized_similarity(["k", "aa", "t"], text.split()) for text in texts]
    assert ranked[0].text == "k aa t"
    assert ranked[0].normalized_score == pytest.approx(100 * (sum(similarity) - 1) / 3)
    characters = rank_by_utility([sample(text) for text in ("abc", "abd", "abc")], "edit", WORDS)
    assert [result.text for result in characters] == ["abc", "abd"]
    assert characters[0].normalized_score == pytest.approx(100 * (1 + 2 / 3) / 2)


def test_equal_texts_and_impossible_samples() -> None:
    impossible = Result.impossible("source", ())
    assert rank_by_utility([impossible, impossible], "chrf", WORDS) == [impossible]
    (single,) = rank_by_utility([impossible, sample("a", -2), sample("a", -1)], "chrf", WORDS)
    assert (single.text, single.score, single.normalized_score) == ("a", -1, 100.0)
    two = rank_by_utility([sample("ab"), impossible, sample("abc")], "chrf", WORDS)
    expected = sorted(expected_chrf(text, ["ab", "abc"]) for text in ("ab", "abc"))
    assert sorted(result.normalized_score for result in two) == pytest.approx(expected)


def test_the_samples_are_those_of_sampling(translator: Translator) -> None:
    options: dict[str, Any] = {"temperature": 0.8, "seed": 4}
    sampled = [[result.text for result in results] for results in translator.n_best(TEXTS, 12, sample=True, **options)]
    ranked = translator.n_best(TEXTS, 12, mbr=12, **options)
    for texts, results in zip(sampled, ranked, strict=True):
        assert {result.text for result in results} == set(texts), "distinct"
        for result in results:
            assert result.normalized_score == pytest.approx(expected_chrf(result.text, texts))
    best = translator.search(TEXTS, mbr=12, **options)
    assert best == [results[0] for results in ranked]
    assert [translator.search([text], mbr=12, **options)[0].text for text in TEXTS] == [r.text for r in best]
    assert [len(results) for results in translator.n_best(TEXTS, 2, mbr=12, **options)] <= [2, 2, 2]


def test_it_replaces_a_stored_beam(translator: Translator) -> None:
    stored = translator.with_search(beam=5)
    assert stored.translate(TEXTS, mbr=8) == translator.translate(TEXTS, mbr=8)


def test_constraints_ensembles_and_json(translator: Translator) -> None:
    results = translator.search(TEXTS, mbr=8, pattern="[xy]{1,4}")
    assert all(1 <= len(result.text) <= 4 and set(result.text) <= set("xy") for result in results)
    assert {result.text for result in translator.search(TEXTS, mbr=8, lexicon=("x y", "z"))} <= {"x y", "z"}
    assert translator.search(["a"], mbr=8, lexicon=("x y z x y z",), max_length=2)[0].score == -math.inf
    ensemble = translator.ensemble_with([untrained(PAIRS, seed=5, spread=0.7)])
    samples = [result.text for result in ensemble.n_best(["a b"], 8, sample=True)[0]]
    (result,) = ensemble.search(["a b"], mbr=8)
    assert result.normalized_score == pytest.approx(max(expected_chrf(text, samples) for text in samples))
    (found,) = result_json([result], translator.signature)["translations"]
    assert (found["score"], found["log_probability"]) == (result.normalized_score, result.score)


def test_tags() -> None:
    tagged = untrained([(*pair, tag) for pair in PAIRS for tag in "pq"], tag_mode="inline")
    one, other = (tagged.search(["a b"] * 2, tags=["p", "q"], mbr=8)[row] for row in (0, 1))
    assert tagged.search(["a b"], tags="q", mbr=8) == [other] != [one]


def test_blank_texts_and_texts_that_are_split(translator: Translator) -> None:
    assert translator.search([" "], mbr=4) == translator.search([" "])
    text = "a b " * 40
    (result,) = translator.search([text], mbr=6)
    assert result.parts > 1
    alone = translator.search([part.source for part, _ in result.part_results], mbr=6)
    assert [part for part, _ in result.part_results] == alone
    assert result.normalized_score == pytest.approx(sum(r.normalized_score for r in alone) / len(alone))
    (replaced,) = translator.replace_unknown([result])
    assert replace(replaced, text=result.text, part_results=result.part_results) == result


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mbr": 8, "beam": 2}, "mbr excludes sample and beam search, received: mbr=8, sample=False, beam=2"),
        ({"mbr": 8, "sample": True}, "mbr excludes sample and beam search"),
        ({"mbr": 2000}, "mbr: input should be less than or equal to 1024"),
        ({"mbr": 8, "groups": 2}, "groups must divide the beam size"),
        ({"mbr": 8, "coverage_penalty": 0.1}, "coverage_penalty requires beam search"),
    ],
)
def test_excluded_settings(translator: Translator, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        translator.with_search(beam=5).translate("a", **options)


def test_n_best_is_at_most_the_number_of_samples(translator: Translator) -> None:
    with pytest.raises(SettingsError, match="n_best must not exceed mbr, received: n_best=9, mbr=8"):
        translator.n_best(["a"], 9, mbr=8)


@pytest.mark.slow
def test_a_trained_model_is_not_worse_than_a_sample(copier: passerelle.Translator) -> None:
    pairs = [(text, text) for text in ("abc", "cab", "éab", "bbca", "acé")]
    assert copier.evaluate(pairs, mbr=16).exact >= copier.evaluate(pairs, sample=True).exact
