"""Fine-tuning of models with several outputs: nothing changes before the first update, what is tuned, refusals."""

import itertools
from typing import Any

import numpy as np
import pytest

import passerelle
from crash import equal
from passerelle.experiment.building import build
from passerelle.fine_tuning.origin import Origin
from passerelle.fine_tuning.plan import FineTuning
from passerelle.models.parts import parts_of
from passerelle.preparation import prepare
from passerelle.settings import FineTuningSettings, fine_tuning_settings
from untrained import TRANSFORMER

SIDE = {"embedding": 6, "units": 6}
NETWORKS: dict[str, dict[str, Any]] = {
    "copying": {"attention": "general", "copying": True, "encoder": SIDE, "decoder": SIDE},
    "transformer": {**TRANSFORMER, "tie": "all"},
}
QUICK = {"epochs": 2, "batch_size": 8, "search": "greedy", "learning_rate": 0.02}


def rows(letters: str, mark: str, *, numbers: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Pairs with the outputs `de` and `de_at`, whose names begin alike, and a number if asked."""
    pairs = itertools.product(letters, repeat=2)
    extra = {"ord": (float(len(letters)),)} if numbers else {}
    return [(f"{a} {b}", {"de": f"{b}-{a}{mark}", "de_at": f"{a}{b}{mark}{mark}", **extra}) for a, b in pairs]


OLD, NEW = rows("abcdef", "!"), rows("abжщ", "?")


def train(network: str = "copying", pairs: Any = OLD, **options: Any) -> passerelle.Translator:
    settings = {"network": NETWORKS[network], "training": QUICK}
    return passerelle.train(pairs, settings=settings, level="character", **{"validation": 0, **options})


def tune(model: Any, pairs: Any = NEW, **options: Any) -> passerelle.Translator:
    return passerelle.fine_tune(pairs, model, settings={"training": QUICK}, **{"validation": 0, **options})


def initial(translator: passerelle.Translator, pairs: Any) -> passerelle.Translator:
    """Return the translator that training starts from."""
    plan = FineTuning(Origin(translator.bundle), FineTuningSettings(new_tokens=True))
    settings = fine_tuning_settings(translator.settings, "the model")
    return build(prepare(pairs, settings, validation=0, fine_tuning=plan))


@pytest.fixture(scope="module")
def model(tmp_path_factory: Any) -> Any:
    path = tmp_path_factory.mktemp("model") / "old.keras"
    train(pairs=rows("abcdef", "!", numbers=True)).save(path)
    return path


@pytest.mark.parametrize("network", NETWORKS)
def test_before_the_first_update_no_output_changes(network: str) -> None:
    before = train(network)
    after = initial(before, NEW)
    texts = [source for source, _ in OLD]
    for name, output in before.outputs.items():
        tuned = after.outputs[name]
        assert len(tuned.target.vocabulary.tokens) > len(output.target.vocabulary.tokens)
        for left, right in zip(output.search(texts, beam=3), tuned.search(texts, beam=3), strict=True):
            assert left.text == right.text
            assert left.score == pytest.approx(right.score, abs=1e-4)
    assert tune(before, new_tokens=True).record["epochs"][0]["loss"] < 8, "the first step raises the new biases"


def test_old_pairs_corrections_and_scores_of_each_output(model: Any, tmp_path: Any) -> None:
    corrections = [passerelle.Correction("a a", "A-A", tags="de"), passerelle.Correction("a b", "AB", tags="de_at")]
    old = rows("abcdef", "!", numbers=True)
    options = {"mix": (old, 0.5), "corrections": corrections, "new_tokens": True, "validation": 0.2}
    new = rows("abжщ", "?", numbers=True)
    whole = tune(model, new, run=tmp_path / "a.run", **options)
    facts = whole.record["fine_tuning"]
    assert facts["corrections"] == 2
    assert set(facts["new_tokens"]) == {"source", "de", "de_at"}
    scored = [(each["pairs"], each["output"]) for each in facts["scores"]]
    assert scored == [(group, output) for group in ("old", "new") for output in ("de", "de_at")]
    assert list(whole.number_outputs) == ["ord"]
    assert equal(passerelle.resume(tmp_path / "a.run"), whole)
    whole.save(tmp_path / "tuned.keras")
    again = passerelle.load(tmp_path / "tuned.keras")
    assert again.outputs["de"].translate(["a ж"]) == whole.outputs["de"].translate(["a ж"])


def test_an_output_may_be_missing_in_the_new_pairs(model: Any) -> None:
    """Its decoder learns from old pairs; without any, training says which output has no pair."""
    first_missing = [(source, {"de_at": targets["de_at"]}) for source, targets in NEW]
    old = rows("abcdef", "!", numbers=True)
    tuned = tune(model, first_missing, mix=(old, 0.5))
    assert np.isfinite(tuned.record["epochs"][-1]["loss"])
    before = passerelle.load(model)
    assert tuned.bundle.outputs["de"].lengths == before.bundle.outputs["de"].lengths
    with pytest.raises(passerelle.DataError, match="no training pair has the output 'de'"):
        tune(model, first_missing)


def test_parts_of_outputs_whose_names_begin_alike(model: Any) -> None:
    """Freezing `output` freezes the output layers of `de` and of `de_at`, and nothing else of their decoders."""
    before, after = (
        passerelle.load(model).network,
        tune(model, rows("abcd", "?", numbers=True), freeze="output").network,
    )
    weights = parts_of(before)
    assert not [weight.path for weight in weights["decoder"] if "_output" in weight.path.split("/")[0]]
    changed = {
        variable.path
        for variable, other in zip(before.weights, after.weights, strict=True)
        if not np.array_equal(np.asarray(variable.value), np.asarray(other.value))
    }
    assert changed
    assert changed.isdisjoint(weight.path for weight in weights["output"])


def test_refusals(model: Any) -> None:
    with pytest.raises(passerelle.DataError, match=r"pairs has one output, and old.keras has de, de_at, ord. Both"):
        tune(model, [("a b", "c"), ("b a", "d")])
    with pytest.raises(passerelle.DataError, match="pairs has the outputs de, fr, and expected are de, de_at, ord"):
        tune(model, [("a b", {"de": "c", "fr": "d"})] * 3)
    with pytest.raises(passerelle.DataError, match="pairs has numbers as the output 'de', and old.keras has texts"):
        tune(model, [("a b", {"de": 1.0, "de_at": "d"})] * 3)
    with pytest.raises(passerelle.DataError, match=r"row 1: expected the name of an output of text .*received: 'ord'"):
        tune(model, OLD, corrections=[passerelle.Correction("a", "b", tags="ord")])
    with pytest.raises(passerelle.SettingsError, match="outputs cannot be changed in old.keras"):
        passerelle.fine_tune(OLD, model, settings={"outputs": {"de": {"level": "word"}}})
    one = passerelle.train([("a", "b"), ("b", "a")] * 4, preset="tutorial", units=2, epochs=1, validation=0)
    with pytest.raises(passerelle.DataError, match="pairs has de, de_at, and the model has one output"):
        tune(one, OLD)
