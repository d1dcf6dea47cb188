"""A minimal network with the interface that the trainer requires, and small batches."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from networks import POISON


def sequences(lists: list[list[int]]) -> Any:
    from passerelle.ragged import Ragged

    return Ragged.from_lists(lists)


@pytest.fixture
def make_small_network() -> Callable[..., Any]:
    """Build a network of two dense layers: logits from the previous target token and the source length.

    The logits of a source with the id `POISON` are not finite.
    """

    def make(columns: int = 6, first: int = 1, seed: int = 3) -> Any:
        import keras
        from keras import layers, ops

        from passerelle.layers.embedding import OneHot

        source_ids = keras.Input((None,), dtype="int32", name="source")
        target_ids = keras.Input((None,), dtype="int32", name="target")
        length = ops.sum(ops.cast(ops.not_equal(source_ids, 0), "float32"), axis=1, keepdims=True)
        poison = ops.where(ops.any(ops.equal(source_ids, POISON), axis=1, keepdims=True), float("inf"), 1.0)
        length = length * poison
        logits = layers.Dense(columns)(OneHot(columns, first=first)(target_ids))
        logits = logits + ops.expand_dims(layers.Dense(columns)(length), 1)
        network: Any = keras.Model({"source": source_ids, "target": target_ids}, logits)
        network.steppers = {"target": SimpleNamespace(first=first, size=first + columns)}
        network.by_output = lambda logits: {"target": logits}
        network.stepper = network.steppers["target"]
        random = np.random.default_rng(seed)
        network.set_weights([random.normal(0, 0.5, w.shape) for w in network.get_weights()])
        return network

    return make


@pytest.fixture
def make_batches() -> Callable[..., Any]:
    """Build batches of random pairs with 1 to 3 source tokens and 1 to 4 target tokens, then END."""

    def make(pairs: int, batch_size: int, *, seed: int | None = 1, data: int = 0) -> Any:
        from passerelle.data.batches import Batches

        random = np.random.default_rng((7, data))
        sources = [random.integers(4, 7, random.integers(1, 4)).tolist() for _ in range(pairs)]
        targets = [[*random.integers(4, 7, random.integers(1, 5)).tolist(), 3] for _ in range(pairs)]
        return Batches({"source": sequences(sources)}, {"target": sequences(targets)}, batch_size, seed=seed)

    return make


@pytest.fixture
def mean_loss() -> Callable[[Any, Any], tuple[float, float]]:
    """Compute loss (nats per token) and accuracy pair by pair, in NumPy."""

    def compute(network: Any, batches: Any) -> tuple[float, float]:
        total, correct, count = 0.0, 0, 0
        for row in range(len(batches.source)):
            target = [2, *batches.targets["target"][row].tolist()]
            inputs = {
                "source": batches.source[row][None],
                "target": np.array([target[:-1]], np.int32),
            }
            logits = np.asarray(network(inputs), np.float64)[0]
            for scores, label in zip(logits, target[1:], strict=True):
                column = label - network.stepper.first
                if column >= 0:
                    total += np.log(np.exp(scores).sum()) - scores[column]
                    correct += int(scores.argmax()) == column
                    count += 1
        return total / count, correct / count

    return compute
