"""Networks that read or write numbers: one function for training and forecasting, heads and losses."""

from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.errors import SettingsError
from passerelle.layers.number_head import QUANTILES, NumberHead
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.training.loss import number_sums
from passerelle.training.scheduled_sampling import mix_in_predictions

SIDE = {"embedding": 5, "units": 6}
BLOCKS = {"kind": "transformer", "embedding": 4, "units": 6, "feed_forward": 8}
ROWS, LENGTH, STEPS = 3, 5, 4
NETWORKS = {
    "attention, quantiles": {"attention": "general", "encoder": SIDE, "decoder": SIDE | {"head": "quantiles"}},
    "at once, student-t": {
        "encoder": {"embedding": 0, "units": 6, "direction": "both"},
        "decoder": {"embedding": 0, "units": 6, "context": True, "feedback": False, "head": "student-t"},
    },
    "transformer": {"attention": "multi-head", "heads": 2, "encoder": BLOCKS, "decoder": BLOCKS},
    "input feeding, backward": {
        "attention": "general",
        "input_feeding": True,
        "cell": "gru",
        "encoder": SIDE | {"direction": "backward"},
        "decoder": SIDE,
    },
}
INPUTS: dict[str, dict[str, Any]] = {
    "history": {"kind": "numbers", "width": 3, "use": "sequence", "length": None},
    "known": {"kind": "numbers", "width": 2, "use": "steps", "length": STEPS},
    "static": {"kind": "numbers", "width": 4, "use": "vector", "length": None},
}
TEXT = {"kind": "text", "size": 9, "extra": 0}
FUTURE = {"kind": "numbers", "width": 3, "use": "forecast", "length": STEPS}


def numbers(*shape: int, present: int | None = None) -> np.ndarray:
    """Random numbers whose last column is 1 in the first `present` elements; all others are padding."""
    array = np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)
    array[..., -1] = 1.0
    if present is not None:
        array[:, present:] = 0.0
    return array


def arrays() -> dict[str, np.ndarray]:
    return {
        "history": numbers(ROWS, LENGTH, 3, present=4),
        "known": numbers(ROWS, STEPS, 2),
        "static": numbers(ROWS, 1, 4),
    }


def previous() -> np.ndarray:
    return np.concatenate([np.zeros((ROWS, 1, 3), np.float32), numbers(ROWS, STEPS - 1, 3)], axis=1)


def network_of(network: dict[str, Any], inputs: Any = INPUTS, output: Any = FUTURE) -> Any:
    return SequenceToSequence(network, inputs=inputs, outputs={"future": output})


@pytest.mark.parametrize("name", NETWORKS)
def test_stepwise_equals_all_steps_in_one_call_and_padding_changes_nothing(name: str) -> None:
    network = network_of(NETWORKS[name])
    expected = np.asarray(network(arrays() | {"future": previous()}))
    state, found = network.stepper.begin(arrays(), max_steps=STEPS), []
    for step in range(STEPS):
        parameters, state = network.stepper.step(previous()[:, step], state)
        found.append(np.asarray(parameters).reshape(ROWS, -1))
    np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=1e-4, atol=1e-5)
    wider = {key: np.pad(array, ((0, 0), (0, 3), (0, 0))) for key, array in arrays().items() if key != "static"}
    padded = network(arrays() | wider | {"future": previous()})
    np.testing.assert_allclose(np.asarray(padded), expected, rtol=1e-4, atol=1e-5)


def test_a_vector_of_zeros_in_the_input_is_not_padding() -> None:
    network = network_of(NETWORKS["attention, quantiles"])
    zeros = arrays()
    zeros["history"][:, 2, :2] = 0.0
    shorter = arrays()
    shorter["history"] = np.delete(zeros["history"], 2, axis=1)
    results = [np.asarray(network(each | {"future": previous()})) for each in (zeros, shorter)]
    assert np.abs(results[0] - results[1]).max() > 1e-4


