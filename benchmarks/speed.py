"""Time the training of one contestant in a separate process. Called by run.py.

All contestants have the network of the tutorial or a deeper one, and the same kind of updates: one-hot inputs, LSTM
layers, cross-entropy, RMSprop, 64 pairs. Only updates are timed, after all batch shapes have been compiled.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

from passerelle.data.writing import write_atomically
from passerelle.special_tokens import PAD, START

BATCH_SIZE = 64
BATCH_TOKENS = 3072
"""Batch size in tokens, for the contestant that counts tokens."""
NOT_INSTALLED = 3
"""Exit status of a contestant whose library is not installed."""

Measurement = dict[str, Any]


def main() -> None:
    """Write one JSON object: seconds and tokens (source, target and END, no padding) of the timed updates."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--updates", type=int, default=10**9, help="maximum number of timed updates per epoch")
    parser.add_argument("--epochs", type=int, default=2, help="number of timed epochs")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        measured = CONTESTANTS[arguments.contestant](arguments)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed", file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    measured["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write_atomically(arguments.out, lambda stream: stream.write(json.dumps(measured, indent=1).encode()))


def _program(arguments: argparse.Namespace) -> Measurement:
    """Time the published program of the tutorial: complete epochs of `fit`."""
    import keras

    import tutorial_program

    pairs = tutorial_program.read_pairs(arguments.pairs)[: arguments.limit]
    program = tutorial_program.TutorialProgram.from_pairs(pairs, units=arguments.units)
    timer = tutorial_program.EpochTimer(1 + arguments.epochs)
    program.fit(1 + arguments.epochs, batch_size=BATCH_SIZE, validation_split=0.0, callbacks=[timer])
    tokens = sum(len(source) + len(target) + 1 for source, target in pairs)
    return {"seconds": timer.seconds[1:], "tokens": tokens, "backend": keras.backend.backend()}


def _program_on_tensorflow(arguments: argparse.Namespace) -> Measurement:
    os.environ["KERAS_BACKEND"] = "tensorflow"  # before TensorFlow, which imports Keras
    import tensorflow  # noqa: F401  # pyright: ignore[reportMissingImports] - fails if it is not installed

    return _program(arguments)


def _passerelle(
    arguments: argparse.Namespace,
    *,
    recurrent_dtype: str = "float32",
    batch_size: int = BATCH_SIZE,
    batch_type: str = "pair",
) -> Measurement:
    import passerelle
    from passerelle.experiment.building import build
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings
    from passerelle.training.optimizer import make_optimizer
    from passerelle.training.state import TrainingState
    from passerelle.training.update import make_update

    size = {"units": arguments.units, "layers": arguments.layers}
    settings = choose_settings(
        preset="tutorial",
        settings={
            "network": {"recurrent_dtype": recurrent_dtype, "encoder": size, "decoder": size},
            "training": {"batch_size": batch_size, "batch_type": batch_type},
        },
    )
    prepared = prepare(passerelle.read_pairs(arguments.pairs, limit=arguments.limit), settings, validation=0)
    batches = prepared.training_batches
    optimizer = make_optimizer(settings.training)
    update = make_update(build(prepared).network, optimizer, tokens=batches.target_tokens / len(batches))
    state = TrainingState()
    update.begin(state)
    started = time.perf_counter()
    shapes = set()
    for batch in batches.epoch(1):
        if (shape := tuple(array.shape for array in batch.inputs.values())) not in shapes:
            shapes.add(shape)
            update(state, batch)
    state.means()
    compiling = time.perf_counter() - started

    def train_epoch(number: int) -> int:
        tokens = 0
        for batch, _ in zip(batches.epoch(number), range(arguments.updates), strict=False):
            update(state, batch)
            tokens += int(np.count_nonzero(batch.sources["source"]) + np.count_nonzero(batch.labels["target"]))
        state.means()
        return tokens

    return _timed(train_epoch, arguments.epochs) | {
        "shapes": len(shapes), "compiling_seconds": compiling, "padding_share": batches.padding_share(),
    }  # fmt: skip


