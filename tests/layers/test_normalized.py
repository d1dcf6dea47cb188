"""Layer-normalized layers compared with NumPy, row by row and step by step."""

from typing import Any

import keras
import numpy as np
import pytest

from passerelle.layers import normalized
from passerelle.layers.dropout import dropout_mask
from passerelle.layers.normalized import LayerNormGRU, LayerNormGRUCell, LayerNormLSTM, LayerNormLSTMCell

ROWS, STEPS, WIDTH, UNITS = 3, 6, 4, 5
LENGTHS = (3, 6, 1)
MASK = np.arange(STEPS) < np.array(LENGTHS)[:, None]
KINDS = [LayerNormLSTM, LayerNormGRU]
CELLS = {LayerNormLSTM: LayerNormLSTMCell, LayerNormGRU: LayerNormGRUCell}


def build_layer(kind: Any, **options: Any) -> Any:
    """Return a layer with random weights, including gains and biases."""
    layer = kind(UNITS, return_sequences=True, return_state=True, **options)
    layer.build((ROWS, STEPS, WIDTH))
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(0, 0.6, weight.shape) for weight in layer.weights])
    return layer


def inputs() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(ROWS, STEPS, WIDTH)).astype("f4")


def initial(kind: Any) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.normal(0, 0.7, (ROWS, UNITS)).astype("f4") for _ in range(2 if kind is LayerNormLSTM else 1)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def numpy_row(layer: Any, vectors: np.ndarray, states: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Apply the formulas of the docstrings in float64: (length, width), states (units,) -> (length, units), states."""
    kernel, recurrent_kernel, gain, bias = (weight.astype("f8") for weight in layer.get_weights())
    w, u = np.split(kernel, len(gain), axis=1), np.split(recurrent_kernel, len(gain), axis=1)

    def n(gate: int, total: np.ndarray) -> np.ndarray:
        return (total - total.mean()) / np.sqrt(total.var() + 1e-5) * gain[gate] + bias[gate]

    outputs = []
    h, *rest = (state.astype("f8") for state in states)
    for x in vectors.astype("f8"):
        if rest:
            i, f, g, o = (n(gate, x @ w[gate] + h @ u[gate]) for gate in range(4))
            rest = [sigmoid(f) * rest[0] + sigmoid(i) * np.tanh(g)]
            h = sigmoid(o) * np.tanh(rest[0])
        else:
            z, r = (sigmoid(n(gate, x @ w[gate] + h @ u[gate])) for gate in range(2))
            h = z * h + (1 - z) * np.tanh(n(2, x @ w[2] + r * (h @ u[2])))
        outputs.append(h)
    return np.array(outputs), [h, *rest]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_layer_equals_numpy(kind: Any, backwards: bool) -> None:
    """NumPy computes the rows without padding."""
    layer, before = build_layer(kind, go_backwards=backwards), initial(kind)
    outputs, *after = layer(inputs(), initial_state=before, mask=MASK)
    for row, length in enumerate(LENGTHS):
        vectors = inputs()[row, :length]
        expected, states = numpy_row(layer, vectors[::-1] if backwards else vectors, [s[row] for s in before])
        # With `go_backwards`, Keras returns the steps in reversed order, so the padding comes first.
        found = np.asarray(outputs[row])[-length:] if backwards else np.asarray(outputs[row])[:length]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        for state, right in zip(after, states, strict=True):
            np.testing.assert_allclose(state[row], right, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_masked_steps_keep_the_states_bit_for_bit(kind: Any) -> None:
    layer, before = build_layer(kind), initial(kind)
    outputs, *after = map(np.asarray, layer(inputs(), initial_state=before, mask=MASK))
    for row, length in enumerate(LENGTHS):
        assert (outputs[row, length:] == outputs[row, length - 1]).all()
    _, *unchanged = layer(inputs(), initial_state=after, mask=np.zeros_like(MASK))
    for left, right in zip(after, unchanged, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_layer_equals_keras_rnn_with_the_same_cell(kind: Any, backwards: bool, zero: bool) -> None:
    options = {"go_backwards": backwards, "zero_output_for_mask": zero}
    layer = build_layer(kind, **options)
    theirs = keras.layers.RNN(CELLS[kind](UNITS), return_sequences=True, return_state=True, **options)
    theirs.build((ROWS, STEPS, WIDTH))
    theirs.set_weights(layer.get_weights())
    random_mask = np.random.default_rng(4).random((ROWS, STEPS)) < 0.6
    for mask in (None, MASK, random_mask):
        arguments = {"initial_state": initial(kind), "mask": mask}
        for found, expected in zip(layer(inputs(), **arguments), theirs(inputs(), **arguments), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_equals_the_whole_sequence(kind: Any) -> None:
    layer, states = build_layer(kind), initial(kind)
    expected, *after = layer(inputs(), initial_state=states)
    for step in range(STEPS):
        found, *states = layer(inputs()[:, step : step + 1], initial_state=states)
        np.testing.assert_allclose(found[:, 0], expected[:, step], atol=1e-6)
    for found, right in zip(states, after, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_layer_without_return_sequences_returns_the_last_output(kind: Any) -> None:
    layer, last = build_layer(kind), kind(UNITS)
    last.build((ROWS, STEPS, WIDTH))
    last.set_weights(layer.get_weights())
    np.testing.assert_array_equal(last(inputs(), mask=MASK), layer(inputs(), mask=MASK)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_weight(kind: Any) -> None:
    """The initial states and one row of the inputs are zeros, so that a variance of 0 occurs."""
    jax = pytest.importorskip("jax")
    layer = build_layer(kind, recurrent_dropout=0.3)
    vectors = inputs()
    vectors[0] = 0.0

    def total(weights: Any, vectors: Any) -> Any:
        outputs, _ = layer.stateless_call(weights, layer.non_trainable_variables, vectors, mask=MASK, training=True)
        return sum((output * jax.numpy.cos(jax.numpy.arange(UNITS))).sum() for output in outputs)

    weights = [weight.value for weight in layer.trainable_variables]
    gradients = jax.tree.leaves(jax.grad(total, argnums=(0, 1))(weights, vectors))
    assert len(gradients) == 5
    for gradient in map(np.asarray, gradients):
        assert np.isfinite(gradient).all()
        assert gradient.any()


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_all_weights_of_a_gate_changes_nothing(kind: Any) -> None:
    layer = build_layer(kind)
    expected = layer(inputs(), initial_state=initial(kind))
    kernel, recurrent_kernel, gain, bias = layer.get_weights()
    for gate in range(len(gain)):
        factor = np.repeat(np.where(np.arange(len(gain)) == gate, 3.0, 1.0), UNITS)
        layer.set_weights([kernel * factor, recurrent_kernel * factor, gain, bias])
        for found, right in zip(layer(inputs(), initial_state=initial(kind)), expected, strict=True):
            np.testing.assert_allclose(found, right, atol=1e-4)
    layer.set_weights([kernel * factor, recurrent_kernel, gain, bias])
    assert not np.allclose(layer(inputs())[0], expected[0], atol=1e-2), "both kernels must be scaled"


@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_layer_equals_numpy(kind: Any) -> None:
    layer = keras.layers.Bidirectional(build_layer(kind))
    sequence, *states = layer(inputs(), mask=MASK)
    forward, backward = layer.forward_layer, layer.backward_layer
    assert isinstance(forward, kind)
    assert isinstance(backward, kind)
    assert not np.array_equal(forward.get_weights()[0], backward.get_weights()[0])
    number = len(states) // 2
    for row, length in enumerate(LENGTHS):
        vectors, zeros = inputs()[row, :length], [np.zeros(UNITS)] * number
        forward_outputs, forward_states = numpy_row(forward, vectors, zeros)
        backward_outputs, backward_states = numpy_row(backward, vectors[::-1], zeros)
        expected = np.concatenate([forward_outputs, backward_outputs[::-1]], axis=-1)
        np.testing.assert_allclose(sequence[row, :length], expected, atol=1e-5)
        for state, right in zip(states, forward_states + backward_states, strict=True):
            np.testing.assert_allclose(state[row], right, atol=1e-5)


@pytest.fixture
def sampled_masks(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Record all dropout masks in the order in which they are sampled."""
    masks: list[np.ndarray] = []

    def watched(*arguments: Any) -> Any:
        masks.append(np.asarray(dropout_mask(*arguments)))
        return masks[-1]

    monkeypatch.setattr(normalized, "dropout_mask", watched)
    return masks


@pytest.mark.parametrize("kind", KINDS)
def test_input_dropout_uses_one_mask_for_all_steps(kind: Any, sampled_masks: list[np.ndarray]) -> None:
    layer = build_layer(kind, dropout=0.5, seed=1)
    found = layer(inputs(), training=True)
    (mask,) = sampled_masks
    assert mask.shape == (ROWS, 1, WIDTH)
    assert set(np.unique(mask)) == {0.0, 2.0}
    for left, right in zip(found, layer(inputs() * mask), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    assert not np.allclose(found[0], layer(inputs(), training=True)[0]), "each call must sample a new mask"


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_dropout_uses_one_mask_for_all_steps(kind: Any, sampled_masks: list[np.ndarray]) -> None:
    """Compare with NumPy, where the mask is applied to the rows of the recurrent weights instead of h."""
    layer = build_layer(kind, recurrent_dropout=0.5, seed=1)
    found, *_ = layer(inputs(), initial_state=initial(kind), training=True)
    (mask,) = sampled_masks
    assert set(np.unique(mask)) == {0.0, 2.0}
    weights = layer.get_weights()
    for row in range(ROWS):
        layer.set_weights([weights[0], weights[1] * mask[row][:, None], *weights[2:]])
        expected, _ = numpy_row(layer, inputs()[row], [state[row] for state in initial(kind)])
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_applies_in_training_only(kind: Any) -> None:
    dropping, plain = build_layer(kind, dropout=0.5, recurrent_dropout=0.5), build_layer(kind)
    for found, expected in zip(dropping(inputs()), plain(inputs()), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_initial_values_of_the_weights(kind: Any) -> None:
    layer = kind(UNITS)
    layer.build((ROWS, STEPS, WIDTH))
    gates = 4 if kind is LayerNormLSTM else 3
    _, _, gain, bias = layer.get_weights()
    assert [weight.shape for weight in layer.weights[:2]] == [(WIDTH, gates * UNITS), (UNITS, gates * UNITS)]
    np.testing.assert_array_equal(gain, np.ones((gates, UNITS)))
    forget = np.array([0, 1, 0, 0]) if gates == 4 else np.zeros(3)
    np.testing.assert_array_equal(bias, np.repeat(forget[:, None], UNITS, axis=1))
