"""Ensembles: the mean of the networks' probabilities, and a separate state for each network."""

from typing import Any

import numpy as np
import pytest

from combinations import MAX_STEPS
from passerelle.models.compiled import compiled
from passerelle.models.ensemble import Ensemble
from passerelle.special_tokens import IMPOSSIBLE

GRU = {"cell": "gru", "bridge": "zero", "unknown": False, "encoder": {"units": 3}, "decoder": {"units": 7}}
LSTM = {
    "attention": "general",
    "encoder": {"units": 4, "direction": "both"},
    "decoder": {"units": 5, "embedding": 3, "layers": 2},
}


TRANSFORMER = {
    "attention": "multi-head",
    "heads": 2,
    "encoder": {"kind": "transformer", "embedding": 3, "units": 4, "feed_forward": 5},
    "decoder": {"kind": "transformer", "embedding": 6, "units": 6, "feed_forward": 5},
}

FIRST = np.full(2, 2, np.int32)


class Fake:
    """A stepper with constant probabilities, reversed in the second row, which counts its steps in its state."""

    def __init__(self, *probabilities: float, variables: tuple[str, ...] = ()):
        self.log_probs = np.log(np.array([probabilities, probabilities[::-1]], np.float32))
        self.variables = list(variables)

    def begin(self, inputs: Any, *, coverage: bool = False, max_steps: int = 0) -> Any:
        return {"read": inputs, "steps": 0}

    def steps(self, ids: Any, state: Any) -> Any:
        return self.log_probs[:, None], state | {"steps": state["steps"] + 1, "last": int(ids[0, 0])}, None


def probabilities_of(ensemble: Any) -> np.ndarray:
    """Return the probabilities after one step."""
    log_probs, _ = ensemble.step(FIRST, ensemble.begin("ids"))
    return np.exp(np.asarray(log_probs))


@pytest.fixture(scope="module", params=[(LSTM, GRU), (TRANSFORMER, LSTM)], ids=["lstm, gru", "transformer, lstm"])
def pair(request: pytest.FixtureRequest, make_harness: Any) -> list[Any]:
    return [make_harness(settings, seed=seed) for seed, settings in enumerate(request.param, 1)]


def step_of(network: Any) -> Any:
    return compiled(network.step, network.variables)


def test_default_mean_is_the_mean_of_the_probabilities() -> None:
    ensemble = Ensemble([Fake(0.9, 0.1), Fake(0.3, 0.7)])
    np.testing.assert_allclose(probabilities_of(ensemble), [[0.6, 0.4], [0.4, 0.6]], rtol=1e-6)


def test_each_network_has_a_separate_state() -> None:
    ensemble = Ensemble([Fake(1.0, variables=("a", "b")), Fake(1.0, variables=("c",))])
    assert ensemble.variables == ["a", "b", "c"]
    begun = ensemble.begin("ids")
    assert begun == ({"read": "ids", "steps": 0},) * 2
    _, state = ensemble.step(FIRST, (begun[0], begun[1] | {"steps": 5}))
    assert [part["steps"] for part in state] == [1, 6]
    assert {part["last"] for part in state} == {2}


def test_columns_that_a_network_lacks_have_probability_zero_in_it() -> None:
    ensemble = Ensemble([Fake(0.5, 0.5), Fake(0.2, 0.2, 0.6)])
    np.testing.assert_allclose(probabilities_of(ensemble), [[0.35, 0.35, 0.3], [0.55, 0.35, 0.1]], rtol=1e-6)


def test_ensemble_of_two_architectures_equals_the_mean_at_each_step(pair: list[Any], example: Any) -> None:
    networks = [harness.network.stepper for harness in pair]
    ensemble = Ensemble(networks)
    step, steps = step_of(ensemble), [step_of(network) for network in networks]
    states = [harness.begin(example.source) for harness in pair]
    state: Any = compiled(ensemble.begin, ensemble.variables)({"source": example.source}, max_steps=MAX_STEPS)
    for ids in example.target.T:
        found, state = step(ids, state)
        separate = [network_step(ids, before) for network_step, before in zip(steps, states, strict=True)]
        states = [after for _, after in separate]
        expected = np.mean([np.exp(np.asarray(log_probs, np.float64)) for log_probs, _ in separate], axis=0)
        np.testing.assert_allclose(np.exp(np.asarray(found)), expected, rtol=1e-5)
        assert (np.asarray(found)[expected == 0] == IMPOSSIBLE).all()
        assert (np.asarray(found) <= 0).all()
    for part, expected_state in zip(state, states, strict=True):
        assert set(part) == set(expected_state)
        for name, values in part.items():
            np.testing.assert_allclose(values, expected_state[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_ensemble_of_identical_networks_equals_one_network(pair: list[Any], example: Any, count: int) -> None:
    """Bit for bit: rounding must not change the order of equal scores or raise a log probability above 0."""
    harness = pair[0]
    begun, ids = harness.begin(example.source), example.target[:, 0]
    expected, _ = step_of(harness.network.stepper)(ids, begun)
    ensemble = Ensemble([harness.network.stepper] * count)
    found, _ = step_of(ensemble)(ids, (begun,) * count)
    np.testing.assert_array_equal(found, expected)
