"""`train(run=...)` and `resume` in Python: exact with every source of randomness, and refusals by name."""

import itertools
import json
import math
import os
import warnings

import pytest

import passerelle
from crash import CrashAfter, CrashError, equal
from passerelle.runs.folder import RunFolder
from passerelle.training import trainer
from passerelle.training.update import PortableUpdate

PAIRS = [(f"{a}{b}", f"{b} {a}!") for a, b in itertools.product("abcdef", repeat=2)]
SIDE = {"embedding": 3, "units": 4}
NETWORK = {"attention": "general", "copying": True, "dropout": 0.3, "encoder": SIDE, "decoder": SIDE}


def train(callbacks=(), run=None, *, training=None, pairs=PAIRS, network=None, **options):
    values = {
        "epochs": 4, "batch_size": 6, "decoder_inputs": "scheduled_sampling", "copy_masking": 0.5,
        "learning_rate": 0.05, "clip": 1.0, "schedule": "cosine",
    }  # fmt: skip
    settings = {"network": network or NETWORK, "training": values | (training or {})}
    return passerelle.train(pairs, settings=settings, validation=0.2, callbacks=callbacks, run=run, **options)


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"keep": "last", "optimizer": "adamw"},
        {"patience": 1, "optimizer": "muon"},
        {"optimizer": "nadam", "epochs": 5},
        {"ema": 0.9, "average": 2, "metric": "chrf", "accumulation": 2, "schedule": "plateau", "plateau_patience": 1},
        {"validate_every": 3, "average": 2, "patience": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("updates", [2, 8])
def test_a_crashed_run_goes_on_exactly(tmp_path, often, training, updates):
    """Batch order, dropout, scheduled sampling, copy masking, validation, early stopping and the schedule at once."""
    whole = train([passerelle.Callback()], training=training)  # a recorded run also translates validation sources
    run = tmp_path / "a.run"
    with pytest.raises(CrashError):
        train([CrashAfter(updates)], run, training=training)
    assert (run / "run.json").exists()
    resumed = passerelle.resume(run)
    assert equal(resumed, whole)
    timed = ("seconds",)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["updates"] for line in log] == [interval["updates"] for interval in whole.record["epochs"]]
    assert all(line["validation_perplexity"] == math.exp(line["validation_loss"]) for line in log)
    assert (run / "log.csv").read_text().count("\n") == len(log) + 1
    assert (run / "samples.tsv").read_text().count("\n") == 2 * len(log) + 1
    for name in ("kept_epoch", "stopped", "interrupted", "diverged", "data"):
        assert resumed.record[name] == whole.record[name], name
    for left, right in zip(resumed.record["epochs"], whole.record["epochs"], strict=True):
        assert {k: v for k, v in left.items() if k not in timed} == {k: v for k, v in right.items() if k not in timed}
    assert equal(passerelle.resume(run), whole), "a run that has ended gives its translator again"


def test_the_portable_update_is_resumed_too(tmp_path, often, monkeypatch):
    monkeypatch.setattr(
        trainer,
        "make_update",
        lambda network, optimizer, **options: PortableUpdate(network, optimizer, **options),
    )
    training = {"decoder_inputs": "teacher_forcing", "epochs": 3}
    whole = train(training=training)
    with pytest.raises(CrashError):
        train([CrashAfter(8)], tmp_path / "a.run", training=training)
    assert equal(passerelle.resume(tmp_path / "a.run"), whole)


