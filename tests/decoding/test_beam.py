"""Beam search with small fake step functions, compared with exhaustive search."""

import itertools
from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.decoding import greedy
from passerelle.decoding.beam import BeamResult, beam_search, length_normalizer
from passerelle.decoding.greedy import greedy_search
from passerelle.decoding.processors import MinimumLength, with_processors
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START

TOKENS = 8
A, B, C = 4, 5, 6
ORDINARY = range(4, TOKENS)


def table(rows: int, seed: int = 0, sharp: float = 1.5) -> np.ndarray:
    """Random log probabilities, float32 (rows, last, next); PAD, UNK and START are impossible."""
    logits = sharp * np.random.default_rng(seed).normal(size=(rows, TOKENS, TOKENS)).astype("f4")
    logits[..., [0, 1, START]] = -np.inf
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    return np.maximum(logits, IMPOSSIBLE)


def chain(log_probs: Any) -> tuple[Any, Any]:
    """A step function whose next token depends on the last token and the row; its state counts the steps."""
    flat = ops.reshape(log_probs, (-1, TOKENS))

    def step(ids: Any, state: Any) -> Any:
        row, count = state
        return ops.take(flat, row * TOKENS + ids, axis=0), (row, count + 1)

    rows = log_probs.shape[0]
    return step, (ops.arange(rows, dtype="int32"), ops.zeros((rows,), "int32"))


def plain(**options: Any) -> SearchSettings:
    """Search settings without penalties, except for those in `options`."""
    return SearchSettings(**{"length_penalty": 0.0, **({"diversity": 0.0} if "groups" in options else {}), **options})


def searched(limits: Any, log_probs: Any, *, max_length: int, least: int = 0, beam: int = 3, **options: Any) -> Any:
    step, state = chain(log_probs)
    if least:
        step, state = with_processors(step, state, limits, [MinimumLength(least)])
    return beam_search(step, state, limits, max_length, plain(beam=beam, **options))


program = compiled(searched, [])


def search(log_probs: np.ndarray, limits: Any, *, run: Any = program, width: int = 0, **options: Any) -> BeamResult:
    limits = np.asarray(limits, np.int32)
    found = run(limits, log_probs, max_length=width or int(limits.max()), **options)
    return BeamResult(*map(np.asarray, found))


def exhaustive(log_probs: np.ndarray, limit: int, power: float, least: int = 0) -> list[tuple[float, list[int]]]:
    """All finished hypotheses of at most `limit` steps as (normalized score, tokens), best first."""
    found = []
    for length in range(least, limit):
        for tokens in itertools.product(ORDINARY, repeat=length):
            path = [START, *tokens, END]
            score = sum(float(log_probs[a, b]) for a, b in itertools.pairwise(path))
            found.append((score / float(length_normalizer(length + 1, power)), list(tokens)))
    return sorted(found, reverse=True)


def written(result: BeamResult, row: int, place: int) -> list[int]:
    return result.ids[row, place, : result.lengths[row, place]].tolist()


@pytest.mark.parametrize("rows", [1, 5, 300])
def test_beam_size_1_is_greedy_search(rows: int) -> None:
    """The arrays are identical, with any limits and with refilled lanes."""
    log_probs = table(rows, sharp=1.0)
    limits = np.random.default_rng(1).integers(0, 12, rows).astype("i4")
    limits[0] = 12
    expected = greedy_search(*chain(log_probs), limits, 12)
    found = search(log_probs, limits, beam=1)
    for name, values in expected._asdict().items():
        np.testing.assert_array_equal(getattr(found, name)[:, 0], values, err_msg=name)


