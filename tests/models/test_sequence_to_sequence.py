"""The three Keras models: summaries, shapes, shared layers, direct calls, `fit`, saving and loading."""

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import h5py
import keras
import numpy as np
import pytest
from keras import ops

from combinations import MAX_STEPS
from networks import network_of
from passerelle.bundle.model_file import FORMAT, load_network, save_network
from passerelle.errors import SettingsError
from passerelle.models.ids import first_source_column, first_target_column
from passerelle.plots.diagram import draw_model
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import END, IMPOSSIBLE, PAD, START, UNK

SIZES = (10, 9)


def models_of(network: Any) -> list[Any]:
    return [network, network.inference_encoder, network.inference_decoder]


def test_summary_of_each_model(harness: Any) -> None:
    for model in models_of(harness.network):
        lines: list[str] = []
        model.summary(print_fn=lines.append)
        text = "\n".join(lines)
        assert model.name in text
        assert f"{model.count_params():,}" in text
    assert [model.name for model in models_of(harness.network)] == [
        "training_model", "inference_encoder", "inference_decoder",
    ]  # fmt: skip


def test_diagram_of_each_model(harness: Any) -> None:
    for model in models_of(harness.network):
        picture = ElementTree.fromstring(draw_model(model))
        words = {element.text for element in picture.iter() if element.text}
        assert any(model.name in text for text in words)
        called = {layer.name for layer in model.layers if model is harness.network and layer.weights}
        assert called <= words, "every layer with weights must have a box"


