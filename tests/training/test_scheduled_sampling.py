"""Decoder inputs in training: teacher forcing, scheduled sampling, free running."""

from typing import Any

import numpy as np
import pytest

from networks import network_of
from passerelle.settings import TrainingSettings
from passerelle.special_tokens import START
from passerelle.training.scheduled_sampling import mix_in_predictions, teacher_forced_steps

RANDOM = np.random.default_rng(1)


def test_teacher_forcing_needs_no_mask() -> None:
    assert teacher_forced_steps(TrainingSettings(), 3.0, (2, 3), RANDOM) is None


def test_free_running_has_no_teacher_forced_steps() -> None:
    teacher_forced = teacher_forced_steps(TrainingSettings(decoder_inputs="free_running"), 0.0, (2, 3), RANDOM)
    assert teacher_forced is not None
    assert not teacher_forced.any()


@pytest.mark.parametrize(
    ("epoch", "share"), [(0.0, 5 / 6), (5.0, 5 / (5 + np.e)), (20.0, 5 / (5 + np.e**4)), (1e9, 0.0)]
)
def test_share_of_teacher_forced_steps_decays_as_inverse_sigmoid(epoch: float, share: float) -> None:
    settings = TrainingSettings(decoder_inputs="scheduled_sampling", scheduled_sampling_k=5.0)
    teacher_forced = teacher_forced_steps(settings, epoch, (400, 100), RANDOM)
    assert teacher_forced is not None
    assert teacher_forced.mean() == pytest.approx(share, abs=0.01)


@pytest.fixture(scope="module", params=["recurrent", "transformer"])
def network(request: pytest.FixtureRequest) -> Any:
    side = {"kind": request.param, "units": 4}
    attention = {"recurrent": "general", "transformer": "multi-head"}[request.param]
    settings = {"attention": attention, "copying": True, "encoder": side, "decoder": side}
    network = network_of(settings, 9, 8)
    random = np.random.default_rng(3)
    network.set_weights([random.normal(0, 1, weight.shape) for weight in network.get_weights()])
    return network


def inputs() -> dict[str, np.ndarray]:
    return {
        "source": np.array([[4, 5, 1], [6, 7, 0]], np.int32),
        "target_copies": np.array([[4, 5, 10], [6, 7, 0]], np.int32),
        "target": np.array([[2, 4, 5, 6, 7], [2, 6, 6, 4, 4]], np.int32),
    }


def test_mixed_inputs_equal_a_loop_of_steps(network: Any) -> None:
    """Each decoder input is the target token or the most probable token after the previous decoder inputs."""
    teacher_forced = np.array([[True, True, False, False, True], [False, False, False, True, False]])
    original = inputs()
    mixed = np.asarray(mix_in_predictions(network, original, teacher_forced)["target"])
    for row in range(2):
        row_inputs = {name: array[row : row + 1] for name, array in original.items()}
        state = network.stepper.begin(row_inputs, max_steps=5)
        predicted = START
        for position, token in enumerate(row_inputs["target"][0]):
            expected = token if teacher_forced[row, position] or token == START else predicted
            assert mixed[row, position] == expected
            log_probs, state = network.stepper.step(np.array([expected], np.int32), state)
            predicted = int(np.asarray(log_probs)[0].argmax())
    all_forced = mix_in_predictions(network, original, np.ones_like(teacher_forced))
    np.testing.assert_array_equal(all_forced["target"], original["target"])
