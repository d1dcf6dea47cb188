"""Alignment, and the replacement of unknown tokens."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.errors import SettingsError
from passerelle.inference.alignment import Alignment, replace_unknown
from passerelle.special_tokens import UNK
from untrained import TRANSFORMER, untrained

PAIRS = [("a b. c", "xyz zy"), ("b a!", "yx, x")]
SOURCES = ["a b", "b a! c", "cc", ""]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["general", "additive", "monotonic", "copying", "feeding", "transformer"])
def test_weights_equal_those_of_single_steps(kind: str) -> None:
    """One call for all steps gives the same weights as calling the inference decoder step by step."""
    own: Any = {"copying": {"copying": True}, "feeding": {"input_feeding": True}, "transformer": TRANSFORMER}.get(
        kind, {"attention": kind}
    )
    translator = untrained(PAIRS, network=own)
    results = translator.search(SOURCES, max_length=7, split_sentences="never")
    for result, alignment in zip(results, translator.align(results), strict=True):
        assert alignment.source == tuple(result.source)
        assert "".join(alignment.target) == result.text
        assert alignment.weights.shape == (len(result.ids), len(result.source))
        if not result.ids:
            continue
        inputs = translator.signature.encode_inputs({"source": [result.source]})
        state = translator.network.stepper.begin(
            {name: ids.padded(np.array([0]), int(ids.lengths[0])) for name, ids in inputs.items()}, max_steps=8
        )
        for ids, expected in zip((2, *result.ids), alignment.weights, strict=False):
            _, state, weights = translator.network.stepper.steps(ops.convert_to_tensor([[ids]], "int32"), state)
            np.testing.assert_allclose(np.asarray(weights)[0, 0], expected, atol=1e-5)
        np.testing.assert_allclose(alignment.weights.sum(axis=1), 1.0, atol=1e-4)


def test_a_copied_token_is_aligned_with_itself(copier: Any) -> None:
    texts = ["abc\u00e9", "cab", "b"]
    for alignment in copier.align(copier.search(texts)):
        assert [alignment.source[source] for source, _ in alignment.links] == list(alignment.target)
        assert alignment.pharaoh.startswith("0-0")


def test_inline_tags_are_not_part_of_the_source() -> None:
    translator = untrained([("ab", "xy", "V;PST"), ("ba", "yx", "V")], tag_mode="inline")
    (alignment,) = translator.align(translator.search(["ab"], tags="V;PST", max_length=4), tags="V;PST")
    assert alignment.weights.shape[1] == len(alignment.source) == 2


def test_an_ensemble_averages_the_weights(copier: Any) -> None:
    results = copier.search(["abc"])
    (one,), (two,) = copier.align(results), copier.ensemble_with([copier]).align(results)
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-5)


def test_alignment_requires_attention() -> None:
    translator = untrained(PAIRS, network={"attention": "none"})
    with pytest.raises(SettingsError, match="no attention"):
        translator.align(translator.search(["a"]))


def test_unknown_tokens_are_replaced_by_attended_source_tokens() -> None:
    translator = untrained([("see Rome now", "voir Rome"), ("see Bonn", "voir Bonn")], level="word")
    (result,) = translator.search(["see Oslo now"])
    known = translator.target.vocabulary.id_of(" voir")
    result = replace(result, ids=(known, UNK), text=" voir\ufffd")
    alignment = Alignment((" see", " Oslo", " now"), (" voir", "\ufffd"), np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1]]))
    assert replace_unknown(result, alignment, translator.signature, {}).text == "voir Oslo"
    assert replace_unknown(result, alignment, translator.signature, {"Oslo": "Christiania"}).text == "voir Christiania"
    without_unk = replace(result, ids=(known, known))
    assert replace_unknown(without_unk, alignment, translator.signature, {}) is without_unk


def test_results_without_unknown_tokens_are_unchanged(copier: Any) -> None:
    results = copier.search(["abc", "b"])
    assert copier.replace_unknown(results) == results
