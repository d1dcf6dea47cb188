"""Search settings, tested on small untrained networks."""

import itertools
import math
import re
from functools import partial
from typing import Any

import numpy as np
import pytest

from passerelle.decoding.beam import beam_search
from passerelle.decoding.greedy import greedy_search
from passerelle.errors import DataError, SettingsError
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings
from passerelle.translator import Translator
from untrained import SIDE, TRANSFORMER, untrained

TEXTS = ["abcé", "b", "cab", "", "ééé", "acb", "aazb"]
PAIRS = [("a b. c", "xyz zy"), ("b a!", "yx, x"), ("cc", "z.y")]


@pytest.fixture(scope="module")
def speaker() -> Translator:
    return untrained(PAIRS)


SOURCES = ["a b", "b a! c", "cc", "a"]

NETWORKS = {
    "one-hot": {"attention": "none", "encoder": {"units": 6, "embedding": 0}, "decoder": {"units": 6, "embedding": 0}},
    "gru, two layers": {"cell": "gru", "encoder": SIDE | {"layers": 2}, "decoder": SIDE | {"layers": 2}},
    "copying": {"copying": True},
    "input feeding": {"input_feeding": True},
    "monotonic": {"attention": "monotonic"},
    "monotonic copying": {"attention": "monotonic", "copying": True},
    "transformer": TRANSFORMER,
    "transformer copying": TRANSFORMER | {"copying": True},
    "transformer monotonic": TRANSFORMER | {"attention": "monotonic"},
    "hybrid": TRANSFORMER | {"decoder": SIDE},
    "no feedback": {"attention": "none", "decoder": SIDE | {"context": True, "feedback": False}},
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_beam_size_1_is_greedy_search(kind: str) -> None:
    network = untrained(PAIRS, network=NETWORKS[kind]).network
    inputs = {"source": np.array([[5, 4, 6, 7], [4, 6, 0, 0], [8, 1, 1, 4]], np.int32)}
    if network.settings.copying:
        inputs["target_copies"] = np.where(inputs["source"] > 4, inputs["source"], network.stepper.size)
    limits = np.array([9, 3, 12], np.int32)

    def search(inputs: Any, limits: Any, *, beam: bool) -> Any:
        how: Any = partial(beam_search, settings=SearchSettings(beam=1)) if beam else greedy_search
        return how(network.stepper.step, network.stepper.begin(inputs, max_steps=12), limits, 12)

    run = compiled(search, network.variables)
    greedy, beam = run(inputs, limits, beam=False), run(inputs, limits, beam=True)
    for name, values in greedy._asdict().items():
        np.testing.assert_array_equal(getattr(beam, name)[:, 0], values, err_msg=name)


@pytest.mark.slow
def test_a_larger_beam_finds_more_likely_translations(speaker: Translator) -> None:
    """This is not true in general, but for a beam that contains all hypotheses."""
    greedy, wide = (speaker.search(SOURCES, beam=width, max_length=3, length_penalty=0.0) for width in (1, 200))
    assert all(more.score >= less.score - 1e-5 for less, more in zip(greedy, wide, strict=True) if less.finished)


def test_n_best_results_are_distinct_and_sorted(speaker: Translator) -> None:
    for options in (
        {"beam": 8},
        {"beam": 8, "groups": 4},
        {"beam": 8, "coverage_penalty": 0.3},
        {"beam": 8, "no_repeat_ngram_size": 2},
    ):
        for results in speaker.n_best(SOURCES, 6, max_length=9, **options):
            assert 1 <= len(results) <= 6
            assert len({result.text for result in results}) == len(results)
            scores = [result.normalized_score for result in results if result.finished]
            assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("kind", ["general", "transformer"])
def test_a_result_does_not_depend_on_the_other_texts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With four lanes, the lanes are refilled while other rows of the batch have made several steps."""
    monkeypatch.setattr("passerelle.decoding.greedy.LANES", 4)
    monkeypatch.setattr("passerelle.decoding.beam.LANES", 16)
    speaker = untrained(PAIRS, network=NETWORKS.get(kind, {}))
    for options in ({"beam": 4}, {"beam": 4, "groups": 2}, {"sample": True}, {"pattern": "[xyz]{2,5}"}):
        batch = speaker.search(SOURCES * 3, max_length=8, **options)
        backwards = speaker.search((SOURCES * 3)[::-1], max_length=8, **options)[::-1]
        single = [speaker.search([source], max_length=8, **options)[0] for source in SOURCES] * 3
        for others in (backwards, single):
            for left, right in zip(batch, others, strict=True):
                assert left.text == right.text
                np.testing.assert_allclose(left.score, right.score, atol=1e-4)


def test_groups_give_more_diverse_translations(speaker: Translator) -> None:
    def distinct_prefixes(**options: Any) -> int:
        return sum(len({result.text[:1] for result in results}) for results in speaker.n_best(SOURCES, 6, **options))

    diverse = distinct_prefixes(beam=6, groups=6, diversity=5.0, max_length=6)
    assert diverse > distinct_prefixes(beam=6, max_length=6)


def test_samples_depend_on_the_seed_and_the_text_only(speaker: Translator) -> None:
    first = [result.text for result in speaker.search(SOURCES, sample=True)]
    assert [result.text for result in speaker.search(SOURCES, sample=True)] == first
    assert [result.text for result in speaker.search(SOURCES, sample=True, seed=2)] != first
    three = speaker.n_best(SOURCES, 3, sample=True)
    assert any(len({result.text for result in results}) > 1 for results in three)
    for results, text in zip(three, first, strict=True):
        assert text in {result.text for result in results}
        scores = [result.normalized_score for result in results]
        assert scores == sorted(scores, reverse=True)


def test_coverage_penalty_changes_the_ranking(speaker: Translator) -> None:
    plain, covered = (speaker.n_best(SOURCES, 5, coverage_penalty=weight, max_length=7) for weight in (0.0, 5.0))
    assert [best[0].text for best in plain] != [best[0].text for best in covered]
    for results in covered:
        for result in results:
            if result.finished:
                assert result.normalized_score <= result.score / ((5 + len(result.ids) + 1) / 6) ** 0.6 + 1e-6


def test_coverage_penalty_requires_attention() -> None:
    with pytest.raises(SettingsError, match="no attention"):
        untrained(PAIRS, network=NETWORKS["one-hot"]).search(["a"], beam=2, coverage_penalty=0.2)


@pytest.mark.parametrize("how", [{}, {"beam": 3}, {"sample": True}], ids=str)
class TestConstraints:
    def test_pattern(self, speaker: Translator, how: Any) -> None:
        for result in speaker.search(SOURCES, pattern=r"(x|yz){2,4}\.", **how):
            assert re.fullmatch(r"(x|yz){2,4}\.", result.text)
            assert result.finished

    def test_all_constraints_combined(self, speaker: Translator, how: Any) -> None:
        options = {
            "prefix": "x",
            "require": ["y", "z."],
            "forbid": ["yy"],
            "pattern": "[xyz.]*",
            "no_repeat_ngram_size": 4,
        }
        for result in speaker.search(SOURCES, max_length=12, **options, **how):
            assert result.text.startswith("x")
            assert "y" in result.text
            assert "z." in result.text
            assert "yy" not in result.text

    def test_lexicon(self, speaker: Translator, how: Any) -> None:
        words = ["xx", "xyz", "zy", "y.y"]
        assert {result.text for result in speaker.search(SOURCES, lexicon=words, **how)} <= set(words)

    def test_an_unsatisfiable_constraint_affects_only_its_text(self, speaker: Translator, how: Any) -> None:
        """Eight tokens do not fit into six steps; the blank text still has a finished result."""
        results = speaker.search(["a", ""], prefix="xyzxyzxy", max_length=6, **how)
        assert (results[0].text, results[0].score, results[0].finished) == ("", -math.inf, False)
        assert results[1].finished


@pytest.mark.slow
@pytest.mark.parametrize("level", ["character", "word", "subword"])
def test_constraints_at_every_level(level: str) -> None:
    translator = untrained(PAIRS, level=level, vocabulary_size=270 if level == "subword" else 0)
    constraints: dict[str, Any] = {
        "pattern": r"xyz( zy|, x){1,3}",
        "prefix": "xy",
        "require": [" zy"],
        "lexicon": ["xyz, x"],
    }
    patterns = {"pattern": constraints["pattern"], "prefix": "xy.*", "require": ".* zy.*", "lexicon": "xyz, x"}
    for name, value in constraints.items():
        for result in translator.search(SOURCES, beam=4, max_length=40, **{name: value}):
            assert re.fullmatch(patterns[name], result.text, re.DOTALL)


def test_a_beam_finds_better_translations_with_required_phrases(speaker: Translator) -> None:
    """Its slots are divided by progress; greedy search writes the phrases when the limit forces it to."""
    required = {"require": ["zx.y"], "max_length": 14}
    greedy = speaker.search(SOURCES, **required)
    beam = speaker.search(SOURCES, beam=6, **required)
    assert all("zx.y" in result.text for result in [*greedy, *beam])
    assert sum(result.normalized_score for result in beam) > sum(result.normalized_score for result in greedy)


def test_a_beam_of_all_hypotheses_finds_the_best_text_of_a_pattern() -> None:
    """Compared with scoring all texts that match the pattern."""
    translator = untrained(PAIRS, seed=5)
    texts = ["".join(letters) for n in (1, 2, 3) for letters in itertools.product("xyz", repeat=n)]
    scored = translator.score([("a b", text) for text in texts])
    best = max(scored, key=lambda one: one.log_probability)
    found = translator.search(["a b"], beam=64, length_penalty=0.0, pattern="[xyz]{1,3}", max_length=8)[0]
    assert found.text == best.target
    np.testing.assert_allclose(found.score, best.log_probability, atol=1e-4)


def test_scores_equal_those_of_score(speaker: Translator) -> None:
    for options in ({}, {"beam": 3}, {"sample": True}, {"pattern": "[xyz]{2,4}"}, {"beam": 4, "groups": 2}):
        found = speaker.search(SOURCES, split_sentences="never", **options)
        # The score of a text ignores whitespace at its ends, which the search may write.
        results = [one for one in found if one.finished and one.text and one.text == one.text.strip()]
        scored = speaker.score([(one.source, one.text) for one in results])
        np.testing.assert_allclose([one.score for one in results], [one.log_probability for one in scored], atol=1e-4)


def test_constraints_on_a_trained_translator(copier: Any) -> None:
    unconstrained = copier.translate(TEXTS)
    assert copier.translate(TEXTS, pattern="[abcé]*") == unconstrained, "texts that match are unchanged"
    assert all(re.fullmatch("[ab]+", text) for text in copier.translate(["abcé", "ab"], pattern="[ab]+"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": True, "beam": 2}, "choose one of them"),
        ({"beam": 4, "groups": 3}, "groups must divide the beam size"),
        ({"coverage_penalty": 0.2}, "use a beam of 2"),
        ({"beam": 4, "groups": 2, "require": ["x"]}, "cannot be combined"),
        ({"pattern": "(x"}, "pattern"),
        ({"temperature": 0.0}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"lexicon": ["Q"]}, "no text that the constraint allows"),
    ],
    ids=str,
)
def test_invalid_settings(speaker: Translator, options: Any, message: str) -> None:
    with pytest.raises((SettingsError, DataError), match=re.escape(message)):
        speaker.search(["a"], **options)


def test_ensemble_weights(speaker: Translator) -> None:
    other = untrained(PAIRS, seed=9)
    heavy = speaker.ensemble_with([other], weights=[1e6, 1])
    assert heavy.translate(SOURCES) == speaker.translate(SOURCES)
    light = speaker.ensemble_with([other], weights=[1, 1e6], mean="geometric")
    assert light.translate(SOURCES) == other.translate(SOURCES)
    for wrong in ([1.0], [1.0, -1.0], [0.0, 1.0]):
        with pytest.raises(SettingsError, match="one for each of 2 networks"):
            speaker.ensemble_with([other], weights=wrong)
    with pytest.raises(SettingsError, match="arithmetic, geometric"):
        speaker.ensemble_with([other], mean="harmonic")  # pyright: ignore[reportArgumentType]
