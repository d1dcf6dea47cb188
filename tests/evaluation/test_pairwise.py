"""Similarity of every text to every other one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics.chrf import CHRF

from passerelle.evaluation import pairwise
from passerelle.evaluation.pairwise import chrf_matrix, edit_similarity_matrix

TEXTS = ["Il est fatigué.", "Elle est fatiguée.", "Il  est\tfatigué", "", "aaaa aaa", "aa", "他不年轻。", "Va !", "?"]


def brute_force(texts: list[str]) -> np.ndarray:
    chrf = CHRF()
    return np.array([[chrf.sentence_score(text, [reference]).score for reference in texts] for text in texts])


def test_chrf_equals_that_of_sacrebleu() -> None:
    np.testing.assert_allclose(chrf_matrix(TEXTS), brute_force(TEXTS), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab é\U0001f600", max_size=12), min_size=1, max_size=6))
def test_chrf_of_any_texts(texts: list[str]) -> None:
    np.testing.assert_allclose(chrf_matrix(texts), brute_force(texts), atol=1e-9)


def test_more_ngrams_than_a_matrix_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = chrf_matrix(TEXTS)
    monkeypatch.setattr(pairwise, "MAX_CELLS", 3 * len(TEXTS))
    np.testing.assert_array_equal(chrf_matrix(TEXTS), expected)


def test_edit_similarity() -> None:
    sequences = [*TEXTS, ("k", "aa"), ("k", "a"), ()]
    found = edit_similarity_matrix(sequences)
    for (i, one), (j, other) in itertools.product(enumerate(sequences), repeat=2):
        longest = max(len(one), len(other))
        expected = 100.0 * (1 - Levenshtein.distance(one, other) / longest) if longest else 100.0
        assert found[i, j] == pytest.approx(expected)
