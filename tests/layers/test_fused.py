"""Fused layers compared with Keras's loops: values and gradients, with and without padding, in both directions."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from passerelle.layers.fused import fused_layer
from passerelle.layers.recurrent import LSTM

ROWS, STEPS, WIDTH, UNITS = 4, 6, 3, 5
LENGTHS = np.array([[6], [2], [0], [1]])
RIGHT_PADDED = np.arange(STEPS) < LENGTHS


def reference(sequence: Any, h: Any, c: Any, weights: Any, lengths: Any, *sizes: Any) -> Any:
    """Compute the results of cuDNN's LSTM by JAX's reference implementation, from cuDNN's flat weights."""
    from jax.experimental import rnn

    width, units, layers, dropout, bidirectional = sizes
    parts = rnn.unpack_lstm_weights(weights, width, units, layers, bidirectional)
    return rnn.lstm_ref(sequence, h, c, *parts, lengths, width, units, layers, dropout, bidirectional)


def results(layer: Any, mask: np.ndarray | None) -> list[np.ndarray]:
    """Return a weighted sum of outputs and states, and its gradients by weights, inputs and initial states."""
    random = np.random.default_rng(2)
    inputs = random.normal(size=(ROWS, STEPS, WIDTH)).astype("f4")
    states = [random.normal(size=(ROWS, UNITS)).astype("f4") for _ in range(2)]

    def value(weights: Any, inputs: Any, states: Any) -> Any:
        mask_array = None if mask is None else jnp.array(mask)
        outputs, _ = layer.stateless_call(
            weights, layer.non_trainable_variables, inputs, initial_state=states, mask=mask_array
        )
        return sum((output * jnp.cos(jnp.arange(output.size).reshape(output.shape))).sum() for output in outputs)

    weights = [variable.value for variable in layer.trainable_variables]
    return jax.tree.leaves(jax.jit(jax.value_and_grad(value, argnums=(0, 1, 2)))(weights, inputs, states))


def twins(**options: Any) -> list[Any]:
    """Return Keras's layer and ours with the same random weights."""
    random = np.random.default_rng(1)
    pair = [
        keras.layers.LSTM(UNITS, return_sequences=True, return_state=True, **options),
        LSTM(UNITS, return_sequences=True, return_state=True, right_padded=True, **options),
    ]
    for layer in pair:
        layer.build((ROWS, STEPS, WIDTH))
    pair[0].set_weights([random.normal(size=weight.shape).astype("f4") for weight in pair[0].weights])
    pair[1].set_weights(pair[0].get_weights())
    return pair


@pytest.fixture
def simulated_gpu(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Simulate a GPU: calls of cuDNN run JAX's reference implementation and are recorded."""
    calls: list[Any] = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return reference(*arguments)

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr("jax.experimental.rnn.lstm", counted)
    return calls


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, RIGHT_PADDED], ids=["no mask", "right-padded"])
def test_layer_on_a_simulated_gpu_equals_keras(
    simulated_gpu: list[Any], mask: np.ndarray | None, backwards: bool, zero: bool
) -> None:
    theirs, ours = twins(go_backwards=backwards, zero_output_for_mask=zero)
    for expected, found in zip(results(theirs, mask), results(ours, mask), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert simulated_gpu


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="JAX sees no GPU")
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, RIGHT_PADDED], ids=["no mask", "right-padded"])
def test_cudnn_equals_keras(mask: np.ndarray | None, backwards: bool) -> None:
    theirs, ours = twins(go_backwards=backwards)
    for expected, found in zip(results(theirs, mask), results(ours, mask), strict=True):
        np.testing.assert_allclose(
            found, expected, rtol=2e-2, atol=2e-2
        )  # cuDNN may multiply in TF32, with 10 bits of precision


@pytest.mark.parametrize(
    "options",
    [{"recurrent_dtype": "bfloat16"}, {"recurrent_dropout": 0.5}, {"right_padded": False}, {"activation": "relu"}],
    ids=str,
)
def test_cudnn_is_not_called_for_unsupported_options(simulated_gpu: list[Any], options: dict[str, Any]) -> None:
    layer = LSTM(UNITS, **{"right_padded": True} | options)
    layer(np.zeros((ROWS, STEPS, WIDTH), "f4"), mask=RIGHT_PADDED, training=True)
    assert not simulated_gpu


