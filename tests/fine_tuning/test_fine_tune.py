"""Fine-tuning in Python: nothing changes before the first update, frozen weights, exact resume, what is recorded."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.experiment.building import build
from passerelle.fine_tuning.origin import Origin
from passerelle.fine_tuning.plan import FineTuning
from passerelle.models.parts import parts_of
from passerelle.preparation import prepare
from passerelle.runs import checkpoints
from passerelle.runs.checkpoints import Checkpoints
from passerelle.settings import FineTuningSettings, fine_tuning_settings
from passerelle.training.callbacks.callback import Callback

OLD = [(f"{a} {b}", f"{b}-{a}!") for a, b in itertools.product("abcdef", repeat=2)]
NEW = [(f"{a} {b}", f"{b}:{a}?") for a, b in itertools.product("abжщ", repeat=2)]
SIDE = {"embedding": 6, "units": 8}
QUICK = {"epochs": 2, "batch_size": 8, "search": "greedy", "learning_rate": 0.02}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "copying": {"attention": "general", "copying": True, "dropout": 0.3, "encoder": SIDE, "decoder": SIDE},
    "monotonic": {"attention": "monotonic", "encoder": SIDE, "decoder": SIDE},
    "transformer": {
        "attention": "multi-head",
        "heads": 2,
        "tie": "all",
        "encoder": {**SIDE, "kind": "transformer", "feed_forward": 8},
        "decoder": {**SIDE, "kind": "transformer", "feed_forward": 8},
    },
    "one-hot": {"bridge": "copy", "unknown": False, "encoder": {"units": 8, "embedding": 0, "direction": "forward"},
                "decoder": {"units": 8, "embedding": 0}},
}  # fmt: skip


def train(network: Any, pairs: Any = OLD, **values: Any) -> passerelle.Translator:
    return passerelle.train(pairs, settings={"network": network, "training": QUICK, **values}, validation=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "old.keras"
    train(ARCHITECTURES["copying"]).save(path)
    return path


def tune(model, pairs=NEW, *, training=None, **options):
    settings = {"training": {**QUICK, **(training or {})}}
    return passerelle.fine_tune(pairs, model, settings=settings, **{"validation": 0, **options})


def initial(translator, pairs, **values):
    """Return the translator that training starts from, as `fine_tune` builds it."""
    plan = FineTuning(Origin(translator.bundle), FineTuningSettings(**values))
    settings = fine_tuning_settings(translator.settings, "the model")
    return build(prepare(pairs, settings, validation=0, fine_tuning=plan))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_before_the_first_update_no_translation_changes(name):
    before = train(ARCHITECTURES[name])
    after = initial(before, NEW, new_tokens=True)
    assert len(after.target.vocabulary.tokens) > len(before.target.vocabulary.tokens)
    texts = [source for source, _ in OLD]
    if name != "transformer":  # with one table for both sides, new sources are read by other vectors than UNK
        texts += [source for source, _ in NEW]
    for options in ({}, {"beam": 4}):
        for left, right in zip(before.search(texts, **options), after.search(texts, **options), strict=True):
            assert left.text == right.text
            assert left.score == pytest.approx(right.score, abs=1e-4)
    for left, right in zip(before.score(OLD), after.score(OLD), strict=True):
        assert left.log_probability == pytest.approx(right.log_probability, abs=1e-4)
    tuned = tune(before, new_tokens=True, training={"epochs": 1})
    assert tuned.record["epochs"][0]["loss"] < 6, "the first step raises the biases of new tokens"


def test_tags_word_vectors_and_unknown_tokens(tmp_path):
    """Tags of a new language; a source with extra words; without new tokens the vocabularies stay."""
    vectors = tmp_path / "v.txt"
    vectors.write_text("".join(f"{word} {n} 1 2\n" for n, word in enumerate(["a", "b", "c", "sun", "moon"])))
    rows = [(source, target, "x") for source, target in OLD]
    network = {"attention": "general", "encoder": {"units": 4}, "decoder": {"units": 4}}
    settings = {"network": network, "training": QUICK, "tags": {"mode": "separate"}}
    before = passerelle.train(rows, settings=settings, level="word", source_vectors=vectors, validation=0)
    new = [(f"{source} moon", target, "y") for source, target in NEW]
    after = initial(before, new, new_tokens=True)
    assert (before.signature.source.extra, after.signature.source.extra) == (2, 2)
    assert after.source.vocabulary.tokens[-2:] == (" sun", " moon")
    texts, tags = ["a b", "sun c", "a moon"], ["x", "x", "z"]
    assert before.translate(texts, tags=tags) == after.translate(texts, tags=tags)
    tuned = tune(before, new, freeze="source_embedding", new_tokens=True)
    table = np.asarray(before.network.table("source").value)
    known = np.asarray(tuned.network.table("source").value)[: len(table)]
    np.testing.assert_array_equal(known, table)
    assert not np.array_equal(*np.asarray(tuned.network.table("source").value)[-2:]), "new vectors are trained"
    same = tune(before, [(*row[:2], "x") for row in new])
    assert same.signature.to_json() == before.signature.to_json()
    with pytest.raises(passerelle.SettingsError, match="Leave the word vectors out"):
        prepare(rows, before.settings, source_vectors=vectors, fine_tuning=FineTuning(Origin(before.bundle)))


@pytest.mark.parametrize("parts", [["encoder"], ["decoder", "attention", "output"], ["embeddings"]], ids=str)
def test_frozen_parts_do_not_change_and_others_do(model, parts):
    before, after = passerelle.load(model).network, tune(model, freeze=parts, training={"optimizer": "adamw"}).network
    frozen = {"source_embedding", "target_embedding"} if parts == ["embeddings"] else set(parts)
    after_parts = parts_of(after)
    for part, weights in parts_of(before).items():
        for left, right in zip(weights, after_parts[part], strict=True):
            assert np.array_equal(left.value, right.value) == (part in frozen), left.path
    assert all(variable.trainable for variable in after.weights)


def test_old_pairs_and_corrections(model, tmp_path):
    corrections = [passerelle.Correction("a b", "b+a", date="2026-11-27")]
    passerelle.write_corrections(tmp_path / "c.tsv", corrections)
    for own in (corrections, tmp_path / "c.tsv"):
        tuned = tune(
            model, new_tokens=True, mix=(OLD, 0.25), corrections=own, corrections_weight=4, validation=0.25,
            training={"epochs": 1},
        )  # fmt: skip
        facts = tuned.record["fine_tuning"]
        assert tuned.record["data"]["training_pairs"] == 12 + 4
        assert "+" in tuned.target.vocabulary.tokens
        assert (facts["corrections"], facts["corrections_weight"]) == (1, 4)
        assert facts["old_pairs"] == {"name": "mix", "pairs": 36, "share": 0.25}
        assert [(scores["pairs"], scores["count"]) for scores in facts["scores"]] == [("old", 3), ("new", 4)]
        assert all(0 <= scores[name] <= 100 for scores in facts["scores"] for name in ("before", "after"))
    only = tune(model, old_validation=OLD[:5], training={"epochs": 1}).record["fine_tuning"]
    assert [scores["pairs"] for scores in only["scores"]] == ["old"]
    with pytest.raises(passerelle.DataError, match="no old pair is left"):
        tune(model, mix=(OLD, 0.5), old_validation=OLD)
    assert len(facts["sha256"]) == 64
    assert facts["model"] == "old.keras"


class CrashError(Exception):
    """Ends a training as an error of the machine does."""


class CrashAfter(Callback):
    def on_update_end(self, run):
        if run.state.updates == 4:
            raise CrashError


def test_a_run_is_resumed_exactly_and_needs_the_same_model(model, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "MAX_SHARE", math.inf)
    original = Checkpoints.__init__
    monkeypatch.setattr(
        Checkpoints,
        "__init__",
        lambda self, folder, *, seconds, report, reserve=0: original(
            self, folder, seconds=0.0, report=report, reserve=reserve
        ),
    )
    own = tmp_path / "model.keras"
    own.write_bytes(model.read_bytes())
    options = {
        "new_tokens": True, "freeze": "embeddings", "mix": (OLD, 0.5), "corrections": [passerelle.Correction("a", "b")],
        "old_validation": OLD[:3],
    }  # fmt: skip
    whole = tune(own, **options)
    with pytest.raises(CrashError):
        tune(own, run=tmp_path / "a.run", callbacks=[CrashAfter()], **options)
    resumed = passerelle.resume(tmp_path / "a.run")
    for left, right in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert whole.record["fine_tuning"] == resumed.record["fine_tuning"]
    passerelle.load(own).save(own)  # another file, with other time stamps
    train(ARCHITECTURES["monotonic"]).save(own)
    with pytest.raises(passerelle.RunError, match=r"model\.keras is not the model from which the run began"):
        passerelle.resume(tmp_path / "a.run", epochs=3)


def test_seeds_and_ensembles(model):
    """A tuned model without new tokens joins an ensemble with the model from which it was tuned."""
    before, tuned = passerelle.load(model), tune(model, training={"epochs": 1})
    assert len(before.ensemble_with([tuned]).translate(["a b"])[0]) > 0
    with pytest.raises(passerelle.SettingsError, match="received: an ensemble"):
        tune(before.ensemble_with([tuned]))


def test_refusals(model, tmp_path):
    loaded = passerelle.load(model)
    for options, message in [
        ({"run": tmp_path / "a.run"}, "Pass the path of the model file"),
        ({"mix": OLD}, "mix must be old pairs and their share"),
        ({"mix": (OLD, 1.0)}, "above 0 and below 1, received: 1"),
        ({"freeze": "encode"}, "no part 'encode'"),
        ({"freeze": "output", "new_tokens": True}, "freeze 'output' excludes new_tokens"),
        ({"corrections_weight": 0}, "corrections_weight"),
        ({"units": 9}, r"network\.encoder\.units is 8 in the model"),
    ]:
        with pytest.raises(passerelle.SettingsError, match=message):
            tune(loaded, **options)
    assert tune(loaded, training={"epochs": 1}).record["fine_tuning"]["sha256"] is None
