"""Field interfaces, tested with a kind of field outside the package, and with a model of two outputs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import ops

from passerelle.bundle.bundle import Bundle, load_bundle, save_bundle
from passerelle.data.batches import Batches
from passerelle.data.lengths import Lengths
from passerelle.errors import DataError, SettingsError
from passerelle.fields.field import FIELD_KINDS, Columns, Field
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.layers.matmul import dense
from passerelle.models.compiled import compiled
from passerelle.models.encoders import ENCODERS
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.ragged import Ragged
from passerelle.special_tokens import START
from passerelle.text.level import make_tokenizer
from passerelle.translator import Translator

SIDE = {"embedding": 6, "units": 12}
NETWORK = {"attention": "general", "embedding_init_range": 1.0, "encoder": SIDE, "decoder": SIDE}
DEGREES = [-20.0, -5.0, 3.0, 12.0, 25.0, 31.0, 40.0]


class Measurement(Field):
    """One number per row, standardized with the mean and standard deviation of the training rows."""

    kind = "measurement"

    def __init__(self, name: str, mean: float, scale: float):
        super().__init__(name)
        self.mean, self.scale = mean, scale

    @classmethod
    def fit(cls, name: str, values: Any) -> "Measurement":
        return cls(name, float(np.mean(values)), float(np.std(values)))

    def encode(self, columns: Columns) -> dict[str, Ragged]:
        values = (np.array(columns[self.name], np.float32)[:, None] - self.mean) / self.scale
        return {self.name: Ragged.from_lengths(values.astype(np.float32), np.ones(len(values), np.int64))}

    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind, "width": 1}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "mean": self.mean, "scale": self.scale}

    @classmethod
    def from_json(cls, name: str, content: Mapping[str, Any]) -> "Measurement":
        return cls(name, float(content["mean"]), float(content["scale"]))


class MeasurementEncoder:
    """float (batch, 1, width) -> float (batch, 8), through two dense layers."""

    has_vector = True
    has_steps = False

    def __init__(self, name: str, spec: Mapping[str, Any], settings: Any):
        self.layers = [dense(8, activation="tanh", name=f"{name}_hidden"), dense(8, name=f"{name}_output")]

    def __call__(self, values: Any) -> Encoded:
        hidden, output = self.layers
        return Encoded(vector=output(hidden(values[:, 0])))


@pytest.fixture(scope="module", autouse=True)
def registered_encoder() -> Iterator[None]:
    ENCODERS["measurement"] = MeasurementEncoder
    yield
    del ENCODERS["measurement"], FIELD_KINDS["measurement"]


def text(name: str, *texts: str, **options: Any) -> TextField:
    return TextField(name, make_tokenizer("word", texts=texts), **options)


def weather() -> tuple[Signature, dict[str, list[Any]]]:
    """Rows whose translation depends on a second input, a temperature."""
    rows = [(place, degrees) for place in ("in town", "at sea") for degrees in DEGREES for _ in range(4)]
    columns: dict[str, list[Any]] = {
        "source": [place for place, _ in rows],
        "degrees": [degrees for _, degrees in rows],
        "target": [f"{'cold' if degrees < 8 else 'warm'} {place}" for place, degrees in rows],
    }
    inputs = {"source": text("source", *columns["source"]), "degrees": Measurement.fit("degrees", columns["degrees"])}
    return Signature(inputs, {"target": text("target", *columns["target"])}), columns


def train(signature: Signature, columns: Columns, network: dict[str, Any], epochs: int = 80) -> Any:
    from passerelle.training.trainer import fit

    settings = settings_of(network, epochs)
    network_model = SequenceToSequence(settings.network, **signature.specs())
    fit(network_model, batches_of(signature, columns), None, settings.training)
    return network_model


def batches_of(signature: Signature, columns: Columns, **options: Any) -> Batches:
    inputs, targets = signature.encode_inputs(columns), signature.encode_targets(columns)
    return Batches(inputs, targets, 8, seed=1, target_sizes=signature.copying_sizes, **options)


def settings_of(network: dict[str, Any], epochs: int) -> Any:
    from passerelle.settings import make_settings

    training = {"epochs": epochs, "learning_rate": 0.01, "keep": "last", "schedule": "constant", "patience": 0}
    level = {"level": "word"}
    network = NETWORK | network | {"dropout": 0.0}
    return make_settings("compact", {"source": level, "target": level, "network": network, "training": training})


def decoded(network: SequenceToSequence, signature: Signature, columns: Columns, output: str) -> list[str]:
    """Greedy search written with the methods of a `Stepper` only."""
    stepper, field = network.steppers[output], signature.outputs[output]
    arrays = {name: own.padded(np.arange(len(own)), int(own.lengths.max())) for name, own in
              signature.encode_inputs(columns).items()}  # fmt: skip
    state = compiled(stepper.begin, stepper.variables)(arrays)
    ids = np.full(len(columns["source"]), START, np.int32)
    written, step = [], compiled(stepper.step, stepper.variables)
    for _ in range(6):
        log_probs, state = step(ids, state)
        ids = np.asarray(log_probs).argmax(axis=-1).astype(np.int32)
        written.append(ids)
    rows = [[int(i) for i in row[: row.tolist().index(3)]] if 3 in row else row.tolist() for row in np.array(written).T]
    return field.decode(Ragged.from_lists(rows), columns)


def test_a_new_kind_of_field_is_encoded_trained_saved_and_loaded(tmp_path: Path) -> None:
    signature, columns = weather()
    network = train(signature, columns, {})
    unseen = {"source": ["in town", "in town", "at sea", "at sea"], "degrees": [-12.0, 35.0, -2.0, 28.0]}
    expected = ["cold in town", "warm in town", "cold at sea", "warm at sea"]
    assert decoded(network, signature, unseen, "target") == expected
    save_bundle(Bundle(network, signature, settings_of({}, 1), Lengths(2, 3, 1.0)), tmp_path / "weather.keras")
    again = load_bundle(tmp_path / "weather.keras")
    assert again.signature.to_json() == signature.to_json()
    assert decoded(again.network, again.signature, unseen, "target") == expected
    results = Translator(again).search(unseen["source"], inputs={"degrees": unseen["degrees"]}, beam=2)
    assert [result.text for result in results] == expected
    with pytest.raises(DataError, match=r"inputs must have the keys \['degrees'\], received:"):
        Translator(again).search(["in town"])
    with pytest.raises(DataError, match="one value for each of 1 texts, received: 2 for 'degrees'"):
        Translator(again).search(["in town"], inputs={"degrees": [1.0, 2.0]})


def languages(copying: bool) -> tuple[Signature, dict[str, list[Any]]]:
    nouns = {"cat": ("chat", "Katze"), "dog": ("chien", "Hund"), "cow": ("vache", "Kuh"), "bird": ("oiseau", "Vogel")}
    verbs = {"eats": ("mange", "frisst"), "sleeps": ("dort", "schläft"), "runs": ("court", "läuft")}
    pairs = [(noun, verb) for noun in nouns for verb in verbs]
    columns: dict[str, list[Any]] = {
        "source": [f"{noun} {verb}" for noun, verb in pairs],
        "fr": [f"{nouns[noun][0]} {verbs[verb][0]}" for noun, verb in pairs],
        "de": [f"{nouns[noun][1]} {verbs[verb][1]}" for noun, verb in pairs],
    }
    source = text("source", *columns["source"])
    outputs = {name: text(name, *columns[name], copies=source if copying else None) for name in ("fr", "de")}
    return Signature({"source": source}, outputs), columns


@pytest.mark.slow
@pytest.mark.parametrize("network", [{}, {"copying": True}, {"attention": "monotonic"}, {"tie": "target"}], ids=str)
def test_one_encoder_and_two_outputs(network: dict[str, Any], tmp_path: Path) -> None:
    signature, columns = languages("copying" in network)
    trained = train(signature, columns, network)
    for output in ("fr", "de"):
        assert decoded(trained, signature, columns, output) == columns[output]
    save_bundle(Bundle(trained, signature, settings_of(network, 1), Lengths(2, 2, 1.0)), tmp_path / "two.keras")
    again = load_bundle(tmp_path / "two.keras")
    translator = Translator(again)
    translator.record["note"] = "saved"
    german = translator.for_output("de")
    assert (translator.translate(columns["source"]), german.translate(columns["source"])) == (
        columns["fr"],
        columns["de"],
    )
    assert german.record["note"] == "saved"
    scores = german.score(zip(columns["source"], columns["de"], strict=True))
    assert all(score.per_token > -0.5 for score in scores)
    with pytest.raises(SettingsError, match="unknown output 'es'"):
        translator.for_output("es")
    with pytest.raises(SettingsError, match="an ensemble has a single output"):
        translator.ensemble_with([translator]).for_output("de")
    assert json.loads(json.dumps(again.signature.to_json())) == signature.to_json()


def test_stepwise_equals_teacher_forced_for_each_output() -> None:
    signature, columns = languages(copying=True)
    network: Any = SequenceToSequence(NETWORK | {"copying": True}, **signature.specs())
    batch = next(batches_of(signature, columns).epoch(1))
    logits = network.by_output(network({name: ops.convert_to_tensor(array) for name, array in batch.inputs.items()}))
    for output, stepper in network.steppers.items():
        state, found = stepper.begin(batch.inputs), []
        for column in batch.inputs[output].T:
            log_probs, state = stepper.step(ops.convert_to_tensor(column), state)
            found.append(np.asarray(log_probs)[:, stepper.first + 2 :])  # from END on
        expected = np.asarray(ops.log_softmax(logits[output]))[..., 2:]
        np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=1e-4, atol=1e-4)
