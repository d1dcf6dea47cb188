"""Tied embeddings: the output layer, gradients, the joint vocabulary, and errors."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import passerelle
from networks import network_of
from passerelle.errors import SettingsError
from passerelle.fields.signature import fit_text_signature
from passerelle.layers.embedding import TokenEmbedding
from passerelle.layers.tied import SharedEmbedding, TiedOutput
from passerelle.settings import NetworkSettings, make_settings, validated
from passerelle.training.loss import cross_entropy_sums

IDS = np.array([[0, 1, 5, 3]], np.int32)


def embedding() -> Any:
    layer = TokenEmbedding(6, 4, first=1)
    layer.build(IDS.shape)
    layer.set_weights([np.random.default_rng(1).normal(size=(6, 4)).astype("f4")])
    return layer


@pytest.mark.parametrize("width", [4, 7])
def test_tied_output_multiplies_by_the_table(width: int) -> None:
    vectors = embedding()
    inputs = np.random.default_rng(2).normal(size=(2, 3, width)).astype("f4")
    layer: Any = TiedOutput(vectors)
    assert layer(inputs).shape == layer.compute_output_shape((2, 3, width)) == (2, 3, 6)
    layer.bias.assign(np.arange(6.0))
    projected = inputs if width == 4 else inputs @ np.asarray(layer.projection.kernel.value)
    expected = projected @ np.asarray(vectors.table.value).T + np.arange(6)
    np.testing.assert_allclose(np.asarray(layer(inputs)), expected, rtol=1e-5, atol=1e-5)
    assert [tuple(weight.shape) for weight in layer.weights] == [(6,)] + ([] if width == 4 else [(7, 4)])


def test_shared_embedding_has_no_weights() -> None:
    vectors = embedding()
    layer = SharedEmbedding(vectors)
    np.testing.assert_array_equal(np.asarray(layer(IDS)), np.asarray(vectors(IDS)))
    assert layer.weights == []


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("tie", ["target", "all"])
def test_gradient_of_a_tied_table_includes_all_its_uses(
    tie: str, input_feeding: bool, make_harness: Any, example: Any
) -> None:
    jax = pytest.importorskip("jax")
    if keras.backend.backend() != "jax":
        pytest.skip("computes the gradient with JAX")
    side = {"embedding": 3, "units": 4}
    settings = {"tie": tie, "attention": "general", "input_feeding": input_feeding, "encoder": side, "decoder": side}
    network = make_harness(settings).network
    path = network.table("source" if tie == "all" else "target").path
    index = next(i for i, variable in enumerate(network.trainable_variables) if variable.path == path)
    trainable = [variable.value for variable in network.trainable_variables]
    fixed = [variable.value for variable in network.non_trainable_variables]
    inputs = {"source": example.source, "target": example.target}
    direction = np.random.default_rng(5).normal(size=trainable[index].shape).astype("f4")

    def sum_of(logits: Any) -> Any:
        return cross_entropy_sums(logits, example.target, first=network.stepper.first)[0]

    def loss(step: Any) -> Any:
        moved = [value + step * direction if i == index else value for i, value in enumerate(trainable)]
        return sum_of(network.stateless_call(moved, fixed, inputs)[0])

    def loss_at(step: float) -> float:
        network.trainable_variables[index].assign(trainable[index] + step * direction)
        return float(sum_of(network(inputs)))

    slope = (loss_at(1e-2) - loss_at(-1e-2)) / 2e-2
    network.trainable_variables[index].assign(trainable[index])
    np.testing.assert_allclose(jax.grad(loss)(0.0), slope, rtol=2e-2)
    assert abs(slope) > 1e-2


PAIRS = [("a b c", "b a"), ("c b", "d c"), ("a d", "e a"), ("e c", "c")]


def test_tie_all_has_one_joint_vocabulary(tmp_path: Path) -> None:
    translator = passerelle.train(
        PAIRS, preset="pointer", level="word", settings={"network": {"tie": "all"}}, units=4, epochs=1, validation=0
    )
    assert translator.source.vocabulary.tokens == (" a", " b", " c", " d", " e") == translator.target.vocabulary.tokens
    tables = [weight.path for weight in translator.network.weights if "table" in weight.path]
    assert tables == ["source_embedding/table"]
    translator.save(tmp_path / "m.keras")
    loaded = passerelle.load(tmp_path / "m.keras")
    assert loaded.translate("a e") == translator.translate("a e")
    assert loaded.settings.network.tie == "all"


def test_tie_target_has_two_vocabularies() -> None:
    settings = make_settings(None, {"network": {"tie": "target"}}, {"source_level": "word"})
    signature = fit_text_signature(settings, {"source": ["a b"], "target": ["c"]}, name="pairs")
    tokenizers = signature.source.tokenizer, signature.target.tokenizer
    assert tuple(one.vocabulary.tokens for one in tokenizers) == ((" a", " b"), ("c",))


EMBEDDED = {"embedding": 3, "units": 4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"decoder": {"embedding": 0}},
            r"decoder\.embedding above 0 and decoder\.feedback = true, received: decoder\.embedding=0",
        ),
        ({"decoder": EMBEDDED | {"feedback": False, "context": True}}, r"decoder\.feedback=False"),
        ({"attention": "monotonic"}, r"tie 'all' requires an output layer, and attention 'monotonic' has none"),
        ({"encoder": {"embedding": 5}}, r"equal encoder\.embedding and decoder\.embedding, received: 5 and 3"),
    ],
)
def test_network_settings_that_do_not_allow_tying(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        validated(NetworkSettings, {"tie": "all", "encoder": EMBEDDED, "decoder": EMBEDDED} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target.level": "word"}, r"equal tokenizers, received: source\.level='character', target\.level='word'"),
        ({"source.lowercase": True}, r"received: source\.lowercase=True, target\.lowercase=False"),
        ({"tags.mode": "inline"}, r"does not support inline tags"),
    ],
)
def test_text_settings_that_do_not_allow_a_joint_vocabulary(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make_settings(None, {"network": {"tie": "all"}}, assignments=changes)


def test_tied_vocabularies_of_different_sizes() -> None:
    with pytest.raises(
        SettingsError, match=r"tie 'all' needs vocabularies of equal size .* received: 8 source ids \(0 extra\)"
    ):
        network_of({"tie": "all"}, 8, 9)