def test_shapes_of_inputs_and_outputs(harness: Any, combination: Any, example: Any) -> None:
    network = harness.network
    columns = SIZES[1] - (UNK if combination.unknown else START)
    copied = 6 if combination.copying else 0
    assert harness.logits(example.source, example.target).shape == (3, 7, columns + copied)
    assert network.output_shape == (None, None, None if copied else columns)
    assert network.stepper.first == (UNK if combination.unknown else START)

    names = ("h", "c") if combination.cell == "lstm" else ("h",)
    states = {f"decoder_{layer}_{name}": (3, 8) for layer in range(1, combination.decoder_layers + 1) for name in names}
    states |= {"fed": (3, 8)} if combination.input_feeding else {}
    blocks, heads = range(1, combination.decoder_layers + 1), network.settings.heads
    if combination.decoder_kind == "transformer":
        states = {
            f"decoder_{block}_{name}": (3, heads, MAX_STEPS, 8 // heads)
            for block in blocks
            for name in ("keys", "values")
        }
        states["decoder_position"] = (3,)
    width = network.settings.encoder.widths[-1]
    memory = {}
    if combination.attention == "multi-head" and combination.decoder_kind == "transformer":
        memory = {
            f"memory_{name}_{block}": (3, heads, 6, 8 // heads) for block in blocks for name in ("keys", "values")
        }
        memory["memory_mask"] = (3, 6)
    elif combination.attention != "none":
        projected_keys = combination.attention not in ("dot", "scaled-dot")
        memory = {
            "memory_values": (3, 6, 8 if combination.attention == "multi-head" else width),
            "memory_keys": (3, 6, 8 if projected_keys else width),
            "memory_mask": (3, 6),
        }
    if combination.attention == "monotonic":
        states |= {"alignment": (3, 6), "emissions": (3, 6, columns + copied)}
        memory["memory_values"] = (3, 6, 8)
    optional = ({"memory_copies": (3, 6)} if copied else {}) | (
        {"memory_context": (3, width)} if combination.reads != "token" else {}
    )
    if combination.tags:
        optional["memory_tags"] = (3, combination.source_width or network.settings.encoder.units)
    begun = harness.begin(example.source)
    assert {name: tuple(value.shape) for name, value in begun.items()} == states | memory | optional
    if memory:
        np.testing.assert_array_equal(begun["memory_mask"], example.source != PAD)

    outputs, _ = harness.decode(example.target, begun)
    expected = {"logits": (3, 7, columns + copied)} | states | ({"attention": (3, 7, 6)} if memory else {})
    assert {name: value.shape for name, value in outputs.items()} == expected


def test_the_models_share_every_weight(harness: Any) -> None:
    training, encoder, decoder = ([id(w) for w in model.weights] for model in models_of(harness.network))
    assert len(set(training)) == len(training)
    assert set(encoder) | set(decoder) == set(training)
    assert not set(encoder) & set(decoder)


def test_changed_weights_change_all_three_models(harness: Any, example: Any, combination: Any) -> None:
    network = harness.network
    before = network.get_weights()
    logits = harness.logits(example.source, example.target)
    begun = harness.begin(example.source)
    outputs, _ = harness.decode(example.target[:, :1], begun)
    try:
        network.set_weights([weight * 1.5 for weight in before])
        assert not np.allclose(harness.logits(example.source, example.target), logits)
        begun_after = harness.begin(example.source)
        changed = [name for name in begun if not np.allclose(begun[name], begun_after[name])]
        same = {"memory_mask", "memory_copies", "alignment", "emissions", "fed"}
        zero = combination.bridge == "zero" or combination.decoder_kind == "transformer"
        assert changed == [name for name in begun if name not in same and not (zero and name.startswith("decoder"))]
        assert not np.allclose(harness.decode(example.target[:, :1], begun)[0]["logits"], outputs["logits"])
    finally:
        network.set_weights(before)


def test_direct_calls_equal_compiled_calls(harness: Any, example: Any) -> None:
    """The decoder accepts the outputs of the encoder unchanged, also without compilation, as in a notebook."""
    network = harness.network
    inputs = {name: ops.convert_to_tensor(ids) for name, ids in harness.inputs(example.source).items()}
    target = ops.convert_to_tensor(example.target)
    logits = np.asarray(network(inputs | {"target": target}))
    np.testing.assert_allclose(logits, harness.logits(example.source, example.target), rtol=1e-5, atol=1e-5)
    state = network.inference_encoder(inputs)
    outputs = network.inference_decoder({"target": target[:, :1], **state})
    np.testing.assert_allclose(np.asarray(outputs["logits"])[:, 0], logits[:, 0], rtol=1e-5, atol=1e-5)


def test_step_gives_log_probabilities_by_id(harness: Any, example: Any, combination: Any) -> None:
    network = harness.network
    from passerelle.models.compiled import compiled

    ids = np.full(3, START, np.int32)
    log_probs, state = compiled(network.stepper.step, network.variables)(ids, harness.begin(example.source))
    log_probs = np.asarray(log_probs)
    assert log_probs.shape == (3, SIZES[1] + (6 if combination.copying else 0))
    impossible = {PAD, START} | (set() if combination.unknown else {UNK})
    for identifier in range(SIZES[1]):
        assert (log_probs[:, identifier] == IMPOSSIBLE).all() == (identifier in impossible), identifier
    # The softmax includes the column of START; impossible tokens are set to IMPOSSIBLE afterwards.
    logits = harness.logits(example.source, example.target)[:, 0].astype(np.float64)
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(log_probs[:, END:], expected[:, END - network.stepper.first :], rtol=1e-5, atol=1e-5)
    assert set(state) == set(harness.begin(example.source))


def test_compile_fit_save_and_load(harness: Any, example: Any, combination: Any, tmp_path: Path) -> None:
    """Keras's `compile` and `fit` train every weight, and the model file contains neither optimizer nor loss."""
    network = harness.network
    start = network.get_weights()
    network.compile(
        optimizer=keras.optimizers.SGD(1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs = harness.inputs(example.source) | {"target": example.target[:, :-1]}
    columns = example.target[:, 1:] - network.stepper.first
    weights = (columns >= 0) * 1.0
    try:
        history = network.fit(inputs, np.maximum(columns, 0), sample_weight=weights, batch_size=3, verbose=0)
        fitted = network.get_weights()
    finally:
        network.set_weights(start)
    assert np.isfinite(history.history["loss"]).all()
    for variable, before, after in zip(network.trainable_variables, start, fitted, strict=True):
        assert np.isfinite(after).all(), variable.path
        # A zero bridge without attention passes nothing on from the encoder, so its weights have no gradient. A tied
        # table gets its gradient from the decoder.
        unused = ("encoder",) if combination.tie == "all" else ("encoder", "source")
        trained = combination.source_affects_output or not variable.path.startswith(unused)
        assert (after != before).any() == trained, variable.path

    path = tmp_path / "model.keras"
    save_network(network, {"note": "é"}, path, check=lambda network, content: None)
    with zipfile.ZipFile(path) as archive:
        assert not json.loads(archive.read("config.json")).get("compile_config")
        with archive.open("model.weights.h5") as raw, h5py.File(raw, "r") as weights:
            names: list[str] = []
            weights.visit(names.append)
    assert not [name for name in names if "optimizer" in name]

    loaded, content = load_network(path)
    assert content == {"format": FORMAT, "note": "é"}
    assert loaded.get_config() == network.get_config()
    assert not loaded.compiled
    assert getattr(loaded, "optimizer", None) is None
    for left, right in zip(network.weights, loaded.weights, strict=True):
        assert left.path == right.path
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))
    # The loaded network is rebuilt from its settings and must give the same logits.
    from passerelle.models.compiled import compiled

    logits = compiled(lambda inputs: loaded(inputs), loaded.variables)
    inputs = harness.inputs(example.source) | {"target": example.target}
    np.testing.assert_array_equal(np.asarray(logits(inputs)), harness.logits(example.source, example.target))


@pytest.mark.parametrize(("unknown", "source", "target"), [(True, 1, 1), (False, 4, 2)])
def test_ids_of_the_first_columns(unknown: bool, source: int, target: int) -> None:
    settings = NetworkSettings(unknown=unknown)
    assert (first_source_column(settings), first_target_column(settings)) == (source, target)


@pytest.mark.parametrize("size", [4, 0, -1, 2**21 + 1, 7.0, True, "7", None])
def test_invalid_vocabulary_sizes(size: Any) -> None:
    for sizes in ((size, 9), (10, size)):
        with pytest.raises(SettingsError, match="a vocabulary must have 5 to 2097152 ids, received"):
            network_of(NetworkSettings(), *sizes)


def test_errors_name_the_invalid_setting() -> None:
    with pytest.raises(SettingsError, match=r"encoder\.units"):
        network_of({"encoder": {"units": 0}}, *SIZES)
    with pytest.raises(SettingsError, match="bridge 'copy' requires encoder and decoder states"):
        network_of({"bridge": "copy", "encoder": {"units": 3}, "decoder": {"units": 4}}, *SIZES)


@pytest.mark.parametrize("limit", [0.05, 3.0])
def test_embedding_init_range_limits_the_initial_vectors(limit: float) -> None:
    side = {"embedding": 32, "units": 4}
    network = network_of({"embedding_init_range": limit, "encoder": side, "decoder": side}, *SIZES)
    for name in ("source", "target"):
        largest = np.abs(np.asarray(network.table(name).value)).max()
        assert 0.9 * limit < largest <= limit
