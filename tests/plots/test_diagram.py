"""Diagrams of models: their boxes, arrows and texts, and that nothing overlaps."""

import os
import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import pytest
from keras import layers, ops

from passerelle.plots.diagram import draw_model

ROUNDED = 0.11  # coordinates have one digit after the point
SVG = "{http://www.w3.org/2000/svg}"


class Picture:
    """A parsed diagram: boxes as (left, top, right, bottom) with their texts, and arrows as points."""

    def __init__(self, svg):
        root = ElementTree.fromstring(svg)
        self.width, self.height = float(root.get("width")), float(root.get("height"))
        self.title, self.description = root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")
        drawing = root.find(f"{SVG}g")
        origin = shift_of(drawing)
        self.boxes, self.texts, self.arrows, self.dashed, self.counts = [], [], {}, set(), []
        for group in drawing.iter(f"{SVG}g"):
            if group.get("data-box"):
                left, top = (a + b for a, b in zip(origin, shift_of(group), strict=True))
                rect = group.find(f"{SVG}rect")
                size = float(rect.get("width")), float(rect.get("height"))
                self.boxes.append((left, top, left + size[0], top + size[1]))
                self.texts.append([text.text for text in group.iter(f"{SVG}text")])
        for path in drawing.iter(f"{SVG}path"):
            if path.get("data-arrow"):
                ends = tuple(map(int, path.get("data-arrow").split()))
                points = [(x + origin[0], y + origin[1]) for x, y in sampled(path.get("d"))]
                self.arrows.setdefault(ends, []).append(points)
                if path.get("stroke-dasharray"):
                    self.dashed.add(ends)
        self.counts = [text.text for text in drawing.findall(f"{SVG}text")]

    @property
    def all_texts(self):
        return [text for texts in self.texts for text in texts]

    def box(self, name):
        found = [at for at, texts in enumerate(self.texts) if name in texts]
        assert len(found) == 1, f"{name} is in boxes {found}"
        return found[0]

    @property
    def named_arrows(self):
        """The first texts of both boxes of each arrow, sorted; the first text of an output box is its head."""
        return sorted((self.texts[source][0], self.texts[target][0]) for source, target in self.arrows)


def shift_of(group):
    return tuple(map(float, re.findall(r"[-\d.]+", group.get("transform"))))


def sampled(path):
    """Return points along a path of M, V and C commands, 50 per curve."""
    points = []
    for command, numbers in re.findall(r"([MVC])([^MVC]*)", path):
        values = [float(number) for number in numbers.split()]
        if command == "M":
            points.append((values[0], values[1]))
            continue
        x, y = points[-1]
        if command == "V":
            points += [(x, y + (values[0] - y) * step / 10) for step in range(1, 11)]
            continue
        corners = [(x, y), *zip(values[::2], values[1::2], strict=True)]
        for step in range(1, 51):
            t = step / 50
            weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
            points.append(tuple(sum(w * c[k] for w, c in zip(weights, corners, strict=True)) for k in (0, 1)))
    return points


@cache
def tutorial():
    """Return the three models of the character-level tutorial, which share their layers."""
    encoder_inputs = keras.Input((None, 71), name="encoder_inputs")
    _, h, c = layers.LSTM(256, return_state=True, name="encoder_lstm")(encoder_inputs)
    decoder_inputs = keras.Input((None, 93), name="decoder_inputs")
    lstm = layers.LSTM(256, return_sequences=True, return_state=True, name="decoder_lstm")
    dense = layers.Dense(93, activation="softmax", name="decoder_dense")
    outputs, _, _ = lstm(decoder_inputs, initial_state=[h, c])
    training = keras.Model([encoder_inputs, decoder_inputs], dense(outputs), name="training")
    encoder = keras.Model(encoder_inputs, [h, c], name="encoder")
    states = [keras.Input((256,), name="state_h"), keras.Input((256,), name="state_c")]
    outputs, h, c = lstm(decoder_inputs, initial_state=states)
    decoder = keras.Model([decoder_inputs, *states], [dense(outputs), h, c], name="decoder")
    return training, encoder, decoder


