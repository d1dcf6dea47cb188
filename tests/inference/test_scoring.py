"""Scoring: the same log probabilities as in search, independent of the other pairs."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.errors import DataError
from passerelle.inference import scoring
from passerelle.inference.scoring import PairScore, character_perplexity
from passerelle.translator import Translator
from untrained import TRANSFORMER, untrained

KINDS: dict[str, dict[str, Any]] = {
    "general": {"attention": "general", "encoder": {"direction": "both"}},
    "gru": {"cell": "gru", "bridge": "dense", "decoder": {"layers": 2}},
    "additive": {"attention": "additive"},
    "no unknown": {"unknown": False, "bridge": "dense"},
    "monotonic": {"attention": "monotonic", "dropout": 0.0},
    "copying": {"attention": "general", "copying": True},
    "monotonic copying": {"attention": "monotonic", "copying": True},
    "feeding": {"attention": "general", "input_feeding": True},
    "transformer": TRANSFORMER,
    "transformer monotonic": TRANSFORMER | {"attention": "monotonic"},
    "hybrid": TRANSFORMER | {"decoder": {}},
    "feedback-free": {"decoder": {"feedback": False, "context": True}},
}
PAIRS = [("abca", "xyz", "s"), ("bc", "zzyx", "t;s"), ("c", "y", ""), ("ab cab", "zy", "t")]
SOURCES = ["abca", "b", "cc ab", "abc" * 5, "c?b", "bca", "ab", "a é"]


def translator_of(kind: str, seed: int = 1, **options: Any) -> Translator:
    """An untrained translator with random weights, so that its outputs vary."""
    network = dict(KINDS[kind])
    for side in ("encoder", "decoder"):
        network[side] = {"embedding": 3, "units": 6} | network.get(side, {})
    if network["encoder"].get("direction") == "both" or "copying" in network:
        network["bridge"] = "dense"
    pairs = PAIRS if options.get("tag_mode") else [row[:2] for row in PAIRS]
    return untrained(pairs, network, seed=seed, spread=0.8, **options)


def check_agreement(translator: Translator, tags: list[str] | None = None) -> None:
    """Check that scoring the translations of a search gives the scores of the search."""
    found = translator.n_best(SOURCES, 3, tags=tags)
    own = [""] * len(SOURCES) if tags is None else tags
    done = [
        (result, tag)
        for best, tag in zip(found, own, strict=True)
        for result in best
        # Only translations that encode to the same ids again.
        if result.finished
        and translator.signature.encode_targets({"source": [result.source], "tags": [tag], "target": [result.text]})[
            "target"
        ][0][:-1].tolist()
        == [*result.ids]
    ]
    assert len(done) > 3
    scores = translator.score([(result.source, result.text, *([] if tags is None else [tag])) for result, tag in done])
    for (result, _), scored in zip(done, scores, strict=True):
        np.testing.assert_allclose(scored.log_probability, math.fsum(result.token_scores), rtol=1e-4, atol=1e-4)
        assert scored.tokens == len(result.token_scores)
        assert (scored.source, scored.target, scored.characters) == (result.source, result.text, len(result.text) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_those_of_search(kind: str) -> None:
    check_agreement(
        translator_of(kind, seed={"monotonic copying": 3, "hybrid": 2}.get(kind, 1))
    )  # with seed 1 these write no END


@pytest.mark.parametrize("mode", ["separate", "inline"])
def test_tags(mode: str) -> None:
    translator = translator_of("general", tag_mode=mode)
    check_agreement(translator, ["s", "t", "", "s;t", "t", "s", "?", ""])
    first, second = translator.score([("abca", "xyz", "s"), ("abca", "xyz", "t")])
    assert first.log_probability != second.log_probability
    with pytest.raises(DataError, match="row 1: expected .* three texts"):
        translator.score([("abca", "xyz")])


def test_an_ensemble() -> None:
    check_agreement(
        translator_of("general").ensemble_with(
            [translator_of("gru", 2), translator_of("copying", 3), translator_of("transformer", 4)]
        )
    )


def test_word_tokens() -> None:
    check_agreement(translator_of("general", target_level="word"))


def test_probabilities_of_all_targets_sum_to_at_most_1() -> None:
    """The sum over all texts of up to three tokens."""
    translator = translator_of("general")
    texts = ["".join(letters) for count in range(4) for letters in itertools.product("xyz", repeat=count)]
    found = translator.score([("abca", text) for text in texts])
    total = sum(math.exp(scored.log_probability) for scored in found)
    assert 0 < total < 1.0001


def test_a_score_does_not_depend_on_the_other_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = translator_of("general")
    pairs = [(source, target * count) for source in SOURCES for target, count in (("xy", 1), ("zyx", 4), ("y", 30))]
    batch = translator.score(pairs)
    assert [(scored.source, scored.target) for scored in batch] == pairs
    backwards = translator.score(pairs[::-1])[::-1]
    single = [translator.score([pair])[0] for pair in pairs[::5]]
    monkeypatch.setattr(scoring, "STEPS", 7)
    in_steps = translator.score(pairs)
    for others, expected in ((backwards, batch), (in_steps, batch), (single, batch[::5])):
        np.testing.assert_allclose(
            [scored.log_probability for scored in others],
            [scored.log_probability for scored in expected],
            rtol=1e-5,
            atol=1e-4,
        )


def test_targets_that_cannot_be_written() -> None:
    known, strange = translator_of("no unknown").score([("abca", "xyz"), ("abca", "x?z")])
    assert known.log_probability > -math.inf
    assert (strange.log_probability, strange.character_perplexity) == (-math.inf, math.inf)
    (scored_as_unk,) = translator_of("general").score([("abca", "x?z")])
    assert scored_as_unk.log_probability > -math.inf
    copied, strange = translator_of("copying").score([("ab?", "x?"), ("ab", "x?")])
    assert -math.inf < copied.log_probability != strange.log_probability


def test_blank_sources_and_targets() -> None:
    translator = translator_of("general")
    both, source, target = translator.score([(" ", ""), ("", "xy"), ("ab", "")])
    assert (both.log_probability, source.log_probability) == (0.0, -math.inf)
    assert -100 < target.log_probability < 0
    assert (target.tokens, target.characters) == (1, 1)
    assert translator.score([]) == []


def test_pairs_of_all_types() -> None:
    translator = translator_of("general")
    pairs = [("abca", "xyz"), ("bc", "zy")]
    expected = translator.score(pairs)
    assert translator.score(passerelle.Pairs(["abca", "bc"], ["xyz", "zy"], tags=["s", "t"])) == expected
    assert translator.score(iter(pairs)) == expected
    with pytest.raises(DataError, match="row 2"):
        translator.score([("a", "b"), "ab"])  # pyright: ignore[reportArgumentType]


def test_properties_of_pair_score() -> None:
    scored = PairScore("ab", "xy", -6.0, tokens=2, characters=3)
    assert scored.per_token == -3.0
    np.testing.assert_allclose(scored.character_perplexity, math.exp(2))
    assert character_perplexity(-1e9, 1) == math.inf
    assert character_perplexity(0.0, 0) == 1.0
