"""Serialization: every registered layer equals the layer restored from its config."""

import importlib
import pkgutil
from typing import Any

import keras
import numpy as np
import pytest

import passerelle.layers
import passerelle.models
from networks import network_of
from passerelle.layers.attention import AdditiveAttention, DotAttention, MultiHeadAttention, SplitHeads
from passerelle.layers.broadcast import Broadcast
from passerelle.layers.cache import Advance, EmptyCache
from passerelle.layers.copying import PointerGenerator
from passerelle.layers.dropout import Dropout
from passerelle.layers.embedding import OneHot, TokenEmbedding
from passerelle.layers.matmul import Dense
from passerelle.layers.monotonic import FirstAlignment, MonotonicAttention
from passerelle.layers.normalized import LayerNormGRU, LayerNormGRUCell, LayerNormLSTM, LayerNormLSTMCell
from passerelle.layers.number_head import NumberHead
from passerelle.layers.pooling import MaskedMean
from passerelle.layers.positions import Positions
from passerelle.layers.projection import Projection
from passerelle.layers.recurrent import GRU, LSTM
from passerelle.layers.reversal import Reverse
from passerelle.layers.step_inputs import FirstStep, StepInputs
from passerelle.layers.transformer import CausalSelfAttention, CrossAttention, FeedForward, SelfAttention
from passerelle.models.bridge import ZeroState
from passerelle.models.sequence_to_sequence import SequenceToSequence

IDS = np.array([[4, 5, 1, 0], [5, 0, 0, 0]], np.int32)
FLOATS = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("f4")
FLOATS_OF_WIDTH_4 = np.random.default_rng(2).normal(size=(2, 4, 4)).astype("f4")
HEADS_OF_WIDTH_2 = np.random.default_rng(3).normal(size=(2, 2, 4, 2)).astype("f4")
CASES: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (OneHot, (IDS,), {"columns": 5, "first": 1, "mask_padding": True}),
    (OneHot, (IDS,), {"columns": 2, "first": 4, "mask_padding": False}),
    (TokenEmbedding, (IDS,), {"columns": 5, "width": 3, "first": 1, "mask_padding": True}),
    (TokenEmbedding, (IDS,), {"columns": 5, "width": 3, "first": 1, "fixed": 2}),
    (LSTM, (FLOATS,), {"units": 3, "recurrent_dtype": "bfloat16", "one_hot": False, "return_sequences": True}),
    (GRU, (FLOATS,), {"units": 3, "recurrent_dtype": "float32", "one_hot": False, "go_backwards": True}),
    (Dense, (FLOATS,), {"units": 7, "activation": "tanh"}),
    (DotAttention, (FLOATS, FLOATS, FLOATS, IDS != 0), {"scaled": False}),
    (AdditiveAttention, (FLOATS, FLOATS_OF_WIDTH_4, FLOATS_OF_WIDTH_4, IDS != 0), {"units": 4, "heads": 2}),
    (FirstAlignment, (IDS != 0,), {"columns": 5}),
    (
        MonotonicAttention,
        (IDS, FLOATS, FLOATS, FLOATS, IDS != 0, FLOATS[:, :, 0], np.zeros((2, 4, 5), "f4")),
        {"columns": 5, "units": 3, "first": 1},
    ),
    (PointerGenerator, (FLOATS, FLOATS_OF_WIDTH_4, FLOATS[:, :, :1] * np.ones(4, "f4"), IDS), {"first": 1}),
    (Dropout, (FLOATS,), {"rate": 0.3, "seed": 4}),
    (Reverse, (FLOATS, IDS != 0), {}),
    (Broadcast, (FLOATS[:, 0], IDS), {}),
    (LayerNormLSTM, (FLOATS,), {"units": 3, "dropout": 0.1, "recurrent_dropout": 0.2, "return_state": True}),
    (LayerNormGRU, (FLOATS,), {"units": 3, "seed": 5, "go_backwards": True, "return_sequences": True}),
    (LayerNormLSTMCell, (FLOATS[:, 0], [FLOATS[:, 1], FLOATS[:, 2]]), {"units": 3}),
    (LayerNormGRUCell, (FLOATS[:, 0], [FLOATS[:, 1]]), {"units": 3}),
    (
        MultiHeadAttention,
        (FLOATS, FLOATS_OF_WIDTH_4, FLOATS_OF_WIDTH_4, IDS != 0),
        {"units": 4, "heads": 2},
    ),
    (Positions, (FLOATS,), {}),
    (MaskedMean, (FLOATS, IDS != 0), {}),
    (SplitHeads, (FLOATS_OF_WIDTH_4,), {"heads": 2}),
    (EmptyCache, (IDS != 0,), {"heads": 2, "width": 2}),
    (Advance, (IDS[:, 0], IDS), {}),
    (SelfAttention, (FLOATS_OF_WIDTH_4, IDS != 0), {"units": 4, "heads": 2, "dropout": 0.1}),
    (
        CausalSelfAttention,
        (FLOATS_OF_WIDTH_4[:, :2], HEADS_OF_WIDTH_2, HEADS_OF_WIDTH_2, IDS[:, 2]),
        {"units": 4, "heads": 2, "dropout": 0.1},
    ),
    (
        CrossAttention,
        (FLOATS_OF_WIDTH_4, FLOATS_OF_WIDTH_4, FLOATS_OF_WIDTH_4, IDS != 0),
        {"units": 4, "heads": 2, "dropout": 0.1},
    ),
    (FeedForward, (FLOATS,), {"units": 3, "width": 5, "dropout": 0.1}),
    (ZeroState, (FLOATS[:, 0],), {"units": 7}),
    (Projection, (FLOATS,), {"width": 5, "mask_padding": True}),
    (Projection, (FLOATS,), {"width": 0, "mask_padding": False}),
    (NumberHead, (FLOATS,), {"columns": 2, "head": "quantiles"}),
    (FirstStep, (IDS,), {}),
    (StepInputs, (FLOATS, IDS[:, 3], IDS[:, :2]), {}),
]