def _torch(arguments: argparse.Namespace, *, by_length: bool) -> Measurement:
    """Time `torch.nn.LSTM` with batches padded to their longest pair."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy, one_hot

    import passerelle
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings

    pairs = passerelle.read_pairs(arguments.pairs, limit=arguments.limit)
    prepared = prepare(pairs, choose_settings(preset="tutorial"), validation=0)
    sources, targets = prepared.training_batches.source, prepared.training_batches.targets["target"]
    sizes = prepared.signature.source.tokenizer.vocabulary.size, prepared.signature.target.tokenizer.vocabulary.size
    random = np.random.default_rng(1)
    torch.manual_seed(1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.LSTM(sizes[0], arguments.units, arguments.layers, batch_first=True)
            self.decoder = nn.LSTM(sizes[1], arguments.units, arguments.layers, batch_first=True)
            self.output = nn.Linear(arguments.units, sizes[1])

        def forward(self, source: Any, target: Any) -> Any:
            _, states = self.encoder(one_hot(source, sizes[0]).float())
            return self.output(self.decoder(one_hot(target, sizes[1]).float(), states)[0])

    network = Network()
    optimizer = torch.optim.RMSprop(network.parameters(), lr=0.001, alpha=0.9)

    def shuffled_batches() -> list[np.ndarray]:
        order = random.permutation(len(sources))
        if by_length:
            order = order[np.lexsort((sources.lengths[order], targets.lengths[order]))]
        batches = [order[start : start + BATCH_SIZE] for start in range(0, len(order), BATCH_SIZE)]
        return [batches[index] for index in random.permutation(len(batches))]

    def train_epoch(number: int) -> int:
        tokens = 0
        for rows in shuffled_batches()[: arguments.updates]:
            source = torch.from_numpy(sources.padded(rows, int(sources.lengths[rows].max()))).long()
            target = torch.from_numpy(targets.padded(rows, int(targets.lengths[rows].max()) + 1, first=START)).long()
            optimizer.zero_grad()
            logits = network(source, target[:, :-1])
            loss = cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)
            loss.backward()
            optimizer.step()
            tokens += int(sources.lengths[rows].sum() + targets.lengths[rows].sum())
        return tokens

    train_epoch(0)
    return _timed(train_epoch, arguments.epochs) | {"version": torch.__version__}


def _limit(arguments: argparse.Namespace) -> Measurement:
    """Measure the fastest float32 matrix product of 1024 x 1024 matrices in NumPy, JAX and, if installed, PyTorch."""
    import jax

    square = np.random.default_rng(1).normal(size=(1024, 1024)).astype("f4")
    on_jax = jax.numpy.array(square)
    matmul = jax.jit(lambda a: a @ a)
    products: dict[str, Callable[[], object]] = {
        "numpy": lambda: square @ square,
        "jax": lambda: matmul(on_jax).block_until_ready(),
    }
    try:
        import torch

        on_torch = torch.from_numpy(square)
        products["torch"] = lambda: on_torch @ on_torch
    except ModuleNotFoundError:
        pass
    rates = {}
    for name, product in products.items():
        seconds = []
        for _ in range(30):
            started = time.perf_counter()
            product()
            seconds.append(time.perf_counter() - started)
        rates[name] = 2 * 1024**3 / statistics.median(seconds)
    return {"operations_per_second": max(rates.values()), "rates": rates}


def _timed(train_epoch: Callable[[int], int], epochs: int) -> Measurement:
    seconds, tokens = [], []
    for number in range(2, 2 + epochs):
        started = time.perf_counter()
        tokens.append(train_epoch(number))
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds, "tokens": statistics.mean(tokens)}


def operations(source_tokens: float, target_tokens: float, *, units: int, layers: int, columns: int) -> float:
    """Return the number of multiplications and additions for these tokens, forward and backward.

    They are those of the matrix products of recurrent layers, between layers, and of the output layer. One-hot inputs
    are lookups and need none.
    """
    recurrent = units * 4 * units * (layers + (layers - 1))
    return 3 * 2 * (source_tokens * recurrent + target_tokens * (recurrent + units * columns))


def per_token(measured: Iterable[Measurement]) -> float:
    """Return the median of seconds per token over all timed epochs of all runs."""
    return statistics.median(seconds / run["tokens"] for run in measured for seconds in run["seconds"])


CONTESTANTS: dict[str, Callable[[argparse.Namespace], Measurement]] = {
    "limit": _limit,
    "program": _program,
    "program-tensorflow": _program_on_tensorflow,
    "torch-random": lambda arguments: _torch(arguments, by_length=False),
    "torch-sorted": lambda arguments: _torch(arguments, by_length=True),
    "passerelle": _passerelle,
    "passerelle-bfloat16": lambda arguments: _passerelle(arguments, recurrent_dtype="bfloat16"),
    "passerelle-bfloat16-tokens": lambda arguments: _passerelle(
        arguments, recurrent_dtype="bfloat16", batch_size=BATCH_TOKENS, batch_type="token"
    ),
}


if __name__ == "__main__":
    main()
