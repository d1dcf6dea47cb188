"""Training test: the preset `compact` reverses random strings."""

import random
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from keras import ops

import passerelle
from passerelle.special_tokens import START

pytestmark = pytest.mark.slow


def strings(count: int, seed: int = 1) -> list[str]:
    """Distinct random strings of three to eight letters."""
    generator = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(generator.choice("abcdefgh") for _ in range(generator.randint(3, 8)))] = None
    return list(found)


@pytest.fixture(scope="module")
def optimized() -> Iterator[None]:
    """Enable all compiler optimizations, because the training here is long."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def reverser(optimized: None) -> Any:
    known = strings(3200)[:3000]
    return passerelle.train([(text, text[::-1]) for text in known], preset="compact", epochs=8, validation=0.1)


def test_unseen_strings_are_reversed(reverser: Any) -> None:
    unseen = strings(3200)[3000:]
    report = reverser.evaluate([(text, text[::-1]) for text in unseen])
    assert report.exact_match >= 95.0


def test_attention_weights_are_reversed(reverser: Any) -> None:
    """Token i of the output attends to token n - 1 - i of the input; strings of the same length form a batch."""
    unseen = strings(3200)[3000:]
    right = total = 0
    for length in sorted({len(text) for text in unseen}):
        texts = [text for text in unseen if len(text) == length]
        rows = np.arange(len(texts))
        source = reverser.source.encode(texts).padded(rows, length)
        target = reverser.target.encode([text[::-1] for text in texts]).padded(rows, length, first=START)
        state = reverser.inference_encoder({"source": ops.convert_to_tensor(source)})
        weights = np.asarray(
            reverser.inference_decoder({"target": ops.convert_to_tensor(target), **state})["attention"]
        )
        right += int((weights.argmax(-1) == np.arange(length)[::-1]).sum())
        total += weights.shape[0] * weights.shape[1]
    assert total == sum(map(len, unseen))
    assert right >= 0.95 * total
