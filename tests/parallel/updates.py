"""Make some updates of small networks, alone or as one of several processes, and write the results to a file.

Arguments: a JSON object of cases (name, settings), the path of the file, the number of this process, the number of
processes, and the address of the first one. Run by test_row_mesh.py.
"""

import json
import re
import sys

import numpy as np

from passerelle.backend import computing
from passerelle.experiment.building import build
from passerelle.parallel.group import join, leave
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.training.callbacks.validation import make_validate
from passerelle.training.optimizer import make_optimizer
from passerelle.training.scheduled_sampling import teacher_forced_steps
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

NOUNS = {"cat": "chat", "dog": "chien", "bird": "oiseau"}
VERBS = {"sees": "voit", "likes": "aime", "wants": "veut", "knows": "sait", "takes": "prend", "calls": "appelle"}
PAIRS = [
    (f"{noun} {verb} well", f"{french} {gives} bien") for noun, french in NOUNS.items() for verb, gives in VERBS.items()
]
BATCH, UPDATES = 7, 4
"""18 pairs make batches of 7, 7 and 4 rows, which two processes cannot divide evenly."""


@computing()
def results(values: dict) -> dict:
    """Return weights, losses and accuracies after some updates, and the exchanges of the gradients' program."""
    training = {"batch_size": BATCH, **values.get("training", {})}
    changed = {"network": values.get("network", {}), "training": training}
    prepared = prepare(PAIRS, choose_settings(preset=values["preset"], settings=changed, level="word"), validation=0)
    batches, training = prepared.training_batches, prepared.settings.training
    network = build(prepared).network
    update = make_update(network, make_optimizer(training), tokens=20.0, smoothing=training.label_smoothing)
    state = TrainingState.from_seed(1)
    update.begin(state)
    shared = batches.shared(update.share)
    for number, batch in enumerate([*shared.epoch(1), *shared.epoch(2)][:UPDATES], start=1):
        teacher_forced = teacher_forced_steps(training, 2.0, batch.steps, state.random)
        update(state, batch, teacher_forced, rate=0.01, complete=number % training.accumulation == 0)
    update.assign(state)
    losses = [*state.means(), *make_validate(network)(batches)]
    exchanges = []
    if update._mesh is not None:
        own = None if teacher_forced is None else update.share.of(teacher_forced)
        arrays = update._mesh.divide((batch.inputs, batch.labels, own))
        program = update._gradients.lower(state.trainable, state.non_trainable, *arrays).as_text()
        exchanges = re.findall(r"stablehlo\.(all_\w+|collective_\w+|reduce_scatter)", program)
    weights = np.concatenate([np.ravel(weight) for weight in network.get_weights()])
    return {"weights": weights, "losses": np.array(losses), "exchanges": np.array(exchanges, "U32")}


def main() -> None:
    cases, path, number, count, address = sys.argv[1:]
    if int(count) > 1:
        join(int(number), int(count), address)
    arrays = {}
    for name, values in json.loads(cases).items():
        arrays |= {f"{name}/{key}": array for key, array in results(values).items()}
    np.savez(path, **arrays)
    leave()


if __name__ == "__main__":
    main()
