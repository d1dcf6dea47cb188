"""Learning tests: what each preset is for, on strings made for it."""

import random
from typing import Any

import numpy as np
import pytest
from keras import ops

import passerelle
from passerelle.symbols import START

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("optimized")]


def strings(count: int, seed: int = 1) -> list[str]:
    """Distinct random strings of three to eight letters."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(draw.choice("abcdefgh") for _ in range(draw.randint(3, 8)))] = None
    return list(found)


@pytest.fixture(scope="module")
def reverser(optimized: None) -> Any:
    known = strings(3200)[:3000]
    return passerelle.train([(text, text[::-1]) for text in known], preset="compact", epochs=8, validation=0.1)


def test_attention_reverses_strings_it_has_not_seen(reverser: Any) -> None:
    unseen = strings(3200)[3000:]
    report = reverser.evaluate([(text, text[::-1]) for text in unseen])
    assert report.exact_match >= 95.0


def test_its_weights_are_the_reversal(reverser: Any) -> None:
    """Symbol i of the output looks at symbol n - 1 - i of the input; few strings, for by hand each takes long."""
    unseen = strings(3200)[3000:3040]
    right = total = 0
    for text in unseen:
        source = reverser.source.encode([text])
        target = reverser.target.encode([text[::-1]])
        read = ops.convert_to_tensor(np.array([[START, *target[0][:-1]]], np.int32))
        state = reverser.inference_encoder(ops.convert_to_tensor(source.padded(np.array([0]), len(text))))
        weights = np.asarray(reverser.inference_decoder({"target_ids": read, **state})["attention"])[0]
        right += int((weights.argmax(-1) == np.arange(len(text))[::-1]).sum())
        total += len(text)
    assert right >= 0.95 * total