def test_every_registered_layer_has_a_case() -> None:
    for package in (passerelle.layers, passerelle.models):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    objects = keras.saving.get_custom_objects()
    registered = {value for name, value in objects.items() if name.startswith("passerelle>")}
    registered_layers = {value for value in registered if issubclass(value, keras.Layer)}
    assert registered_layers == {kind for kind, _, _ in CASES} | {SequenceToSequence}


@pytest.mark.parametrize(("kind", "inputs", "arguments"), CASES)
def test_config_round_trip(kind: Any, inputs: tuple[Any, ...], arguments: dict[str, Any]) -> None:
    layer = kind(**arguments, name="chosen")
    expected = layer(*inputs)
    config = layer.get_config()
    assert config.items() >= arguments.items()
    assert config["name"] == "chosen"
    for restored in (
        kind.from_config(config),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)),
    ):
        assert type(restored) is kind
        assert restored.get_config() == config
        found = restored(*inputs)  # builds the layer
        restored.set_weights(layer.get_weights())
        found = restored(*inputs)
        for left, right in zip(keras.tree.flatten(expected), keras.tree.flatten(found), strict=True):
            np.testing.assert_array_equal(np.asarray(left), np.asarray(right))
            masks = [getattr(array, "_keras_mask", None) for array in (left, right)]
            assert (masks[0] is None) == (masks[1] is None)


def test_config_of_the_network_includes_its_name() -> None:
    network = network_of({"encoder": {"units": 4}, "decoder": {"units": 8}}, 10, 9, name="chosen")
    restored = SequenceToSequence.from_config(network.get_config())
    assert restored.get_config() == network.get_config()
    assert restored.name == "chosen"
    assert [w.path for w in restored.weights] == [w.path for w in network.weights]
