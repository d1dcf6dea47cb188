"""One-hot and trained embeddings, with zeros for ids without a column."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from passerelle.layers import embedding as module
from passerelle.layers.embedding import OneHot, TokenEmbedding
from passerelle.special_tokens import END, PAD, START, UNK

IDS = np.array([[PAD, UNK, START, END], [4, 5, 6, 7], [99, -1, 2**31 - 1, -(2**31)]], np.int32)


@pytest.mark.parametrize(
    ("first", "columns", "expected"),
    [
        (UNK, 5, [[-1, 0, 1, 2], [3, 4, -1, -1], [-1] * 4]),
        (START, 5, [[-1, -1, 0, 1], [2, 3, 4, -1], [-1] * 4]),
        (4, 3, [[-1] * 4, [0, 1, 2, -1], [-1] * 4]),
        (4, 1, [[-1] * 4, [0, -1, -1, -1], [-1] * 4]),
    ],
)
def test_vectors_of_all_kinds_of_ids(first: int, columns: int, expected: list[list[int]]) -> None:
    rows = np.concatenate([np.eye(columns), np.zeros((1, columns))]).astype("f4")  # row -1: no column
    one_hot = np.asarray(OneHot(columns, first=first)(IDS))
    assert one_hot.dtype == np.float32
    np.testing.assert_array_equal(one_hot, rows[expected])

    layer = TokenEmbedding(columns, 2, first=first)
    layer.build(IDS.shape)
    table = np.arange(1.0, 2 * columns + 1).reshape(columns, 2).astype("f4")
    layer.set_weights([table])
    np.testing.assert_array_equal(np.asarray(layer(IDS)), np.concatenate([table, np.zeros((1, 2))])[expected])


@pytest.mark.parametrize("first", [1, 4])
def test_matmul_and_lookup_give_the_same_values_and_gradients(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    jax = pytest.importorskip("jax")
    columns, width = 5, 3
    layer = TokenEmbedding(columns, width, first=first)
    layer.build(IDS.shape)
    random = np.random.default_rng(2)
    table = random.normal(size=(columns, width)).astype("f4")
    direction = random.normal(size=(*IDS.shape, width)).astype("f4")
    ids = np.where(IDS == 6, 5, IDS)  # one id occurs twice, so that its gradients are summed

    def value(weights: Any) -> Any:
        vectors, _ = layer.stateless_call([weights], [], ids)
        return ops.sum(vectors * direction), vectors

    found = {}
    for path, largest in (("matmul", columns), ("lookup", columns - 1)):
        monkeypatch.setattr(module, "MAX_ONE_HOT_COLUMNS", largest)
        calls = []
        original = ops.take
        monkeypatch.setattr(ops, "take", lambda *a, o=original, c=calls, **k: c.append(1) or o(*a, **k))
        (_, vectors), gradient = jax.value_and_grad(value, has_aux=True)(table)
        monkeypatch.setattr(ops, "take", original)
        assert bool(calls) == (path == "lookup")
        found[path] = (np.asarray(vectors), np.asarray(gradient))
    np.testing.assert_allclose(found["matmul"][0], found["lookup"][0], rtol=1e-6)
    np.testing.assert_allclose(found["matmul"][1], found["lookup"][1], rtol=1e-6)
    assert found["lookup"][1].any()


@pytest.mark.parametrize("largest", [0, 1024], ids=["lookup", "matmul"])
def test_fixed_vectors_are_the_last_ones_and_not_trainable(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ONE_HOT_COLUMNS", largest)
    plain, split = TokenEmbedding(6, 2, first=1), TokenEmbedding(6, 2, first=1, fixed=2)
    table = np.arange(1.0, 13).reshape(6, 2).astype("f4")
    for layer, weights in ((plain, [table]), (split, [table[:4], table[4:]])):
        layer.build(IDS.shape)
        layer.set_weights(weights)
    np.testing.assert_array_equal(np.asarray(split(IDS)), np.asarray(plain(IDS)))
    assert [w.shape for w in split.trainable_variables] == [(4, 2)]


@pytest.mark.parametrize("make", [OneHot, lambda n, **k: TokenEmbedding(n, 2, **k)], ids=["one-hot", "trained"])
def test_mask(make: Any) -> None:
    masked = make(5, first=1, mask_padding=True)(IDS)
    np.testing.assert_array_equal(np.asarray(masked._keras_mask), IDS != PAD)
    assert getattr(make(5, first=1)(IDS), "_keras_mask", None) is None


@pytest.mark.parametrize("make", [OneHot, lambda n, **k: TokenEmbedding(n, 5, **k)], ids=["one-hot", "trained"])
def test_shapes(make: Any) -> None:
    layer = make(5, first=1)
    ids = keras.Input((None,), dtype="int32")
    assert layer(ids).shape == (None, None, 5)
    assert layer.compute_output_shape((2, 7)) == (2, 7, 5)


def test_half_precision() -> None:
    for layer in (OneHot(5, first=1, dtype="mixed_bfloat16"), TokenEmbedding(5, 2, first=1, dtype="bfloat16")):
        assert keras.backend.standardize_dtype(layer(IDS).dtype) == "bfloat16"