@pytest.mark.parametrize("power", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("least", [0, 2])
def test_a_beam_of_all_hypotheses_equals_exhaustive_search(power: float, least: int) -> None:
    """The results are the same, in the same order."""
    log_probs, limit, wide = table(3, seed=2), 4, 4**4 + 4**3 + 4**2 + 4 + 1
    found = search(log_probs, [limit] * 3, beam=wide, n_best=10, length_penalty=power, least=least)
    for row in range(3):
        expected = exhaustive(log_probs[row], limit, power, least)[:10]
        assert [written(found, row, place) for place in range(10)] == [tokens for _, tokens in expected]
        scores = found.scores[row] / length_normalizer(found.lengths[row] + 1, power)
        np.testing.assert_allclose(scores, [score for score, _ in expected], rtol=1e-5)
    assert found.finished.all()


def test_early_stopping_does_not_change_the_best() -> None:
    """With `n_best` = 1 the search stops earlier than with 6, and finds the same best hypothesis."""
    log_probs = table(20, seed=3, sharp=1.0)
    for power in (0.0, 1.5):
        best = search(log_probs, [7] * 20, beam=6, n_best=1, length_penalty=power)
        all_hypotheses = search(log_probs, [7] * 20, beam=6, n_best=6, length_penalty=power)
        np.testing.assert_array_equal(best.ids[:, 0], all_hypotheses.ids[:, 0])
        np.testing.assert_array_equal(best.scores[:, 0], all_hypotheses.scores[:, 0])


def test_it_stops_when_no_better_hypothesis_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a very likely END in the first step, no other hypothesis can be better."""
    log_probs = np.full((1, TOKENS, TOKENS), np.log(0.001), "f4")
    log_probs[..., END] = np.log(0.99)
    ended: list[Any] = []
    original = ops.while_loop

    def watched(*arguments: Any, **options: Any) -> Any:
        ended.append(original(*arguments, **options)[0])
        return ended[-1:]

    monkeypatch.setattr("passerelle.decoding.lanes.ops.while_loop", watched)
    search(log_probs, [50], run=searched, beam=4)
    assert np.asarray(ended[0].position).tolist() == [1]


def test_hypotheses_are_sorted_and_distinct() -> None:
    found = search(table(20, seed=4), [9] * 20, beam=8, n_best=8, length_penalty=0.6)
    for row in range(20):
        texts = [tuple(written(found, row, place)) for place in range(8) if found.finished[row, place]]
        assert len(set(texts)) == len(texts)
        scores = (found.scores[row] / length_normalizer(found.lengths[row] + 1, 0.6))[found.finished[row]]
        assert (np.diff(scores) <= 1e-6).all()
        assert (np.diff(found.finished[row].astype(int)) <= 0).all(), "unfinished hypotheses are last"


def test_the_score_is_the_sum_of_the_token_scores() -> None:
    log_probs = table(6, seed=5)
    found = search(log_probs, [4, 5, 6, 7, 8, 9], beam=5, n_best=5)
    np.testing.assert_allclose(found.token_scores.sum(-1), found.scores, rtol=1e-5)
    for row, place in itertools.product(range(6), range(5)):
        path = [START, *written(found, row, place)] + [END] * int(found.finished[row, place])
        expected = [log_probs[row, a, b] for a, b in itertools.pairwise(path)]
        np.testing.assert_allclose(found.token_scores[row, place, : len(expected)], expected, rtol=1e-4, atol=1e-5)
        assert not found.token_scores[row, place, len(expected) :].any()
        assert (found.ids[row, place, found.lengths[row, place] :] == PAD).all()


def test_a_row_does_not_depend_on_other_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single row gives the same result as a row of a batch with refilled lanes."""
    monkeypatch.setattr("passerelle.decoding.beam.LANES", 12)
    log_probs = table(50, seed=6, sharp=1.0)
    limits = np.random.default_rng(2).integers(1, 15, 50)
    limits[0] = 14
    batch = search(log_probs, limits, run=compiled(searched, []), beam=3, n_best=2, length_penalty=0.6)
    assert greedy.LANES == 128
    for row in range(0, 50, 7):
        single = search(log_probs[row : row + 1], limits[row : row + 1], width=14, n_best=2, length_penalty=0.6)
        np.testing.assert_array_equal(batch.ids[row], single.ids[0])
        np.testing.assert_allclose(batch.scores[row], single.scores[0], rtol=1e-6)


def test_hypotheses_at_the_limit_are_returned_as_unfinished() -> None:
    log_probs = np.full((1, TOKENS, TOKENS), IMPOSSIBLE, "f4")
    log_probs[..., A] = np.log(0.7)
    log_probs[..., B] = np.log(0.3)
    found = search(log_probs, [3], beam=2, n_best=2)
    assert not found.finished.any()
    assert [written(found, 0, place) for place in (0, 1)] == [[A, A, A], [A, A, B]]


def test_fewer_hypotheses_than_slots() -> None:
    """If only one hypothesis is possible, the other slots have impossible scores."""
    log_probs = np.full((1, TOKENS, TOKENS), IMPOSSIBLE, "f4")
    log_probs[0, START, A] = log_probs[0, A, END] = 0.0
    found = search(log_probs, [5], beam=3, n_best=3)
    assert found.finished.tolist() == [[True, False, False]]
    assert (found.scores[0, 1:] <= IMPOSSIBLE / 2).all()
    assert written(found, 0, 0) == [A]


def test_rows_without_steps_stay_empty() -> None:
    found = search(table(2), [0, 3], beam=2, n_best=2)
    assert not found.lengths[0].any()
    assert not found.ids[0].any()
    assert not found.finished[0].any()


def test_unchanged_arrays_of_the_state_are_not_reordered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The array `memory` never changes, so only `count` is taken from the parents."""
    taken: list[Any] = []
    original = ops.take

    def watched(values: Any, indices: Any, axis: Any = None) -> Any:
        taken.append(values)
        return original(values, indices, axis=axis)

    monkeypatch.setattr("passerelle.decoding.beam.ops.take", watched)
    log_probs = table(1)
    flat = ops.convert_to_tensor(log_probs.reshape(-1, TOKENS))
    memory = ops.ones((1, 3))

    def step(ids: Any, state: Any) -> Any:
        return original(flat, ids, axis=0), state | {"count": state["count"] + 1}

    state = {"memory": memory, "count": ops.zeros((1,), "int32")}
    beam_search(step, state, np.array([4], np.int32), 4, plain(beam=2))
    shapes = {tuple(values.shape) for values in taken}
    assert (2, 3) not in shapes, "memory was copied"
    assert (2,) in shapes
