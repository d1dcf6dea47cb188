"""Libraries' own layers beside Keras's loops: the same values and gradients, padded or not, read from either end."""

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

from passerelle.layers.fused import native_layer
from passerelle.layers.recurrent import LSTM

ROWS, STEPS, WIDTH, UNITS = 4, 6, 3, 5
LENGTHS = np.array([[6], [2], [0], [1]])
RIGHT_PADDED = np.arange(STEPS) < LENGTHS


def reference(sequence: Any, h: Any, c: Any, weights: Any, lengths: Any, *sizes: Any) -> Any:
    """JAX's own description of what cuDNN computes, from the flat weights that cuDNN takes."""
    from jax.experimental import rnn

    width, units, layers, dropout, bidirectional = sizes
    parts = rnn.unpack_lstm_weights(weights, width, units, layers, bidirectional)
    return rnn.lstm_ref(sequence, h, c, *parts, lengths, width, units, layers, dropout, bidirectional)


def results(layer: Any, mask: np.ndarray | None) -> list[np.ndarray]:
    """A weighted sum of outputs and states, and its gradients by weights, inputs and initial states."""
    random = np.random.default_rng(2)
    inputs = random.normal(size=(ROWS, STEPS, WIDTH)).astype("f4")
    states = [random.normal(size=(ROWS, UNITS)).astype("f4") for _ in range(2)]

    def value(weights: Any, inputs: Any, states: Any) -> Any:
        given = None if mask is None else jnp.array(mask)
        outputs, _ = layer.stateless_call(
            weights, layer.non_trainable_variables, inputs, initial_state=states, mask=given
        )
        return sum((output * jnp.cos(jnp.arange(output.size).reshape(output.shape))).sum() for output in outputs)

    weights = [variable.value for variable in layer.trainable_variables]
    return jax.tree.leaves(jax.jit(jax.value_and_grad(value, argnums=(0, 1, 2)))(weights, inputs, states))


def twins(**options: Any) -> list[Any]:
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
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """As if there were a GPU: cuDNN's calls go to JAX's reference, and are counted."""
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
def test_cudnn_gets_and_gives_what_keras_would(
    pretended_gpu: list[Any], mask: np.ndarray | None, backwards: bool, zero: bool
) -> None:
    theirs, ours = twins(go_backwards=backwards, zero_output_for_mask=zero)
    for expected, found in zip(results(theirs, mask), results(ours, mask), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert pretended_gpu


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="no GPU here, or JAX does not know of one")
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, RIGHT_PADDED], ids=["no mask", "right-padded"])
def test_cudnn_itself(mask: np.ndarray | None, backwards: bool) -> None:
    theirs, ours = twins(go_backwards=backwards)
    for expected, found in zip(results(theirs, mask), results(ours, mask), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)  # its products may have 10 bits (TF32)


@pytest.mark.parametrize(
    "options",
    [{"recurrent_dtype": "bfloat16"}, {"recurrent_dropout": 0.5}, {"right_padded": False}, {"activation": "relu"}],
    ids=str,
)
def test_what_cudnn_cannot_do_it_is_not_asked_for(pretended_gpu: list[Any], options: dict[str, Any]) -> None:
    layer = LSTM(UNITS, **{"right_padded": True} | options)
    layer(np.zeros((ROWS, STEPS, WIDTH), "f4"), mask=RIGHT_PADDED, training=True)
    assert not pretended_gpu


def test_a_single_step_is_not_worth_a_call(pretended_gpu: list[Any]) -> None:
    assert native_layer("lstm", np.zeros((ROWS, 1, WIDTH), "f4")) is None
    assert native_layer("gru", np.zeros((ROWS, 2, WIDTH), "f4")) is None
    assert native_layer("lstm", np.zeros((ROWS, 2, WIDTH), "f4")) is not None


ON_TORCH = """
import keras, numpy as np, torch
from passerelle.layers import native
from passerelle.layers.recurrent import GRU, LSTM

def twins(kind, **options):
    random = np.random.default_rng(1)
    pair = [made(5, return_sequences=True, return_state=True, **options, **more)
            for made, more in ((getattr(keras.layers, kind.__name__), {}), (kind, {"right_padded": True}))]
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
    wanted = [*(weight.value for weight in layer.trainable_variables), inputs, *states]
    return [value.detach().numpy(), *(part.numpy() for part in torch.autograd.grad(value, wanted))]

calls = []
for name, function in list(native._TORCH.items()):
    native._TORCH[name] = lambda *given, function=function: calls.append(1) or function(*given)
for kind in (LSTM, GRU):
    for backwards in (False, True):
        for mask in (None, np.arange(6) < np.array([[6], [2], [0], [1]])):
            # What stands at padding differs between Keras's own loops too: zeros, so that it does not count.
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
    """What the script prints in a process whose Keras runs on PyTorch."""
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"KERAS_BACKEND": "torch"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@torch_only
def test_pytorchs_layers_give_what_keras_would() -> None:
    assert on_torch(ON_TORCH) == "equal\n"


LEARNING_ON_TORCH = """
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
def test_a_model_taught_on_pytorch_translates_the_same_on_jax(tmp_path: Any) -> None:
    import passerelle

    model = tmp_path / "model.keras"
    text = on_torch(LEARNING_ON_TORCH.replace("sys.argv[1]", repr(str(model))))
    translations = passerelle.load(model).translate([a + b for a in "abcd" for b in "ef"])
    assert str(translations) == text.strip().splitlines()[-1]
