"""The simple beam search around `predict`, and helpers of the beam search benchmark."""

import numpy as np
import pytest

from beam import repeated, time_alternately
from by_hand import beam_by_hand, continuations
from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.translator import Translator

PAIRS = [("a b. c", "xyz zy"), ("b a!", "yx, x"), ("cc", "z.y")]
SIDE = {"embedding": 5, "units": 6}


def untrained(seed: int, attention: str, *, unknown: bool = True) -> Translator:
    network = {"attention": attention, "unknown": unknown, "encoder": SIDE, "decoder": SIDE}
    translator = build(prepare(PAIRS, choose_settings(settings={"network": network}), validation=0))
    random = np.random.default_rng(seed)
    translator.network.set_weights([random.normal(0, 1.0, array.shape) for array in translator.network.get_weights()])
    return translator


@pytest.mark.parametrize(("attention", "unknown"), [("general", True), ("none", False)])
def test_simple_beam_search_equals_translator_search(attention: str, unknown: bool) -> None:
    translator = untrained(3, attention, unknown=unknown)
    texts = ["ab c", "bc", "c!a."]
    finished = []
    for length_penalty in (0.0, 0.6):
        for ours in translator.search(texts, beam=3, length_penalty=length_penalty):
            text, score = beam_by_hand(translator, ours.source, 3, length_penalty)
            assert (text, score) == (ours.text, pytest.approx(ours.normalized_score, abs=1e-4))
            finished.append(ours.finished)
    assert any(finished)


def test_continuations_are_sorted_by_log_probability() -> None:
    log_probs = np.array([[-1.0, -np.inf, -3.0], [-0.5, -2.5, -0.5]])
    best = [(0, 0, -1.0), (1, 0, -1.5), (1, 2, -1.5), (0, 2, -3.0)]
    assert continuations(np.array([0.0, -1.0]), log_probs, 4) == best
    assert continuations(np.array([0.0]), np.array([[-1.0, -np.inf]]), 2) == [(0, 0, -1.0)]


def test_repeated_texts_are_cyclic() -> None:
    assert repeated(["a", "b", "c"], 7) == ["a", "b", "c", "a", "b", "c", "a"]
    assert repeated(["a", "b", "c"], 3) == ["a", "b", "c"]
    assert repeated(["a", "b", "c"], 2) == ["a", "b"]


def test_functions_are_timed_alternately_after_a_warm_up() -> None:
    calls: list[str] = []
    seconds = time_alternately({name: lambda name=name: calls.append(name) for name in "ab"}, 2)
    assert calls == list("ababab")
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}
