"""Time a Transformer: training next to `keras.layers.MultiHeadAttention` in `fit`, greedy search next to `compact`.

Both networks of the first part have the sizes of transformer_program.py (one layer per side, width 256, 8 heads,
feed-forward width 2,048), read the pairs of fra-eng by word in batches of 64, and use Adam. `fit` pads all pairs to the
longest one. In the second part, untrained networks of different presets translate by character; each writes the same
number of characters for each source, in turns.
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
from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.special_tokens import END, PAD
from passerelle.training.optimizer import make_optimizer
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

SIDE = {"kind": "transformer", "embedding": 256, "units": 256, "layers": 1, "feed_forward": 2048}
NETWORK = {"attention": "multi-head", "heads": 8, "dropout": 0.3, "encoder": SIDE, "decoder": SIDE}

SEARCHED: dict[str, tuple[str, dict[str, Any]]] = {
    "`compact` with the width 256": (
        "compact",
        {"encoder": {"units": 256}, "decoder": {"embedding": 256, "units": 256}},
    ),
    "`compact`": ("compact", {}),
    "`transformer`": ("transformer", {}),
    "`hybrid`": ("hybrid", {}),
}
"""The networks of the second part, as preset and changes to its network. Ratios are to the first one."""


def main() -> None:
    """Print tables in Markdown."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pairs", type=Path, default=run.DATA)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs of training")
    parser.add_argument("--lengths", type=int, nargs="*", default=[24, 60], help="characters written per text")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each search")
    parser.add_argument("--parts", nargs="*", default=["training", "search"], choices=["training", "search"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = run.split_files(arguments.pairs, arguments.limit, Path(folder))
        pairs = passerelle.read_pairs(str(files["train"]))
        if "training" in arguments.parts:
            time_training(pairs, arguments.epochs)
        if "search" in arguments.parts:
            sources = list(passerelle.read_pairs(str(files["test"])).sources)[:256]
            for length in arguments.lengths:
                time_search(pairs, sources, length, arguments.runs)


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


def time_search(pairs: Any, sources: list[str], length: int, runs: int) -> None:
    """Print the characters per second of greedy and beam search. Each network writes `length` characters per source.

    The networks are untrained, and none can write END. Otherwise their translations would differ in length, and with
    them the number of steps that wait for the longest one.
    """
    translators = {name: endless(pairs, preset, network) for name, (preset, network) in SEARCHED.items()}
    kinds: dict[str, tuple[list[list[str]], int]] = {
        "greedy, one text at a time": ([[text] for text in sources[:20]], 1),
        f"greedy, {len(sources):,} at once": ([sources], 1),
        f"beam of 5, {len(sources):,} at once": ([sources], 5),
    }
    rates: dict[str, dict[str, float]] = {name: {} for name in translators}
    for kind, (texts, beam) in kinds.items():
        seconds: dict[str, list[float]] = {name: [] for name in translators}
        for number in range(1 + runs):
            for name, translator in translators.items():
                started = time.perf_counter()
                for part in texts:
                    for result in translator.search(part, beam=beam, max_length=length):
                        if len(result.ids) != length:
                            raise SystemExit(f"{name} wrote {len(result.ids)} characters instead of {length}")
                if number:  # the first run compiles
                    seconds[name].append(time.perf_counter() - started)
        for name, measured in seconds.items():
            rates[name][kind] = length * sum(map(len, texts)) / statistics.median(measured)
    reference = next(iter(rates))
    print(f"\n| {length} characters per text | decoder weights | {' | '.join(kinds)} |")
    print(f"| --- | ---: | {' | '.join(['---:'] * len(kinds))} |")
    for name, measured in rates.items():
        weights = translators[name].network.stepper.decoder.count_params()
        cells = [f"{rate:,.0f} ({rates[reference][kind] / rate:.1f})" for kind, rate in measured.items()]
        print(f"| {name} | {weights:,} | {' | '.join(cells)} |", flush=True)


def endless(pairs: Any, preset: str, network: dict[str, Any]) -> Any:
    """Return an untrained translator by character that never writes END."""
    translator = build(prepare(pairs, choose_settings(preset=preset, settings={"network": network}), validation=0))
    bias = next(variable for variable in translator.network.variables if variable.path == "output/bias")
    values = np.array(bias.value)
    values[END - translator.network.stepper.first] = -1e9
    bias.assign(values)
    return translator


if __name__ == "__main__":
    main()