def test_cudnn_is_used_only_for_an_lstm_of_several_steps(simulated_gpu: list[Any]) -> None:
    assert fused_layer("lstm", np.zeros((ROWS, 1, WIDTH), "f4")) is None
    assert fused_layer("gru", np.zeros((ROWS, 2, WIDTH), "f4")) is None
    assert fused_layer("lstm", np.zeros((ROWS, 2, WIDTH), "f4")) is not None


COMPARISON_ON_TORCH = """
import keras, numpy as np, torch
from passerelle.layers import fused
from passerelle.layers.recurrent import GRU, LSTM

def twins(kind, **options):
    random = np.random.default_rng(1)
    pair = [build(5, return_sequences=True, return_state=True, **options, **more)
            for build, more in ((getattr(keras.layers, kind.__name__), {}), (kind, {"right_padded": True}))]
    for layer in pair:
        layer.build((4, 6, 3))
    pair[0].set_weights([random.normal(size=weight.shape).astype("f4") for weight in pair[0].weights])
    pair[1].set_weights(pair[0].get_weights())
    return pair

def results(layer, mask):
    random = np.random.default_rng(2)
    inputs = torch.tensor(random.normal(size=(4, 6, 3)).astype("f4"), requires_grad=True)
    states = [torch.tensor(random.normal(size=(4, 5)).astype("f4"), requires_grad=True)
              for _ in layer.cell.state_size] if isinstance(layer.cell.state_size, (list, tuple)) else [
              torch.tensor(random.normal(size=(4, 5)).astype("f4"), requires_grad=True)]
    outputs = layer(inputs, initial_state=states, mask=None if mask is None else torch.tensor(mask))
    value = sum((one * torch.cos(torch.arange(one.numel()).reshape(one.shape))).sum() for one in outputs)
    variables = [*(weight.value for weight in layer.trainable_variables), inputs, *states]
    return [value.detach().numpy(), *(part.numpy() for part in torch.autograd.grad(value, variables))]

calls = []
for name, function in list(fused._TORCH.items()):
    fused._TORCH[name] = lambda *arguments, function=function: calls.append(1) or function(*arguments)
for kind in (LSTM, GRU):
    for backwards in (False, True):
        for mask in (None, np.arange(6) < np.array([[6], [2], [0], [1]])):
            # Keras's own loops already differ in the outputs at padding, so set those to zero.
            theirs, ours = twins(kind, go_backwards=backwards, zero_output_for_mask=True)
            expected = results(theirs, mask)
            before = len(calls)
            found = results(ours, mask)
            assert len(calls) == before + 1
            for left, right in zip(expected, found, strict=True):
                np.testing.assert_allclose(right, left, rtol=1e-4, atol=1e-5)
print("equal")
"""

torch_only = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")


def on_torch(script: str) -> str:
    """Run the script in a process with Keras on PyTorch, and return its standard output."""
    process = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"KERAS_BACKEND": "torch"}, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@torch_only
def test_pytorch_layers_equal_keras() -> None:
    assert on_torch(COMPARISON_ON_TORCH) == "equal\n"


TRAINING_ON_TORCH = """
import sys, warnings
import passerelle
side = {"embedding": 8, "units": 16}
pairs = [(a + b, b + a) for a in "abcdefgh" for b in "abcdefgh"]
settings = {"network": {"attention": "general", "encoder": side, "decoder": side}, "training": {"epochs": 2}}
translator = passerelle.train(pairs, validation=0, settings=settings)
translator.save(sys.argv[1])
print(translator.translate([a + b for a in "abcd" for b in "ef"]))
"""


@torch_only
def test_a_model_trained_on_pytorch_translates_the_same_on_jax(tmp_path: Any) -> None:
    import passerelle

    model = tmp_path / "model.keras"
    text = on_torch(TRAINING_ON_TORCH.replace("sys.argv[1]", repr(str(model))))
    translations = passerelle.load(model).translate([a + b for a in "abcd" for b in "ef"])
    assert str(translations) == text.strip().splitlines()[-1]
