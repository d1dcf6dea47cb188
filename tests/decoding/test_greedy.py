"""Greedy search with small fake step functions: results, stopping, independence of rows."""

from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.decoding import greedy
from passerelle.decoding import lanes as lanes_module
from passerelle.decoding.greedy import GreedyResult, greedy_search
from passerelle.special_tokens import END, PAD, START

TOKENS = 8
A, B, C = 4, 5, 6


def dictation(*rows: list[int], best: float = 0.5) -> tuple[Any, Any]:
    """A step function that writes the tokens of `rows`, then END; its state is (row, number of steps).

    The token to write has the probability `best`; the others share the rest.
    """
    width = max(map(len, rows), default=0) + 1
    script = np.full((len(rows), width), END, np.int32)
    for row, tokens in enumerate(rows):
        script[row, : len(tokens)] = tokens
    script_tensor = ops.convert_to_tensor(script)

    def step(ids: Any, state: Any) -> Any:
        row, count = state
        flat = ops.reshape(script_tensor, (-1,))
        token = ops.take(flat, row * width + ops.minimum(count, width - 1))
        hit = ops.equal(ops.expand_dims(token, -1), ops.arange(TOKENS, dtype="int32"))
        other = np.log((1 - best) / (TOKENS - 1)).astype("f4")
        return ops.where(hit, np.log(best).astype("f4"), other), (row, count + 1)

    count = len(rows)
    return step, (ops.arange(count, dtype="int32"), ops.zeros((count,), "int32"))


