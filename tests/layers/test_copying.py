"""The pointer-generator's distribution compared with NumPy."""

from typing import Any

import numpy as np

from passerelle.layers.copying import PointerGenerator

FIRST, COLUMNS = 1, 6
SIZE = FIRST + COLUMNS


def example() -> Any:
    random = np.random.default_rng(1)
    layer = PointerGenerator(first=FIRST)
    layer.build((None, None, 3))
    layer.set_weights([random.normal(0, 1, weight.shape) for weight in layer.get_weights()])
    vectors = random.normal(0, 1, (2, 3, 3)).astype("f4")
    logits = random.normal(0, 1, (2, 3, COLUMNS)).astype("f4")
    weights = random.dirichlet(np.ones(4), (2, 3)).astype("f4")
    weights[1, :, 3] = 0  # padding
    weights[1] /= weights[1].sum(-1, keepdims=True)
    # Row 1: a known token twice, and an unknown token twice, whose id encodes its first position. Row 2: PAD last.
    copies = np.array([[4, SIZE + 1, 4, SIZE + 1], [SIZE, 5, 6, 0]], np.int32)
    return layer, vectors, logits, weights, copies


def test_mixed_distribution_equals_numpy() -> None:
    layer, vectors, logits, weights, copies = example()
    found = np.exp(np.asarray(layer(vectors, logits, weights, copies), np.float64))
    kernel, bias = layer.get_weights()
    for row in range(2):
        for step in range(3):
            gate = 1 / (1 + np.exp(-(vectors[row, step] @ kernel + bias)[0]))
            generated = np.exp(logits[row, step]) / np.exp(logits[row, step]).sum()
            expected = np.concatenate([gate * generated, np.zeros(4)])
            for position, identifier in enumerate(copies[row]):
                if identifier:
                    expected[identifier - FIRST] += (1 - gate) * weights[row, step, position]
            np.testing.assert_allclose(found[row, step], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1.0, rtol=1e-5)


def test_an_unknown_source_token_can_have_the_highest_probability() -> None:
    layer, vectors, logits, weights, copies = example()
    layer.set_weights([np.zeros((3, 1)), np.array([-20.0])])  # always copy
    weights[:] = [0.1, 0.5, 0.1, 0.3]
    best = np.asarray(layer(vectors, logits, weights, copies)).argmax(-1) + FIRST
    assert (best[0] == SIZE + 1).all()