def test_each_step_reads_its_own_known_numbers() -> None:
    network = network_of(NETWORKS["at once, student-t"])
    changed = arrays()
    changed["known"][:, 2, 0] += 1.0
    before, after = (np.asarray(network(each | {"future": previous()})) for each in (arrays(), changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert np.abs(before[:, 2] - after[:, 2]).max() > 1e-5


@pytest.mark.parametrize("source", [TEXT, INPUTS["history"]], ids=["text", "numbers"])
@pytest.mark.parametrize("output", [TEXT, FUTURE], ids=["text", "numbers"])
def test_texts_and_numbers_are_inputs_and_outputs_of_the_same_network(source: Any, output: Any) -> None:
    network = network_of(NETWORKS["attention, quantiles"], {"history": source}, output)
    ids = np.array([[4, 5, 0]] * ROWS, np.int32)
    inputs = {"history": ids if source is TEXT else arrays()["history"]}
    inputs["future"] = ids if output is TEXT else previous()
    expected = (ROWS, 3, 8) if output is TEXT else (ROWS, STEPS, 2 * len(QUANTILES))
    assert np.asarray(network(inputs)).shape == expected


def test_free_running_reads_the_points_of_the_steps_before() -> None:
    network = network_of(NETWORKS["attention, quantiles"])
    teacher_forced = np.zeros((ROWS, STEPS), bool)
    mixed = mix_in_predictions(network, arrays() | {"future": previous()}, ops.convert_to_tensor(teacher_forced))
    read = np.asarray(mixed["future"])
    assert (read[:, 0] == 0.0).all()
    predicted = np.asarray(network(arrays() | {"future": read})).reshape(ROWS, STEPS, 2, -1)
    np.testing.assert_allclose(read[:, 1:, :2], predicted[:, :-1, :, QUANTILES.index(0.5)], rtol=1e-4, atol=1e-5)


def test_quantiles_never_cross_and_student_t_is_a_distribution() -> None:
    sequence = np.random.default_rng(0).normal(0.0, 30.0, (4, 5, 6)).astype(np.float32)
    quantiles = np.asarray(NumberHead(2, "quantiles")(sequence)).reshape(4, 5, 2, -1)
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    student = np.asarray(NumberHead(2, "student-t")(sequence)).reshape(4, 5, 2, 3)
    assert (student[..., 1] > 0).all()
    assert (student[..., 2] >= 2.0).all()


def test_losses_equal_golden_values() -> None:
    labels = np.array([[[3.0, 1.0], [0.0, 0.0]]], np.float32)  # a step of 3 and padding
    cases = {
        "mean": ([1.0], 4.0),
        "median": ([1.0], 2.0),
        # Twice the mean of level * (3 - 1).
        "quantiles": ([1.0] * len(QUANTILES), 4.0 * sum(QUANTILES) / len(QUANTILES)),
        # -scipy.stats.t.logpdf(3, df=4, loc=1, scale=2)
        "student-t": ([1.0, 2.0, 4.0], 2.2318360),
    }
    for head, (parameters, expected) in cases.items():
        repeated = np.array([[parameters, parameters]], np.float32)
        loss, steps, correct = (float(value) for value in number_sums(repeated, labels, head))
        assert loss == pytest.approx(expected, rel=1e-5), head
        assert (steps, correct) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("network", "inputs", "output", "message"),
    [
        ({"attention": "monotonic"}, INPUTS, FUTURE, "attention 'monotonic' is for texts; output 'future' has numbers"),
        ({"attention": "general", "copying": True}, {"history": TEXT}, FUTURE, "copying True is for texts"),
        ({"tie": "target"}, INPUTS, FUTURE, "tie 'target' is for texts"),
        ({"tie": "all"}, INPUTS, TEXT, "tie 'all' is for texts; the input has numbers"),
        ({}, {"known": INPUTS["known"]}, FUTURE, "the first input must be a text or a sequence of numbers"),
        ({}, {"a": INPUTS["history"], "b": INPUTS["history"]}, FUTURE, "only the first input may be a text"),
        ({}, INPUTS, INPUTS["known"], "must be a text or a forecast of numbers"),
        ({}, {"history": {"kind": "numbers", "width": 2}}, FUTURE, "numbers must have a use"),
        ({}, {"history": {"kind": "numbers", "use": "sequence"}}, FUTURE, "numbers must have a width"),
        ({}, {"history": INPUTS["history"] | {"width": 2**20}}, FUTURE, "width must be 1 to"),
    ],
)
def test_impossible_networks_are_refused(network: Any, inputs: Any, output: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        network_of({"encoder": SIDE, "decoder": SIDE} | network, inputs, output)
