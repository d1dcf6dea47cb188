"""The sublayers of a Transformer compared with Keras's layers and with NumPy."""

import math
import re
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from passerelle.layers.attention import MultiHeadAttention, split_heads
from passerelle.layers.cache import with_capacity, write
from passerelle.layers.pooling import MaskedMean
from passerelle.layers.positions import Positions
from passerelle.layers.transformer import CausalSelfAttention, CrossAttention, FeedForward, SelfAttention

BATCH, STEPS, LENGTH, UNITS, HEADS = 3, 5, 4, 6, 2
RANDOM = np.random.default_rng(7)
SEQUENCE = RANDOM.normal(size=(BATCH, STEPS, UNITS)).astype("f4")
SOURCE_MASK = np.arange(LENGTH) < np.array([[4], [2], [1]])
KEYS, VALUES = RANDOM.normal(size=(2, BATCH, LENGTH, UNITS)).astype("f4")
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def randomized(layer: Any, *inputs: Any) -> Any:
    """Build a layer by calling it, and set random weights."""
    layer(*inputs)
    random = np.random.default_rng(3)
    layer.set_weights([random.normal(0, 0.7, weight.shape) for weight in layer.get_weights()])
    return layer


def normalized(layer: Any, sequence: np.ndarray) -> np.ndarray:
    """Layer normalization in NumPy."""
    gain, bias = (np.asarray(weight) for weight in layer.norm.weights)
    centered = sequence - sequence.mean(axis=-1, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + 1e-6) * gain + bias


def keras_attention(layer: Any) -> Any:
    """Return `keras.layers.MultiHeadAttention` with the weights of a self-attention sublayer."""
    width = UNITS // HEADS
    reference = keras.layers.MultiHeadAttention(HEADS, width)
    reference.build((None, None, UNITS), (None, None, UNITS))
    kernel, bias = (np.asarray(weight) for weight in layer.projection.weights)
    weights: list[np.ndarray] = []
    for part in range(3):
        columns = slice(part * UNITS, (part + 1) * UNITS)
        weights += [kernel[:, columns].reshape(UNITS, HEADS, width), bias[columns].reshape(HEADS, width)]
    output, output_bias = (np.asarray(weight) for weight in layer.output_layer.weights)
    reference.set_weights([*weights, output.reshape(HEADS, width, UNITS), output_bias])
    return reference


def test_self_attention_equals_keras() -> None:
    mask = np.arange(STEPS) < np.array([[5], [3], [1]])
    layer = randomized(SelfAttention(UNITS, HEADS), SEQUENCE, mask)
    normal = normalized(layer, SEQUENCE)
    expected = SEQUENCE + keras_attention(layer)(normal, normal, attention_mask=mask[:, None])
    np.testing.assert_allclose(np.asarray(layer(SEQUENCE, mask))[mask], np.asarray(expected)[mask], **TOLERANCE)


