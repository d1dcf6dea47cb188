"""Make some updates of a small network on one device and on several of one process; print the largest differences.

Arguments: JSON objects with a name, settings, and numbers of devices. Run by test_row_mesh.py, in a process of its own
with three devices.
"""

import json
import re
import sys

import numpy as np

from passerelle.backend import computing
from passerelle.experiment.building import build
from passerelle.parallel import row_mesh
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.training.callbacks.validation import make_validate
from passerelle.training.optimizer import make_optimizer
from passerelle.training.scheduled_sampling import teacher_forced_steps
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

NOUNS = {"cat": "chat", "dog": "chien", "bird": "oiseau", "girl": "fille", "town": "ville"}
VERBS = {"sees": "voit", "likes": "aime", "wants": "veut", "knows": "sait", "takes": "prend"}
PAIRS = [
    (f"{noun} {verb} {'very ' * (number % 3)}well", f"{french} {gives} bien{' fort' * (number % 2)}")
    for number, (noun, french) in enumerate(NOUNS.items())
    for verb, gives in VERBS.items()
]
BATCH, UPDATES = 7, 4


@computing()
def results(values: dict, devices: int) -> tuple[list[np.ndarray], list[float], list[str]]:
    """Return the weights after some updates; training loss, validation loss and accuracy; and the exchanges."""
    row_mesh._devices = devices
    settings = choose_settings(
        preset=values["preset"],
        settings={
            "network": values.get("network", {}),
            "training": {"batch_size": BATCH, **values.get("training", {})},
        },
        level="word",
    )
    prepared = prepare(PAIRS, settings, validation=0)
    batches, training = prepared.training_batches, settings.training
    network = build(prepared).network
    update = make_update(network, make_optimizer(training), tokens=20.0, smoothing=training.label_smoothing)
    state = TrainingState.from_seed(1)
    update.begin(state)
    for number, batch in enumerate(batches.shared(update.share).epoch(1)):
        teacher_forced = teacher_forced_steps(training, 2.0, batch.steps, state.random)
        update(state, batch, teacher_forced, rate=0.01, complete=number % training.accumulation == 0)
        if number == UPDATES - 1:
            break
    update.assign(state)
    losses = [state.means()[0], *make_validate(network)(batches)]
    exchanges = []
    if update._mesh is not None:
        inputs = update._mesh.divide((batch.inputs, batch.labels, None))
        program = update._gradients.lower(state.trainable, state.non_trainable, *inputs).as_text()
        exchanges = re.findall(r"stablehlo\.(all_\w+|collective_\w+|reduce_scatter)", program)
    return [np.array(weight) for weight in network.get_weights()], losses, exchanges


def main() -> None:
    for argument in sys.argv[1:]:
        values = json.loads(argument)
        weights, losses, _ = results(values, 1)
        for devices in values["devices"]:
            others, other_losses, exchanges = results(values, devices)
            difference = max(float(np.abs(a - b).max()) for a, b in zip(weights, others, strict=True))
            changed = {"name": values["name"], "devices": devices, "weights": difference, "exchanges": exchanges}
            losses_difference = max(abs(a - b) for a, b in zip(losses, other_losses, strict=True))
            print(json.dumps(changed | {"losses": losses_difference, "loss": losses[0]}), flush=True)


if __name__ == "__main__":
    main()
