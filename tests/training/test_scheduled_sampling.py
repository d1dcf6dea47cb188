"""What the decoder reads while it learns."""

from typing import Any

import numpy as np
import pytest

from networks import network_of
from passerelle.settings import TrainingSettings
from passerelle.special_tokens import START
from passerelle.training.scheduled_sampling import mix_in_predictions, teacher_forced_steps

RANDOM = np.random.default_rng(1)


def test_teacher_forcing_draws_nothing() -> None:
    assert teacher_forced_steps(TrainingSettings(), 3.0, (2, 3), RANDOM) is None


def test_own_choices_alone() -> None:
    right = teacher_forced_steps(TrainingSettings(decoder_inputs="free_running"), 0.0, (2, 3), RANDOM)
    assert right is not None
    assert not right.any()


@pytest.mark.parametrize(
    ("epoch", "share"), [(0.0, 5 / 6), (5.0, 5 / (5 + np.e)), (20.0, 5 / (5 + np.e**4)), (1e9, 0.0)]
)
def test_the_share_of_right_tokens_is_an_inverse_sigmoid(epoch: float, share: float) -> None:
    settings = TrainingSettings(decoder_inputs="scheduled_sampling", scheduled_sampling_k=5.0)
    right = teacher_forced_steps(settings, epoch, (400, 100), RANDOM)
    assert right is not None
    assert right.mean() == pytest.approx(share, abs=0.01)


@pytest.fixture(scope="module")
def network() -> Any:
    made = network_of({"attention": "general", "copying": True, "encoder": {"units": 4}, "decoder": {"units": 4}}, 9, 8)
    random = np.random.default_rng(3)
    made.set_weights([random.normal(0, 1, weight.shape) for weight in made.get_weights()])
    return made


def inputs() -> dict[str, np.ndarray]:
    return {
        "source": np.array([[4, 5, 1], [6, 7, 0]], np.int32),
        "target_copies": np.array([[4, 5, 10], [6, 7, 0]], np.int32),
        "target": np.array([[2, 4, 5, 6, 7], [2, 6, 6, 4, 4]], np.int32),
    }


def test_a_walk_step_by_step(network: Any) -> None:
    """Each token is the right one or what the network finds likeliest after what it has read so far."""
    right = np.array([[True, True, False, False, True], [False, False, False, True, False]])
    given = inputs()
    found = np.asarray(mix_in_predictions(network, given, right)["target"])
    for row in range(2):
        one = {name: array[row : row + 1] for name, array in given.items()}
        state = network.stepper.begin(one)
        own = START
        for position, token in enumerate(one["target"][0]):
            read = token if right[row, position] or token == START else own
            assert found[row, position] == read
            log_probs, state = network.stepper.step(np.array([read], np.int32), state)
            own = int(np.asarray(log_probs)[0].argmax())
    np.testing.assert_array_equal(mix_in_predictions(network, given, np.ones_like(right))["target"], given["target"])
