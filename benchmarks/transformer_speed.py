"""Time a Transformer: training next to `keras.layers.MultiHeadAttention` in `fit`, greedy search next to `compact`.

Both networks of the first part have the sizes of transformer_program.py (one layer per side, width 256, 8 heads,
feed-forward width 2,048), read the pairs of fra-eng by word in batches of 64, and use Adam. `fit` pads all pairs to the
longest one. The second part trains the presets for a few epochs by character, and translates the test sources.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import passerelle
import run
import transformer_program
from passerelle.data.batches import Batch
from passerelle.experiment import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.special_tokens import PAD
from passerelle.training.optimizer import make_optimizer
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

SIDE = {"kind": "transformer", "embedding": 256, "units": 256, "layers": 1, "feed_forward": 2048}
NETWORK = {"attention": "multi-head", "heads": 8, "dropout": 0.3, "encoder": SIDE, "decoder": SIDE}


def main() -> None:
    """Print two tables in Markdown."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pairs", type=Path, default=run.DATA)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs of training")
    parser.add_argument("--trained", type=int, default=3, help="epochs of the models that translate")
    parser.add_argument("--presets", nargs="*", default=["compact", "transformer", "hybrid"])
    parser.add_argument("--parts", nargs="*", default=["training", "search"], choices=["training", "search"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = run.split_files(arguments.pairs, arguments.limit, Path(folder))
        pairs = passerelle.read_pairs(str(files["train"]))
        if "training" in arguments.parts:
            time_training(pairs, arguments.epochs)
        if "search" in arguments.parts:
            sources = passerelle.read_pairs(str(files["test"])).sources
            time_search(pairs, list(sources), arguments.presets, arguments.trained)


def time_training(pairs: Any, epochs: int) -> None:
    """Print the seconds of an epoch, and the milliseconds of an update on arrays of the same shape."""
    prepared = prepare(
        pairs,
        choose_settings(
            settings={
                "source": {"level": "word"},
                "target": {"level": "word"},
                "network": NETWORK,
                "training": {"optimizer": "adam", "batch_size": transformer_program.BATCH},
            }
        ),
        validation=0,
    )
    batches = prepared.training_batches
    network = build(prepared).network
    update = make_update(
        network, make_optimizer(prepared.settings.training), tokens=batches.target_tokens / len(batches)
    )
    state = TrainingState()
    update.begin(state)

    def epoch(number: int) -> None:
        for batch in batches.epoch(number):
            update(state, batch)
        state.means()

    # The pairs as `fit` gets them: padded to the longest pair.
    source, target = batches.source, batches.targets["target"]
    rows = np.arange(len(source))
    sources = source.padded(rows, int(source.lengths.max()))
    targets = target.padded(rows, int(target.lengths.max()) + 1, first=2)
    fields = (prepared.signature.source, prepared.signature.target)
    program: Any = transformer_program.build(
        (sources.shape[1], targets.shape[1] - 1),
        (fields[0].tokenizer.vocabulary.size, fields[1].tokenizer.vocabulary.size),
    )
    program.compile(
        keras.optimizers.Adam(0.001), keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD)
    )

    def fit(number: int) -> None:
        program.fit(
            (sources, targets[:, :-1]), targets[:, 1:], batch_size=transformer_program.BATCH, epochs=1, verbose=0
        )

    size = transformer_program.BATCH
    padded = [
        Batch({"source": sources[at : at + size]}, {"target": targets[at : at + size]})
        for at in range(0, len(rows) - size + 1, size)
    ]

    def padded_epoch(number: int) -> None:
        for batch in padded:
            update(state, batch)
        state.means()

    contestants: dict[str, Callable[[int], None]] = {
        "Passerelle": epoch,
        "Passerelle, all pairs padded to the longest": padded_epoch,
        "Keras layers in `fit`": fit,
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1 + epochs):
        for name, train in contestants.items():
            started = time.perf_counter()
            train(number + 1)
            if number:  # the first epoch compiles
                seconds[name].append(time.perf_counter() - started)
    print(f"\n| training, {len(rows):,} pairs by word | seconds per epoch | weights |\n| --- | ---: | ---: |")
    for name, measured in seconds.items():
        count = (program if contestants[name] is fit else network).count_params()
        print(f"| {name} | {statistics.median(measured):.2f} | {count:,} |", flush=True)


def time_search(pairs: Any, sources: list[str], presets: list[str], epochs: int) -> None:
    """Print the characters per second of greedy search."""
    print("\n| greedy search by character | weights | one text at a time | all at once |\n| --- | ---: | ---: | ---: |")
    for preset in presets:
        translator = passerelle.train(
            pairs, preset=preset, validation=0.05, seed=1, settings={"training": {"epochs": epochs, "patience": 0}}
        )
        rates = []
        for texts in ([[text] for text in sources[:100]], [sources * 4]):
            best = 0.0
            for _ in range(4):  # the first one compiles
                started = time.perf_counter()
                characters = sum(len(text) for part in texts for text in translator.translate(part))
                best = max(best, characters / (time.perf_counter() - started))
            rates.append(best)
        weights = translator.network.count_params()
        print(f"| `{preset}` | {weights:,} | {rates[0]:,.0f} | {rates[1]:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
