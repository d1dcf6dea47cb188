"""The loops with hand-written gradients compared with Keras's loops and their automatic gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from passerelle.layers import recurrent
from passerelle.layers.dropout import dropout_mask
from passerelle.layers.recurrent import GRU, LSTM

ROWS, STEPS, WIDTH, UNITS = 3, 7, 5, 8
RIGHT_PADDED = np.arange(STEPS) < np.array([[3], [7], [5]])
ANY = np.random.default_rng(5).random((ROWS, STEPS)) < 0.6
EMPTY_ROW = np.arange(STEPS) < np.array([[0], [7], [1]])
MASKS = {"none": None, "right-padded": RIGHT_PADDED, "any": ANY, "an empty row": EMPTY_ROW}


def twins(ours: type, **options: Any) -> tuple[Any, Any, list[np.ndarray]]:
    """Return Keras's layer and ours with the same random weights, and random initial states."""
    random = np.random.default_rng(1)
    theirs = {LSTM: keras.layers.LSTM, GRU: keras.layers.GRU}[ours]
    pair = [kind(UNITS, return_sequences=True, return_state=True, **options) for kind in (theirs, ours)]
    for layer in pair:
        layer.build((ROWS, STEPS, WIDTH))
    pair[0].set_weights([random.normal(size=weight.shape).astype("f4") * 0.3 for weight in pair[0].weights])
    pair[1].set_weights(pair[0].get_weights())
    states = [random.normal(size=(ROWS, UNITS)).astype("f4") for _ in range(2 if ours is LSTM else 1)]
    return *pair, states