def search(step: Any, state: Any, limits: Any, max_length: int | None = None) -> GreedyResult:
    limits = np.asarray(limits, np.int32)
    found = greedy_search(step, state, limits, int(limits.max()) if max_length is None else max_length)
    return GreedyResult(*map(np.asarray, found))


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The final state of each loop that has run."""
    ended: list[Any] = []
    original = ops.while_loop

    def watched(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        ended.append(result[0])
        return result

    monkeypatch.setattr(lanes_module.ops, "while_loop", watched)
    return ended


def test_golden_sequences() -> None:
    found = search(*dictation([A, B, C], [B], [C, C]), limits=[9, 9, 9])
    np.testing.assert_array_equal(found.ids, [[A, B, C] + [PAD] * 6, [B] + [PAD] * 8, [C, C] + [PAD] * 7])
    np.testing.assert_array_equal(found.lengths, [3, 1, 2])
    assert found.finished.all()
    np.testing.assert_allclose(found.scores, np.log(0.5) * np.array([4, 2, 3]), rtol=1e-6)
    assert [array.dtype for array in found] == [np.int32, np.int32, np.float32, np.bool_, np.float32]
    np.testing.assert_allclose(found.token_scores.sum(-1), found.scores, rtol=1e-6)


def test_end_in_the_first_step() -> None:
    found = search(*dictation([], [A]), limits=[5, 5])
    assert not found.ids[0].any()
    assert (found.lengths[0], found.finished[0]) == (0, True)
    np.testing.assert_allclose(found.scores[0], np.log(0.5), rtol=1e-6)


def test_the_limit() -> None:
    """END counts as a step: three tokens and END require a limit of four."""
    found = search(*dictation([A, B, C], [A, B, C], [A, B, C]), limits=[4, 3, 1])
    np.testing.assert_array_equal(found.ids, [[A, B, C, PAD], [A, B, C, PAD], [A, PAD, PAD, PAD]])
    np.testing.assert_array_equal(found.lengths, [3, 3, 1])
    np.testing.assert_array_equal(found.finished, [True, False, False])
    np.testing.assert_allclose(found.scores, np.log(0.5) * np.array([4, 3, 1]), rtol=1e-6)


@pytest.mark.parametrize("width", [0, 3])
def test_rows_without_steps_stay_empty(width: int, loops: list[Any]) -> None:
    found = search(*dictation([A], [B]), limits=[0, 0], max_length=width)
    assert found.ids.shape == (2, width)
    assert not found.ids.any()
    assert not found.lengths.any()
    assert not found.scores.any()
    assert not found.finished.any()
    assert not np.asarray(loops[0].position).any()


def test_a_row_without_steps_next_to_another() -> None:
    found = search(*dictation([A, A], [B, B]), limits=[0, 6])
    assert (found.lengths.tolist(), found.finished.tolist()) == ([0, 2], [False, True])
    assert found.scores[0] == 0.0


@pytest.mark.parametrize(
    ("rows", "limits", "steps"),
    [
        ([[A, B], [A]], [50, 50], 3),  # the longest row and END
        ([[], []], [50, 50], 1),
        ([[A] * 20, [B]], [4, 50], 4),  # the first row ends at its limit
        ([[A] * 20], [50], 21),
    ],
)
def test_it_stops_after_the_last_row(rows: list[list[int]], limits: list[int], steps: int, loops: list[Any]) -> None:
    search(*dictation(*rows), limits=limits)
    (loop,) = loops
    assert np.asarray(loop.position).tolist() == [steps] * len(rows)
    assert np.asarray(loop.search.state[1]).tolist() == [steps] * len(rows), "the fake step function counts the steps"


def test_the_step_reads_the_token_that_was_written() -> None:
    """The step function reads START first, then each token that was written."""
    next_token = {START: A, A: C, C: B, B: END}
    table = np.full((TOKENS, TOKENS), -5.0, np.float32)
    for token, following in next_token.items():
        table[token, following] = 0.0

    def step(ids: Any, state: Any) -> Any:
        return ops.take(ops.convert_to_tensor(table), ids, axis=0), state

    found = search(step, ops.zeros((1,)), limits=[9])
    assert found.ids[0, :4].tolist() == [A, C, B, PAD]
    assert found.scores[0] == 0.0


def markov_chains(seed: int, rows: int) -> np.ndarray:
    """Log probabilities of one random chain per row, float32 (rows, TOKENS, TOKENS), without PAD and START."""
    random = np.random.default_rng(seed)
    weights = random.gumbel(size=(rows, TOKENS, TOKENS)) * 2
    weights[:, :, [PAD, START]] = -np.inf
    log_probs = weights - np.log(np.exp(weights).sum(axis=-1, keepdims=True))
    return np.maximum(log_probs, -1e9).astype("f4")


def naive_greedy(chain: np.ndarray, limit: int) -> tuple[list[int], float, bool]:
    """Greedy search for one row, in plain Python."""
    last, written, total = START, [], 0.0
    for _ in range(limit):
        last, gain = int(chain[last].argmax()), float(chain[last].max())
        total += gain
        if last == END:
            return written, total, True
        written.append(last)
    return written, total, False


def chain_step(ids: Any, chains: Any) -> Any:
    index = ops.expand_dims(ops.expand_dims(ids, -1), -1)
    return ops.take_along_axis(chains, index, axis=1)[:, 0], chains


@pytest.mark.parametrize(("lanes", "refill"), [(128, 8), (4, 4), (4, 2), (5, 1), (1, 1), (23, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_random_chains_equal_naive_search(seed: int, lanes: int, refill: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greedy, "LANES", lanes)
    monkeypatch.setattr(lanes_module, "REFILL", refill)
    chains = markov_chains(seed, rows=24)
    limits = np.random.default_rng(seed).integers(0, 12, 24)
    found = search(chain_step, ops.convert_to_tensor(chains), limits, max_length=12)
    ends = 0
    for row, limit in enumerate(limits.tolist()):
        written, total, finished = naive_greedy(chains[row], limit)
        assert found.ids[row].tolist() == written + [PAD] * (12 - len(written))
        assert found.lengths[row] == len(written)
        assert bool(found.finished[row]) == finished
        np.testing.assert_allclose(found.scores[row], total, rtol=1e-5, atol=1e-5)
        ends += finished
    assert 0 < ends < 24, "some rows end and some reach their limit"


def test_lanes_stay_full(monkeypatch: pytest.MonkeyPatch, loops: list[Any]) -> None:
    """One long row takes a lane; the short rows take the other lane one after the other."""
    monkeypatch.setattr(greedy, "LANES", 2)
    rows = [[A] * 20, *[[B, C]] * 6]
    found = search(*dictation(*rows), limits=[50] * 7)
    assert found.lengths.tolist() == [20, *[2] * 6]
    # Each short row needs three steps including END: all six end after 18 steps, within the 21 of the long row.
    (lanes,) = loops
    assert np.asarray(lanes.position).max() == 21
    assert np.asarray(lanes.row).tolist() == [0, 6]


def test_a_row_does_not_depend_on_its_batch() -> None:
    chains = markov_chains(9, rows=6)
    limits = np.array([11, 3, 0, 7, 11, 1])
    batch = search(chain_step, ops.convert_to_tensor(chains), limits, max_length=11)
    for row in range(6):
        single = search(chain_step, ops.convert_to_tensor(chains[row : row + 1]), limits[row : row + 1], max_length=11)
        for name, left, right in zip(GreedyResult._fields, batch, single, strict=True):
            np.testing.assert_array_equal(left[row], right[0], err_msg=name)


def test_it_compiles_to_one_program() -> None:
    jax = pytest.importorskip("jax")
    chains = markov_chains(3, rows=5)
    limits = np.full(5, 8, np.int32)
    program = jax.jit(lambda state, limits: greedy_search(chain_step, state, limits, 8))
    for left, right in zip(program(chains, limits), search(chain_step, chains, limits), strict=True):
        np.testing.assert_array_equal(np.asarray(left), right)
