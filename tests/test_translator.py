"""The public methods of `Translator`."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.data import rows
from passerelle.data.lengths import Lengths
from passerelle.data.rows import padded_width
from passerelle.errors import DataError, OutputError, PasserelleError, SettingsError
from passerelle.experiment.building import build
from passerelle.inference.result import Result
from passerelle.models.compiled import compiled
from passerelle.preparation import prepare
from passerelle.ragged import Ragged
from passerelle.settings import choose_settings
from passerelle.special_tokens import END, START


def test_one_string_gives_one_string(copier: Any) -> None:
    assert copier.translate("abcé") == "abcé"
    assert copier.translate(["abcé"]) == ["abcé"]
    assert copier.translate([]) == []
    assert copier.translate(("a", "b")) == ["a", "b"]


def test_results_are_in_the_order_of_the_texts(copier: Any) -> None:
    texts = ["abcé", "a", "bb", "", "cab", "é", "abcé", "b"]
    assert copier.translate(texts) == texts
    assert [result.source for result in copier.search(texts)] == texts


def test_more_texts_than_a_batch(copier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BATCH_SIZES", (1, 8))
    texts = ["".join(letters) for letters in itertools.product("abc", repeat=3)][:21]
    texts[::2] = [text[:2] for text in texts[::2]]
    assert copier.translate(texts) == texts


def test_batches_of_long_texts_have_fewer_rows(copier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heights = []
    original = copier._search._program

    def watched(inputs: Any, *others: Any, **options: Any) -> Any:
        heights.append(inputs["source"].shape)
        return original(inputs, *others, **options)

    monkeypatch.setattr(copier._search, "_program", watched)
    monkeypatch.setattr(rows, "MAX_TOKENS", 8 * 16)
    texts = ["ab", "abc" * 10, "ba", *["cab" * 7] * 9]
    results = copier.search(texts, max_length=5)
    assert [result.source for result in results] == texts
    assert all(height == 1 or height * width <= 8 * 16 for height, width in heights)
    assert sum(height for height, _ in heights) >= len(texts)


@pytest.mark.parametrize("blank", ["", " ", "\t \n", "\u202f"])
def test_blank_texts(copier: Any, blank: str) -> None:
    assert copier.translate(["a", blank, "b"]) == ["a", "", "b"]
    assert copier.search([blank]) == [Result(blank, "", 0.0, 0.0, (), (), (), True)]


def test_unknown_tokens_are_reported(copier: Any) -> None:
    known, some, all_of_them = copier.search(["ab", "azb?z", "xyz"])
    assert known.unknown == ()
    assert some.unknown == ("z", "?")
    assert all_of_them.unknown == ("x", "y", "z")
    assert copier.search(["a\ud800b"])[0].unknown == ("\ud800",), "a byte that was not UTF-8"


def test_the_source_of_a_result_is_not_normalized(copier: Any) -> None:
    decomposed = "ae\u0301"
    (result,) = copier.search([decomposed])
    assert (result.source, result.text, result.unknown) == (decomposed, "aé", ())


def test_attributes_of_a_result(copier: Any) -> None:
    """The score is the log probability under the training model, END included."""
    for result in copier.search(["abca", "zzz"]):
        assert result.finished
        assert copier.target.vocabulary.token_of(result.ids[0]) == result.text[0]
        source = copier.source.encode([result.source])[0][None]
        target = np.array([[START, *result.ids]], np.int32)
        logits = np.asarray(copier.training_model({"source": source, "target": target}))[0]
        log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        columns = np.array([*result.ids, END]) - copier.network.stepper.first
        expected = log_probs[np.arange(len(columns)), columns].sum()
        np.testing.assert_allclose(result.score, expected, rtol=1e-3, atol=1e-4)
        assert result.score <= 0


def test_a_result_does_not_depend_on_the_other_texts(copier: Any) -> None:
    texts = ["a", "zq", "bcaé", "bb", "éééé", "abcabcabcab", "zzzzzzzzzzzzzzzzzz", "cab", "c", "ba z"]
    batch = copier.search(texts)
    backwards = copier.search(texts[::-1])[::-1]
    single = [copier.search([text])[0] for text in texts]
    for others in (backwards, single):
        for left, right in zip(batch, others, strict=True):
            assert (left.source, left.text, left.ids) == (right.source, right.text, right.ids)
            assert (left.unknown, left.finished) == (right.unknown, right.finished)
            np.testing.assert_allclose(left.score, right.score, rtol=1e-4, atol=1e-4)


def test_max_length(copier: Any) -> None:
    for length, text, finished in ((1, "a", False), (4, "abca", False), (5, "abca", True)):
        (result,) = copier.search(["abca"], max_length=length, beam=1)
        assert (result.text, result.finished) == (text, finished)
        assert copier.translate("abca", max_length=length) == text
    scores = [copier.search(["abca"], max_length=length)[0].score for length in (1, 4, 5)]
    assert scores == sorted(scores, reverse=True), "each step lowers the score"


@pytest.mark.parametrize("length", [0, -1, 10**9])
def test_max_length_out_of_range(copier: Any, length: int) -> None:
    with pytest.raises(SettingsError, match="max_length: input should be"):
        copier.translate("abca", max_length=length)


def test_a_text_longer_than_those_in_training(copier: Any) -> None:
    (result,) = copier.search(["abcé" * 10])
    assert 0 < len(result.text) <= copier.lengths.max_steps(40)
    assert result.finished == (len(result.ids) < copier.lengths.max_steps(40))
    assert not set(result.text) - set("abcé")


def test_the_limit_grows_with_the_source() -> None:
    lengths = Lengths(source=10, target=20, ratio=math.inf)
    assert [int(lengths.max_steps(length)) for length in (0, 1, 10, 11, 20, 100)] == [24, 24, 24, 27, 46, 222]
    assert lengths.max_steps(np.array([1, 20])).tolist() == [24, 46]


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=20))
def test_limits_exceed_training_targets_and_are_bounded(pairs: list[tuple[int, int]]) -> None:
    lengths = Lengths.of(*np.array(pairs).T)
    assert all(lengths.max_steps(source) >= target * 1.1 + 1 for source, target in pairs)
    limits = lengths.max_steps(np.arange(400))
    assert (np.diff(limits) >= 0).all()
    assert all(limit <= 1.1 * lengths.ratio * (length + 8) + 3 for length, limit in enumerate(limits))


def test_short_sources_have_shorter_limits() -> None:
    """The limit of a short source does not follow the longest target, which had a longer source."""
    lengths = Lengths.of(np.array([2, 92]), np.array([5, 100]))
    assert lengths.max_steps(2) == 13
    assert lengths.max_steps(92) == 112


def test_padded_widths_are_few_and_at_most_half_padding() -> None:
    widths = [padded_width(length) for length in range(5000)]
    assert widths[:9] == [8] * 9
    assert sorted(set(widths))[:9] == [8, 16, 24, 32, 48, 64, 96, 128, 192]
    assert all(length <= width for length, width in enumerate(widths))
    assert all(width <= max(8, 2 * length) for length, width in enumerate(widths))
    assert len(set(widths)) < 24


@pytest.mark.parametrize("texts", [["a", 5], [None], [b"a"], [["a"]]], ids=repr)
def test_texts_that_are_not_strings(copier: Any, texts: Any) -> None:
    with pytest.raises(DataError, match="texts must be strings, received"):
        copier.translate(texts)


@pytest.mark.parametrize("texts", [5, None, 1.5], ids=repr)
def test_texts_that_are_not_a_sequence(copier: Any, texts: Any) -> None:
    with pytest.raises(DataError, match="texts"):
        copier.search(texts)


def test_search_does_not_accept_a_single_string(copier: Any) -> None:
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


def test_evaluate_without_pairs(copier: Any) -> None:
    for pairs in ([], [("", "a")]):
        with pytest.raises(DataError, match="there are no pairs to evaluate on"):
            copier.evaluate(pairs)
    with pytest.raises(DataError, match="row 1"):
        copier.evaluate(["ab"])


def test_the_three_keras_models(copier: Any) -> None:
    assert copier.training_model is copier.network
    state = copier.inference_encoder.predict({"source": copier.source.encode(["abc"])[0][None]}, verbose=0)
    step = {"target": np.array([[START]], np.int32), **state}
    logits = copier.inference_decoder.predict(step, verbose=0)["logits"]
    assert int(logits[0, 0].argmax()) + copier.network.stepper.first == copier.target.vocabulary.id_of("a")


def test_changed_weights_take_effect(copier: Any) -> None:
    """The compiled search does not store weights, so changes (for example by `fit`) take effect."""
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


# ---- ensembles

PAIRS = [("abca", "xyz"), ("bc", "zzyx"), ("c", "y"), ("ab cab", "zy")]
TEXTS = ["abca", "b", "cc ab", "a", "c?b", "abcabcabcabca", "bca", "ba", "cab", "ac"]
LSTM = {"attention": "general", "encoder": {"units": 4, "direction": "both"}, "decoder": {"units": 5}}
GRU = {"cell": "gru", "bridge": "zero", "unknown": False, "encoder": {"units": 3}, "decoder": {"units": 7, "layers": 2}}


def untrained(network: dict[str, Any] = LSTM, pairs: Any = PAIRS, *, seed: int = 1, **options: Any) -> Any:
    """An untrained translator with random weights, so that its outputs vary and some are finished."""
    settings = choose_settings(settings={"network": network}, **options)
    translator = build(prepare(pairs, settings, validation=0))
    random = np.random.default_rng(seed)
    weights = [random.normal(0, 1.0, array.shape) for array in translator.network.get_weights()]
    translator.network.set_weights(weights)
    return translator


@pytest.fixture(scope="module")
def members() -> list[Any]:
    return [untrained(LSTM, seed=6), untrained(GRU, seed=7), untrained(LSTM, seed=8)]


def probabilities(translator: Any, results: list[Result]) -> np.ndarray:
    """Probabilities of the next id after each prefix of each result, from the training model: (results, steps, ids)."""
    network = translator.network
    source = translator.source.encode([result.source for result in results])
    target = Ragged.from_lists([START, *result.ids] for result in results)
    ids = [side.padded(np.arange(len(results)), int(side.lengths.max())) for side in (source, target)]
    run = compiled(lambda source, target: network({"source": source, "target": target}), network.variables)
    logits = np.asarray(run(*ids), np.float64)
    probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    by_id = np.pad(probs, ((0, 0), (0, 0), (network.stepper.first, 0)))
    by_id[..., START] = 0.0
    return by_id


@pytest.mark.slow
def test_an_ensemble_averages_probabilities(members: list[Any]) -> None:
    ensemble = members[0].ensemble_with(members[1:])
    results = ensemble.search(TEXTS)
    assert {result.finished for result in results} == {True, False}
    assert [result.text for result in results] not in [member.translate(TEXTS) for member in members]
    means = np.mean([probabilities(member, results) for member in members], axis=0)
    for result, mean in zip(results, means, strict=True):
        written = [*result.ids, END] if result.finished else list(result.ids)
        assert mean[: len(written)].argmax(axis=-1).tolist() == written
        expected = np.log(mean[np.arange(len(written)), written]).sum()
        np.testing.assert_allclose(result.score, expected, rtol=1e-3, atol=1e-4)


def test_ensemble_results_do_not_depend_on_the_other_texts(members: list[Any]) -> None:
    ensemble = members[0].ensemble_with(members[1:])
    for text, result in zip(TEXTS, ensemble.search(TEXTS), strict=True):
        (single,) = ensemble.search([text])
        assert (single.text, single.ids, single.finished) == (result.text, result.ids, result.finished)
        np.testing.assert_allclose(single.score, result.score, rtol=1e-4, atol=1e-4)


def test_an_ensemble_of_equal_networks_equals_one_network(copier: Any) -> None:
    texts = ["abcé", "a", "bb", "zq", "", "abcabcabcab"]
    expected = copier.search(texts)
    for others in ([], iter([copier]), [copier, copier.ensemble_with([copier])]):
        for left, right in zip(copier.ensemble_with(others).search(texts), expected, strict=True):
            assert (left.text, left.ids, left.finished) == (right.text, right.ids, right.finished)
            np.testing.assert_allclose(left.score, right.score, rtol=1e-5, atol=1e-6)
            assert left.score <= 0


@pytest.mark.slow
def test_ensembles_of_ensembles(members: list[Any]) -> None:
    first, second, third = members
    left = first.ensemble_with([second]).ensemble_with([third])
    right = first.ensemble_with([second.ensemble_with([third])])
    assert left.model.steppers == right.model.steppers == tuple(member.network.stepper for member in members)
    assert left.search(TEXTS) == right.search(TEXTS)
    assert first.ensemble_with(iter([second, third])).model.steppers == left.model.steppers
    assert len(first.model.steppers) == 1, "the members are unchanged"


def test_an_ensemble_that_joins_another_keeps_its_weights_and_mean(members: list[Any]) -> None:
    first, second, third = members
    inner = first.ensemble_with([second], weights=[3, 1], mean="geometric")
    for joined, order in ((inner.ensemble_with([third]), [3, 1, 2]), (third.ensemble_with([inner]), [2, 3, 1])):
        np.testing.assert_allclose(joined.model.network.weights, np.array(order) / 6)
        assert joined.model.network.mean == "geometric"
    other = third.ensemble_with([second], mean="arithmetic")
    with pytest.raises(SettingsError, match="ensembles with different means, and one ensemble has one mean. Set mean"):
        inner.ensemble_with([other])
    both = inner.ensemble_with([other], weights=np.array([1, 1, 1, 5]), mean="arithmetic").model.network
    assert (both.mean, both.weights) == ("arithmetic", [0.125, 0.125, 0.125, 0.625])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda translator: translator.ensemble_with(5), "others must be a list of translators, received: 5"),
        (lambda translator: translator.ensemble_with(["m.keras"]), "others must be a list of translators"),
        (lambda translator: translator.ensemble_with([translator], weights="12"), "weights must be positive numbers"),
        (lambda translator: translator.ensemble_with([translator], weights=[1, math.inf]), "weights must be positive"),
        (lambda translator: translator.align(["x"]), "results must be a list of results of a search"),
        (lambda translator: translator.score("pairs.tsv"), "read_pairs('pairs.tsv')"),
        (lambda translator: translator.evaluate("pairs.tsv"), "read_pairs('pairs.tsv')"),
        (lambda translator: translator.search(["a"], inputs=5), "inputs must be a mapping"),
        (lambda translator: translator.for_output(5), "unknown output 5."),
        (lambda translator: translator.save(None), "path must be a path, received: None"),
        (lambda translator: type(translator).load(5), "path must be a path, received: 5"),
        (lambda translator: translator.translate("a", min_length=4, max_length=3), "min_length must not exceed"),
    ],
)
def test_wrong_arguments_are_named(copier: Any, call: Any, message: str) -> None:
    with pytest.raises(PasserelleError) as caught:
        call(copier)
    assert message in str(caught.value)


def test_an_ensemble_has_the_longest_limits_of_its_members(copier: Any) -> None:
    short, long = untrained(pairs=[("abcabc", "xyz"), ("a", "x")]), untrained(pairs=[("abc", "xyzxyzx"), ("a", "x")])
    expected = Lengths(6, 7, 7 / 11, short.lengths.sentences)
    assert short.ensemble_with([long]).lengths == long.ensemble_with([short]).lengths == expected


@pytest.mark.parametrize(
    ("other", "differences"),
    [
        ({"pairs": [*PAIRS, ("d", "x")]}, "source tokens"),
        ({"pairs": [*PAIRS, ("a", "x!")]}, "target tokens"),
        ({"pairs": [("ab", "zz"), ("b", "z")]}, "source tokens, target tokens"),
        ({"target_level": "word"}, "target level, target tokens"),
        ({"source_separator": " "}, "source level, source separator, source tokens"),
    ],
    ids=str,
)
def test_other_vocabularies_are_refused(members: list[Any], other: dict[str, Any], differences: str) -> None:
    with pytest.raises(SettingsError) as caught:
        members[0].ensemble_with([members[1], untrained(**other)])
    assert str(caught.value) == (
        "the translators of an ensemble must share their tokenizers; number 3 differs from the first in: "
        f"{differences}. Train all of them on the same split of the same pairs."
    )


def test_other_separators_are_refused() -> None:
    pairs = [("a", "x"), ("b", "y")]
    spaces, commas = (untrained(pairs=pairs, source_separator=separator) for separator in (" ", ","))
    with pytest.raises(SettingsError, match="number 2 differs from the first in: source separator. Train"):
        spaces.ensemble_with([commas])


@pytest.mark.slow
def test_an_ensemble_can_be_evaluated_but_not_saved(members: list[Any], tmp_path: Path) -> None:
    ensemble = members[0].ensemble_with(members[1:])
    texts = list(dict.fromkeys(TEXTS))
    assert ensemble.evaluate(list(zip(texts, ensemble.translate(texts), strict=True))).exact == len(texts)
    with pytest.raises(OutputError, match=r"a model file contains one network, received: an ensemble of 3\. Save each"):
        ensemble.save(tmp_path / "ensemble.keras")
    assert not list(tmp_path.iterdir())