def deep():
    """Return eight bidirectional layers with residual sums, and the masks that Keras computes between them."""
    ids = keras.Input((None,), dtype="int32", name="source")
    x = layers.Embedding(50, 16, mask_zero=True, name="source_embedding")(ids)
    for at in range(8):
        lstm = layers.LSTM(8, return_sequences=True)
        x = layers.Add(name=f"residual_{at}")([x, layers.Bidirectional(lstm, name=f"encoder_{at}")(x)])
    return keras.Model(ids, x, name="deep")


def attentive():
    """Return a model with attention whose context feeds the layers above; inputs and outputs are dicts."""
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    mask = ops.not_equal(source, 0)
    memory = layers.Embedding(50, 16, name="source_embedding")(source)
    states = []
    for at in range(3):
        lstm = layers.LSTM(16, return_sequences=True, return_state=True, name=f"encoder_{at}")
        memory, *state = lstm(memory, mask=mask)
        states.append(state)
    query, context = layers.Embedding(60, 16, name="target_embedding")(target), None
    for at in range(3):
        lstm = layers.LSTM(16, return_sequences=True, return_state=True, name=f"decoder_{at}")
        query, *_ = lstm(query, initial_state=states[at])
        if context is None:
            attention = layers.AdditiveAttention(name="attention")
            context, weights = attention([query, memory], mask=[None, mask], return_attention_scores=True)
        query = layers.Concatenate(name=f"join_{at}")([query, context])
    scores = ops.log_softmax(layers.Dense(60, name="logits")(query))
    outputs = {"log_probabilities": scores, "attention": weights}
    return keras.Model({"source": source, "target": target}, outputs, name="attentive")