def value_and_gradients(
    layer: Any,
    states: list[np.ndarray],
    mask: np.ndarray | None,
    inputs: np.ndarray | None = None,
    training: bool = False,
) -> Any:
    """Return a weighted sum of all outputs and states, and its gradients by weights, inputs and initial states."""
    if inputs is None:
        inputs = np.random.default_rng(2).normal(size=(ROWS, STEPS, WIDTH)).astype("f4")
    mask_array = None if mask is None else jnp.array(mask)

    def value(weights: Any, inputs: Any, states: Any) -> Any:
        outputs, _ = layer.stateless_call(
            weights, layer.non_trainable_variables, inputs, initial_state=states, mask=mask_array, training=training
        )
        return sum((output * jnp.cos(jnp.arange(output.size).reshape(output.shape))).sum() for output in outputs)

    weights = [variable.value for variable in layer.trainable_variables]
    return jax.tree.leaves(jax.jit(jax.value_and_grad(value, argnums=(0, 1, 2)))(weights, inputs, states))


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_values_and_gradients_equal_keras(kind: type, mask: np.ndarray | None, backwards: bool, zero: bool) -> None:
    theirs, ours, states = twins(kind, go_backwards=backwards, zero_output_for_mask=zero)
    for expected, found in zip(
        value_and_gradients(theirs, states, mask), value_and_gradients(ours, states, mask), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_lookup_of_one_hot_vectors_equals_keras(kind: type, backwards: bool) -> None:
    """Some vectors are zero instead of one-hot."""
    columns = np.random.default_rng(4).integers(0, WIDTH, (ROWS, STEPS))
    one_hot = np.eye(WIDTH, dtype="f4")[columns]
    one_hot[0, 2] = one_hot[2, -1] = 0.0
    theirs, _, states = twins(kind, go_backwards=backwards)
    ours = kind(UNITS, return_sequences=True, return_state=True, go_backwards=backwards, one_hot=True)
    ours.build((ROWS, STEPS, WIDTH))
    ours.set_weights(theirs.get_weights())
    for expected, found in zip(
        value_and_gradients(theirs, states, RIGHT_PADDED, one_hot),
        value_and_gradients(ours, states, RIGHT_PADDED, one_hot),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_keras_loop_runs_for_unsupported_options(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    from passerelle.layers import kernels

    calls: list[int] = []
    name = "lstm_loop" if kind is LSTM else "gru_loop"
    original = getattr(kernels, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(kernels, name, watched)
    inputs = np.zeros((2, 3, WIDTH), "f4")
    kind(4)(inputs)
    assert len(calls) == 1
    for options in (
        {"activation": "relu"},
        {"use_bias": False},
        {"unroll": True},
    ):
        kind(4, **options)(inputs)
    if kind is GRU:
        kind(4, reset_after=False)(inputs)
    assert len(calls) == 1


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_inputs_at_padding_change_nothing(kind: type) -> None:
    _, ours, states = twins(kind)
    inputs = np.random.default_rng(3).normal(size=(ROWS, STEPS, WIDTH)).astype("f4")
    padded = ours(inputs, initial_state=states, mask=jnp.array(RIGHT_PADDED))
    other = np.where(RIGHT_PADDED[..., None], inputs, 1e3).astype("f4")
    for found, expected in zip(ours(other, initial_state=states, mask=jnp.array(RIGHT_PADDED)), padded, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_masked_steps_keep_the_states_bit_for_bit(kind: type) -> None:
    """The gate values at masked steps make the gates exactly open or closed, for any length of the padding."""
    layer = kind(UNITS, return_sequences=True, return_state=True)
    inputs = np.random.default_rng(6).normal(size=(ROWS, 50, WIDTH)).astype("f4")
    mask = np.arange(50) < np.array([[3], [7], [1]])
    layer.build(inputs.shape)

    @jax.jit
    def run(inputs: Any, mask: Any, states: Any) -> Any:
        return layer(inputs, mask=mask, initial_state=states)

    states = [np.full((ROWS, UNITS), 0.3, np.float32)] * (2 if kind is LSTM else 1)
    outputs, *after = map(np.asarray, run(inputs, mask, states))
    for row, length in enumerate([3, 7, 1]):
        assert (outputs[row, length:] == outputs[row, length - 1]).all()
    _, *unchanged = run(inputs, np.zeros_like(mask), after)
    for expected, found in zip(after, unchanged, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_bfloat16_matmul_is_close_to_float32(kind: type) -> None:
    """Each factor has a relative error of at most 1/256; sums and states are float32, so errors do not accumulate."""
    _, exact, states = twins(kind)
    rounded = kind(UNITS, return_sequences=True, return_state=True, recurrent_dtype="bfloat16")
    rounded.build((ROWS, STEPS, WIDTH))
    rounded.set_weights(exact.get_weights())
    pairs = list(zip(value_and_gradients(rounded, states, None), value_and_gradients(exact, states, None), strict=True))
    assert any((np.asarray(found) != np.asarray(expected)).any() for found, expected in pairs)
    for found, expected in pairs:
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.03 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_config_round_trip(kind: type) -> None:
    layer = kind(4, recurrent_dtype="bfloat16", dropout=0.1)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(restored) is kind
    assert (restored.recurrent_dtype, restored.dropout) == ("bfloat16", 0.1)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_input_dropout_uses_one_mask_for_all_steps(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = []

    def watched(*arguments: Any) -> Any:
        masks.append(dropout_mask(*arguments))
        return masks[-1]

    monkeypatch.setattr(recurrent, "dropout_mask", watched)
    layer = kind(4, dropout=0.5, seed=1)
    ones = np.ones((2, 3, WIDTH), "f4")
    dropped = layer(ones, training=True)
    (mask,) = masks
    assert mask.shape == (2, 1, WIDTH)
    np.testing.assert_allclose(dropped, layer(ones * np.asarray(mask), training=False), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_recurrent_dropout_equals_keras(kind: type, mask: np.ndarray | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare values and gradients, with Keras patched to use the same mask for all gates."""
    theirs, ours, states = twins(kind, recurrent_dropout=0.5, dropout=0.2)
    random = np.random.default_rng(7)
    state_mask, input_mask = (2.0 * (random.random((ROWS, width)) < 0.5).astype("f4") for width in (UNITS, WIDTH))
    theirs.cell.get_recurrent_dropout_mask = lambda h: [state_mask] * 4
    theirs.cell.get_dropout_mask = lambda x: [input_mask] * 4
    monkeypatch.setattr(
        recurrent, "dropout_mask", lambda like, rate, seeds: state_mask if like.ndim == 2 else input_mask[:, None]
    )
    found = value_and_gradients(ours, states, mask, training=True)
    expected = value_and_gradients(theirs, states, mask, training=True)
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], value_and_gradients(ours, states, mask)[0])


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_recurrent_dropout_applies_in_training_only(kind: type) -> None:
    _, plain, states = twins(kind)
    dropping = kind(UNITS, return_sequences=True, return_state=True, recurrent_dropout=0.5)
    dropping.build((ROWS, STEPS, WIDTH))
    dropping.set_weights(plain.get_weights())
    inputs = np.random.default_rng(3).normal(size=(ROWS, STEPS, WIDTH)).astype("f4")
    expected = plain(inputs, initial_state=states)[0]
    np.testing.assert_array_equal(dropping(inputs, initial_state=states)[0], expected)
    samples = [np.asarray(dropping(inputs, initial_state=states, training=True)[0]) for _ in range(2)]
    assert not np.allclose(samples[0], expected)
    assert not np.allclose(*samples), "each call must sample a new mask"
