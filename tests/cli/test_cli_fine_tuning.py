"""passerelle train --from: the messages, the new model, a resumed run, and refusals in one line."""

import shutil

import pytest

PAIRS = "".join(f"{a} {b}\t{b}-{a}!\n" for a in "abcde" for b in "abcde")
NEW = "".join(f"{a} {b}\t{b}:{a}?\n" for a in "abж" for b in "abcж")


@pytest.fixture
def model(quick, tmp_path):
    """The folder of the test with pairs, new pairs, corrections and a model."""
    (tmp_path / "old.tsv").write_text(PAIRS)
    (tmp_path / "new.tsv").write_text(NEW)
    (tmp_path / "c.tsv").write_text("source\ttarget\na b\tb+a\n")
    made = quick("train", "old.tsv", "--units", "8", "--epochs", "2", "--batch-size", "8", "--no-run")
    assert made.status == 0, made.err
    return tmp_path / "old.keras"


def test_tune_resume_and_describe(quick, model, tmp_path):
    options = ("--new-tokens", "--mix", "old.tsv:0.5", "--corrections", "c.tsv", "--freeze", "encoder", "--epochs", "1")
    done = quick("train", "new.tsv", "--from", "old.keras", *options, "--validation", "0.25", "--out", "b.keras")
    assert done.status == 0, done.err
    assert "tuned from old.keras; 1 new source tokens; " in done.err
    assert "frozen: encoder; 1 corrections, each 3 times per epoch; 50 % of each epoch from the 2" in done.err
    assert " old validation pairs: " in done.err
    assert " before fine-tuning, " in done.err
    described = quick("describe", "b.keras")
    assert "# tuned from old.keras; " in described.out
    assert "# parts: source_embedding " in described.out
    (tmp_path / "c.tsv").write_text("changed\n")  # the run has a copy
    (tmp_path / "moved").mkdir()
    for name in ("old.keras", "old.tsv"):
        shutil.move(tmp_path / name, tmp_path / "moved" / name)
    moved = ("--from", "moved/old.keras", "--mix", "moved/old.tsv:0.5")
    resumed = quick("train", "--resume", "b.run", "--epochs", "2", *moved)
    assert resumed.status == 0, resumed.err
    assert "resuming b.run from epoch 2, update 1" in resumed.err
    shutil.copy(tmp_path / "b.keras", tmp_path / "moved" / "old.keras")
    refused = quick("train", "--resume", "b.run", "--epochs", "3", *moved).refused()
    assert "old.keras is not the model from which the run began: the file changed." in refused


def test_refusals(quick, model):
    for options, message in [
        (("--mix", "old.tsv:0.5"), "--mix requires --from MODEL.keras"),
        (("--new-tokens",), "--new-tokens requires --from MODEL.keras"),
        (("--from", "old.keras", "--mix", "old.tsv"), "--mix must be a file and the share of old pairs"),
        (("--from", "old.keras", "--units", "9"), "network.encoder.units is 8 in old.keras"),
        (("--from", "old.keras", "--preset", "deep"), "old.keras has the preset 'compact'"),
        (("--from", "old.keras", "--freeze", "encodr"), "no part 'encodr'"),
        (("--from", "old.keras", "--source-vectors", "v.txt"), "--source-vectors cannot be used with --from"),
        (("--from", "old.keras", "--tag-column", "3"), "old.keras has no tags"),
        (("--from", "old.keras", "--out", "old.keras", "--overwrite"), "is the model to start from"),
        (("--from", "none.keras"), "none.keras"),
        (("--from", "old.keras", "--corrections-weight", "2"), "--corrections-weight requires --corrections"),
        (("--from", "old.keras", "--corrections", "new.tsv", "--freeze", "output", "--new-tokens"), "freeze 'output'"),
    ]:
        assert message in quick("train", "new.tsv", *options).refused()