def test_causal_self_attention_equals_keras() -> None:
    empty, first = np.zeros((BATCH, HEADS, 0, UNITS // HEADS), "f4"), np.zeros(BATCH, "i4")
    layer = randomized(CausalSelfAttention(UNITS, HEADS), SEQUENCE, empty, empty, first)
    normal = normalized(layer, SEQUENCE)
    expected = SEQUENCE + keras_attention(layer)(normal, normal, use_causal_mask=True)
    np.testing.assert_allclose(layer(SEQUENCE, empty, empty, first)[0], expected, **TOLERANCE)


def test_rows_at_different_positions_attend_to_their_own_tokens() -> None:
    """As after a refill of lanes: each row has read another number of tokens, and its cache has old entries behind."""
    empty, first = np.zeros((BATCH, HEADS, 0, UNITS // HEADS), "f4"), np.zeros(BATCH, "i4")
    layer = randomized(CausalSelfAttention(UNITS, HEADS), SEQUENCE, empty, empty, first)
    expected = np.asarray(layer(SEQUENCE, empty, empty, first)[0])
    capacity = STEPS + 1
    garbage = np.full((BATCH, HEADS, capacity, UNITS // HEADS), 7.0, "f4")
    position = np.array([0, 2, 4], "i4")
    keys, values = garbage.copy(), garbage.copy()
    for row, read in enumerate(position):
        if read:
            one = slice(row, row + 1)
            start = np.zeros((1, HEADS, capacity, UNITS // HEADS), "f4")
            _, own_keys, own_values = layer(SEQUENCE[one, :read], start, start, first[one])
            keys[row, :, :read] = np.asarray(own_keys)[0, :, :read]
            values[row, :, :read] = np.asarray(own_values)[0, :, :read]
    tokens = SEQUENCE[np.arange(BATCH), position][:, None]
    found, new_keys, _ = layer(tokens, keys, values, position)
    for row, read in enumerate(position):
        np.testing.assert_allclose(np.asarray(found)[row, 0], expected[row, read], **TOLERANCE)
        changed = (np.asarray(new_keys)[row] != keys[row]).any(axis=(0, -1))
        assert changed.tolist() == (np.arange(capacity) == read).tolist()


def test_multi_head_attention_equals_numpy() -> None:
    layer = randomized(MultiHeadAttention(UNITS, HEADS), SEQUENCE, KEYS, VALUES, SOURCE_MASK)
    context, weights = map(np.asarray, layer(SEQUENCE, KEYS, VALUES, SOURCE_MASK))
    kernel, bias = map(np.asarray, layer.queries.weights)
    queries, width = SEQUENCE @ kernel + bias, UNITS // HEADS
    for row, length in enumerate(SOURCE_MASK.sum(axis=1)):
        means = np.zeros((STEPS, LENGTH))
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            scores = queries[row, :, part] @ KEYS[row, :length, part].T / math.sqrt(width)
            exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
            own = exponentials / exponentials.sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(context[row, :, part], own @ VALUES[row, :length, part], **TOLERANCE)
            means[:, :length] += own / HEADS
        np.testing.assert_allclose(weights[row], means, **TOLERANCE)


def test_cross_attention_adds_the_projected_context() -> None:
    layer = randomized(CrossAttention(UNITS, HEADS), SEQUENCE, KEYS, VALUES, SOURCE_MASK)
    split = (np.asarray(split_heads(array, HEADS)) for array in (KEYS, VALUES))
    found, weights = layer(SEQUENCE, *split, SOURCE_MASK)
    context, expected_weights = layer.attention(normalized(layer, SEQUENCE), KEYS, VALUES, SOURCE_MASK)
    kernel, bias = map(np.asarray, layer.output_layer.weights)
    np.testing.assert_allclose(found, SEQUENCE + np.asarray(context) @ kernel + bias, **TOLERANCE)
    np.testing.assert_allclose(weights, expected_weights, **TOLERANCE)


def test_feed_forward_equals_numpy() -> None:
    layer = randomized(FeedForward(UNITS, 9), SEQUENCE)
    (first, first_bias), (second, second_bias) = (
        map(np.asarray, part.weights) for part in (layer.hidden, layer.output_layer)
    )
    hidden = np.maximum(normalized(layer, SEQUENCE) @ first + first_bias, 0)
    np.testing.assert_allclose(layer(SEQUENCE), SEQUENCE + hidden @ second + second_bias, **TOLERANCE)


def test_dropout_changes_only_the_branch() -> None:
    layer = FeedForward(UNITS, 64, dropout=0.5)
    kept = np.asarray(layer(SEQUENCE)) - SEQUENCE
    dropped = np.asarray(layer(SEQUENCE, training=True)) - SEQUENCE
    zero = np.isclose(dropped, 0, atol=1e-6)
    assert 0.2 < zero.mean() < 0.8
    np.testing.assert_allclose(dropped[~zero], 2 * kept[~zero], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [1, 6, 7])
def test_positions_equal_the_formula_far_beyond_training_lengths(width: int) -> None:
    zeros = np.zeros((2, 3, width), "f4")
    position = np.array([0, 4000], "i4")
    found = np.asarray(Positions()(zeros, position, np.zeros((2, 1, 5000, 1), "f4")))
    count = math.ceil(width / 2)
    for row in range(2):
        for step in range(3):
            place = float(position[row] + step)
            angles = [place * 10_000.0 ** (-index / max(count - 1, 1)) for index in range(count)]
            expected = [*map(math.sin, angles), *map(math.cos, angles)][:width]
            np.testing.assert_allclose(found[row, step], expected, atol=2e-3)  # float32 angles up to 4,000
    np.testing.assert_allclose(Positions()(zeros)[0], found[0], atol=1e-6)


def test_tokens_that_do_not_fit_into_the_cache_give_nan() -> None:
    zeros = np.zeros((3, 1, 4), "f4")
    for capacity, too_late in ((2, [False, True, True]), (3, [False, False, True]), (0, [False, True, True])):
        found = Positions()(zeros, np.array([0, 2, 3], "i4"), np.zeros((3, 2, capacity, 2), "f4"))
        assert np.isnan(np.asarray(found)).all(axis=(1, 2)).tolist() == too_late


@pytest.mark.parametrize("tokens", [1, 3])
def test_write_equals_a_loop_and_what_does_not_fit_changes_no_other_row(tokens: int) -> None:
    cache = RANDOM.normal(size=(4, 3, 5, 2)).astype("f4")
    new = RANDOM.normal(size=(4, 3, tokens, 2)).astype("f4")
    position = np.array([0, 1, 9, 2], "i4")
    expected = cache.copy()
    for row, start in enumerate(position):
        for token in range(tokens):
            if row != 2:
                expected[row, :, start + token] = new[row, :, token]
    found = np.asarray(write(cache, new, position))
    np.testing.assert_array_equal(found[[0, 1, 3]], expected[[0, 1, 3]])
    np.testing.assert_array_equal(found[2, :, :4], cache[2, :, :4])


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="other backends do not compile the loop")
def test_a_compiled_loop_updates_the_caches_in_place() -> None:
    """Without a copy of a cache, a step reads the caches but writes only its own keys and values."""
    import jax

    cache = np.zeros((BATCH, HEADS, 11, UNITS // HEADS), "f4")
    first = np.zeros(BATCH, "i4")
    layer = randomized(CausalSelfAttention(UNITS, HEADS), SEQUENCE[:, :1], cache, cache, first)

    def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
        tokens, keys, values, position = state
        return *layer(tokens, keys, values, position), position + 1

    def search(tokens: Any) -> Any:
        begun = (tokens, ops.zeros(cache.shape), ops.zeros(cache.shape), ops.zeros((BATCH,), "int32"))
        return jax.lax.while_loop(lambda state: state[3][0] < 11, step, begun)[0]

    program = jax.jit(search).lower(SEQUENCE[:, :1]).compile().as_text()
    # The entry computation, which prepares the arrays of the loop, is left out.
    loop = re.sub(r"^ENTRY.*?^}", "", program, flags=re.MULTILINE | re.DOTALL)
    shape = re.escape("f32[" + ",".join(map(str, cache.shape)) + "]")
    assert re.search(rf"= {shape}", loop)
    assert not re.findall(rf"= {shape}\S* (?:copy|transpose|select)\(", loop)


def test_only_caches_get_a_capacity() -> None:
    state = {"cache": np.zeros((2, 4, 0, 3), "f4"), "other": np.ones((2, 4, 3), "f4"), "position": np.ones(2, "i4")}
    found = with_capacity({"nested": (state,)}, 7)["nested"][0]
    assert found["cache"].shape == (2, 4, 7, 3)
    assert found["other"] is state["other"]
    assert found["position"] is state["position"]


def test_masked_mean() -> None:
    found = np.asarray(MaskedMean()(KEYS, np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)))
    np.testing.assert_allclose(found, [KEYS[0, :2].mean(axis=0), KEYS[1, 0], np.zeros(UNITS)], **TOLERANCE)