def stepper():
    """Return one step of a four-layer decoder: eleven inputs, nine outputs in a tree."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    memory, mask = keras.Input((None, 16), name="memory"), keras.Input((None,), dtype="bool", name="mask")
    query, inputs, states = layers.Embedding(60, 16, name="embedding")(tokens), [tokens, memory, mask], []
    for at in range(4):
        state = [keras.Input((16,), name=f"{part}_{at}") for part in "hc"]
        lstm = layers.LSTM(16, return_sequences=True, return_state=True, name=f"decoder_{at}")
        query, *after = lstm(query, initial_state=state)
        inputs, states = [*inputs, *state], [*states, after]
        if at == 0:
            context = layers.Attention(name="attention")([query, memory], mask=[None, mask])
        query = layers.Concatenate(name=f"join_{at}")([query, context])
    outputs = {"logits": layers.Dense(60, name="dense")(query), "states": states}
    return keras.Model(inputs, outputs, name="stepper")


def twins():
    """Return a model with a layer that is called three times, operations, and an input that is an output."""
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    tower = layers.Dense(4, name="tower")
    both = ops.concatenate([tower(left), tower(right), *[tower(left)] * 5])
    return keras.Model([left, right], [layers.Dense(1, name="score")(both), left], name="twins")


MODELS = {
    "training": lambda: tutorial()[0],
    "encoder": lambda: tutorial()[1],
    "decoder": lambda: tutorial()[2],
    "deep": deep,
    "attentive": attentive,
    "stepper": stepper,
    "twins": twins,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


def test_every_operation_has_a_box(model):
    picture = Picture(draw_model(model))
    for operation in model.operations:
        calls = sum(f"{id(operation)}_ib-{at}" in model._nodes for at in range(len(operation._inbound_nodes)))
        assert sum(texts[0] == operation.name for texts in picture.texts) == calls


def test_no_two_boxes_overlap_and_all_are_inside(model):
    picture = Picture(draw_model(model))
    for at, (left, top, right, bottom) in enumerate(picture.boxes):
        assert left >= 0
        assert top >= 0
        assert right <= picture.width
        assert bottom <= picture.height
        for other in picture.boxes[:at]:
            assert right < other[0] or other[2] < left or bottom < other[1] or other[3] < top


def test_no_arrow_runs_through_a_box(model):
    picture = Picture(draw_model(model))
    assert picture.arrows
    for points in (points for paths in picture.arrows.values() for points in paths):
        for x, y in points:
            for left, top, right, bottom in picture.boxes:
                assert not (left < x < right and top + ROUNDED < y < bottom - ROUNDED)


def test_arrows_go_down_from_the_source_to_the_target(model):
    picture = Picture(draw_model(model))
    for (source, target), paths in picture.arrows.items():
        assert len(paths) == 1, "merged"
        (first_x, first_y), (last_x, last_y) = paths[0][0], paths[0][-1]
        left, _, right, bottom = picture.boxes[source]
        assert left < first_x < right
        assert first_y == pytest.approx(bottom, abs=0.2)
        left, top, right, _ = picture.boxes[target]
        assert left < last_x < right
        assert 0 < top - last_y < 10, "ends inside the arrow's head"
        assert all(y < next_y + ROUNDED for (_, y), (_, next_y) in pairwise(paths[0]))


def test_training_model_of_the_tutorial():
    picture = Picture(draw_model(tutorial()[0], title="Training"))
    assert picture.named_arrows == [
        ("decoder_dense", "output"),
        ("decoder_inputs", "decoder_lstm"),
        ("decoder_lstm", "decoder_dense"),
        ("encoder_inputs", "encoder_lstm"),
        ("encoder_lstm", "decoder_lstm"),
    ]
    assert picture.counts == ["×2"], "h and c, in one arrow"
    assert picture.texts[picture.box("encoder_lstm")] == [
        "encoder_lstm",
        "LSTM",
        "input",
        "output",
        "(None, None, 71)",
        "[(None, 256), (None, 256), (None, 256)]",
    ]
    assert "[(None, None, 93), (None, 256), (None, 256)]" in picture.texts[picture.box("decoder_lstm")]
    assert picture.title == "Training"
    assert "encoder_lstm to decoder_lstm" in picture.description


def test_inference_models_show_only_their_own_calls():
    _, encoder, decoder = tutorial()
    picture = Picture(draw_model(encoder))
    assert picture.named_arrows == [("encoder_inputs", "encoder_lstm"), ("encoder_lstm", "outputs")]
    assert {"encoder_lstm[1]", "encoder_lstm[2]", "(None, 256)"} <= set(picture.texts[-1])
    assert "decoder_lstm" not in picture.all_texts
    assert picture.title == "Model encoder"
    picture = Picture(draw_model(decoder))
    assert len(picture.arrows) == 6
    assert "encoder_lstm" not in picture.all_texts
    assert "LSTM" in picture.texts[picture.box("decoder_lstm")], "calls in other models are not counted"


def test_inputs_are_at_the_top_and_outputs_at_the_bottom(model):
    picture = Picture(draw_model(model))
    inputs = [box for box, texts in zip(picture.boxes, picture.texts, strict=True) if "InputLayer" in texts]
    assert len(inputs) == len(model.inputs)
    if len(inputs) <= 4:
        assert len({top for _, top, _, _ in inputs}) == 1
        highest = min(top for box, (_, top, _, _) in enumerate(picture.boxes) if picture.boxes[box] not in inputs)
        assert all(bottom < highest for *_, bottom in inputs)
    lowest = max(range(len(picture.boxes)), key=lambda at: picture.boxes[at][3])
    assert picture.texts[lowest][0] in ("output", "outputs")


def test_outputs_are_named_by_their_path_in_the_tree():
    picture = Picture(draw_model(stepper()))
    labels = [text for texts in picture.texts if texts[0].startswith("output") for text in texts]
    assert {"logits", "states.0.0", "states.0.1", "states.3.1"} <= set(labels)
    picture = Picture(draw_model(attentive()))
    assert ("attention", "output") in picture.named_arrows
    assert ("log_softmax", "output") in [(re.sub(r"_\d+$", "", a), b) for a, b in picture.named_arrows]


def test_a_layer_has_a_box_for_each_call():
    picture = Picture(draw_model(twins()))
    kinds = [texts[1] for texts in picture.texts if texts[0] == "tower"]
    assert sorted(kinds) == ["Dense, call 1 of 3", "Dense, call 2 of 3", "Dense, call 3 of 3"]
    assert picture.counts == ["×5"]
    assert ("left", "output") in picture.named_arrows, "an input that is an output"


def test_masks_are_dashed_and_operations_are_small():
    picture = Picture(draw_model(attentive()))
    (mask,) = (at for at, texts in enumerate(picture.texts) if texts[0].startswith("not_equal"))
    assert picture.texts[mask][1:] == ["(None, None)"]
    assert picture.dashed == {ends for ends in picture.arrows if ends[0] == mask}
    assert len(picture.dashed) == 4, "three encoder layers and the attention"
    small, layer = picture.boxes[mask], picture.boxes[picture.box("encoder_0")]
    assert small[3] - small[1] < layer[3] - layer[1]


def test_wrapped_layers_and_long_shapes():
    x = keras.Input((None, 4), name="x")
    lstm = layers.LSTM(3, return_sequences=True, return_state=True)
    y, *states = layers.Bidirectional(lstm, name="both")(x)
    z = layers.Concatenate(name="join")([*states, *states, *states])
    w = layers.TimeDistributed(layers.Dense(2), name="each")(y)
    picture = Picture(draw_model(keras.Model(x, {"first": z, "second": w})))
    assert "Bidirectional (LSTM)" in picture.texts[picture.box("both")]
    assert "TimeDistributed (Dense)" in picture.texts[picture.box("each")]
    assert "[12 × (None, 3)]" in picture.texts[picture.box("join")]
    wide = [keras.Input((100 + at, 7), name=f"wide_{at}") for at in range(6)]
    picture = Picture(draw_model(keras.Model(wide, {"end": layers.Concatenate(axis=1, name="join")(wide)})))
    lines = [text for text in picture.texts[picture.box("join")] if "7)" in text]
    assert lines[0].startswith("[(None, 100, 7), ")
    assert max(map(len, lines)) <= 60


def test_nested_and_sequential_models():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2)], name="inner")
    picture = Picture(draw_model(inner))
    assert len(picture.boxes) == 4
    x = keras.Input((4,), name="x")
    picture = Picture(draw_model(keras.Model(x, inner(x))))
    assert picture.texts[picture.box("x")][1] == "InputLayer"
    assert "Sequential" in picture.texts[1]
    assert "first" not in picture.all_texts


def test_an_unused_input_is_drawn():
    used, unused = keras.Input((4,), name="used"), keras.Input((4,), name="unused")
    picture = Picture(draw_model(keras.Model([used, unused], layers.Dense(1)(used))))
    assert picture.box("unused") not in {at for ends in picture.arrows for at in ends}


def test_special_characters_are_escaped():
    x = keras.Input((4,), name="a<b>&\"c'")
    svg = draw_model(keras.Model(x, {'k<&"': layers.Dense(2, name="d\x00&lt;")(x)}), title="<script>&\x0b")
    picture = Picture(svg)
    assert picture.title == "<script>&\ufffd"
    assert "<script" not in svg
    assert {"a<b>&\"c'", 'k<&"', "d\ufffd&lt;"} <= set(picture.all_texts)


def test_the_picture_is_self_contained():
    svg = draw_model(deep(), title="Deep")
    assert not re.search(r"<script|<image|href|url\(|@import", svg)
    assert svg.count("http") == 1, "the namespace"
    assert ">Deep</text>" in svg


def test_equal_models_give_equal_pictures():
    pictures = []
    for _ in range(2):
        keras.backend.clear_session()
        pictures.append(draw_model(attentive()))
    assert pictures[0] == pictures[1]


def test_models_without_a_graph_raise_errors():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    for model in (Subclassed(name="mine"), keras.Sequential([layers.Dense(3)])):
        with pytest.raises(ValueError, match=r"must be a functional Keras model.*received: (Subclassed|Seq)"):
            draw_model(model)


def test_importing_the_module_loads_no_keras():
    code = "import sys, passerelle.plots.diagram; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