def test_nothing_remains_of_a_run_without_a_checkpoint(tmp_path):
    with pytest.raises(CrashError):
        train([CrashAfter(1)], tmp_path / "a.run", training={"epochs": 1})
    assert os.listdir(tmp_path) == []
    # What a process leaves that is killed while it creates the folder.
    (tmp_path / "b.run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "b.run" / ".run.json.1.tmp").mkdir()
    (tmp_path / "b.run" / "settings.toml").touch()
    RunFolder(tmp_path / "b.run").require_creatable()
    (tmp_path / "b.run" / "mine").touch()
    with pytest.raises(passerelle.OutputError, match="is not the folder of a run"):
        train(run=tmp_path / "b.run")


def test_all_kinds_of_data_are_read_again(tmp_path, monkeypatch):
    """Tags, texts that no line can hold, validation pairs as rows and as a file."""
    rows = [(f"{a}\t{b}\n\u2028", f"{b}\r{a}\ud800"[:-1], "x y") for a, b in itertools.product("abcd", repeat=2)]
    network = {**NETWORK, "copying": False}
    own = [("ab", "ba", "x"), ("ba", "ab", "y")]
    run = tmp_path / "a.run"
    settings = {"network": network, "training": {"epochs": 1, "batch_size": 6}, "tags": {"mode": "separate"}}
    passerelle.train(iter(rows), settings=settings, validation=iter(own), run=run)
    assert {"pairs.jsonl", "validation.jsonl"} < set(os.listdir(run))
    assert len(passerelle.resume(run, epochs=2).record["epochs"]) == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.tsv").write_text("ab\tba\tx\n")
    passerelle.train(rows, settings=settings, validation="v.tsv", run="b.run")
    monkeypatch.chdir("/")
    assert len(passerelle.resume(tmp_path / "b.run", epochs=2).record["epochs"]) == 2
    (tmp_path / "v.tsv").write_text("ab\tbb\tx\n")
    with pytest.raises(passerelle.RunError, match="^the validation pairs are not those with which the run began"):
        passerelle.resume(tmp_path / "b.run", epochs=3)


def test_word_vectors_are_part_of_the_data(tmp_path):
    pairs = [(f"{a} {b}", f"{b} {a}") for a, b in itertools.product(["one", "two", "six", "ten"], repeat=2)]
    vectors = tmp_path / "v.txt"
    vectors.write_text("one 1 2 3\ntwo 3 4 5\nsix 5 6 7\nnew 1 1 1\n")
    options = {"level": "word", "source_vectors": vectors, "network": {**NETWORK, "encoder": {"units": 4}}}
    train(run=tmp_path / "a.run", pairs=pairs, **options)
    assert len(passerelle.resume(tmp_path / "a.run", epochs=5).record["epochs"]) == 5
    vectors.write_text("one 1 2 3\ntwo 3 4 5\nsix 5 6 8\nnew 1 1 1\n")
    with pytest.raises(passerelle.RunError, match="the source vectors are not those with which the run began"):
        passerelle.resume(tmp_path / "a.run", epochs=6)


def test_a_changed_copy_and_a_damaged_description(tmp_path):
    run = tmp_path / "a.run"
    train(run=run, training={"epochs": 1})
    lines = (run / "pairs.jsonl").read_text().splitlines(keepends=True)
    (run / "pairs.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(passerelle.RunError, match="^the training pairs are not those"):
        passerelle.resume(run)
    description = json.loads((run / "run.json").read_text())
    for name, value in {"number": 2, "settings": {"preset": "none"}, "data": [], "format": 2, "commands": 3}.items():
        (run / "run.json").write_text(json.dumps(description | {name: value}))
        with pytest.raises(passerelle.RunError, match=r"cannot be resumed: |is damaged: "):
            passerelle.resume(run)
    (run / "run.json").write_text("[" * 10_000)
    with pytest.raises(passerelle.RunError, match=r"run.json is damaged: "):
        passerelle.resume(run)


def test_minutes_may_only_become_more(tmp_path):
    run = tmp_path / "a.run"
    train(run=run, training={"minutes": 1e-9})
    with pytest.raises(passerelle.SettingsError, match=r"training.minutes is 1e-09 in this run; a resumed"):
        passerelle.resume(run, minutes=1e-10)
    longer = passerelle.resume(run, minutes=0)
    assert len(longer.record["epochs"]) == 4
    with pytest.raises(passerelle.SettingsError, match="can only become longer, received: 5"):
        passerelle.resume(run, minutes=5)


def test_another_version_of_a_library_is_told(tmp_path):
    run = tmp_path / "a.run"
    train(run=run, training={"epochs": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passerelle.resume(run)
    description = json.loads((run / "run.json").read_text())
    description["versions"]["numpy"] = "1.0"
    (run / "run.json").write_text(json.dumps(description))
    with pytest.warns(RuntimeWarning, match=r"the run began with numpy 1.0, and goes on with .*: its weights will be"):
        passerelle.resume(run)
