"""passerelle demo, on the phrasebook's first rows: what it reads and writes at a time, and the files it leaves."""

import pytest

import passerelle
from passerelle.cli import INTERRUPTED
from passerelle.cli.demo import demo
from passerelle.data import phrasebook
from passerelle.errors import SettingsError
from passerelle.training.callbacks.interruption import Interruption

FILES = {
    "held-out.tsv", "inference_decoder.svg", "inference_encoder.svg", "loss.svg", "phrasebook.keras",
    "training_model.svg",
}  # fmt: skip


@pytest.fixture
def few(monkeypatch):
    known, unseen = phrasebook.train_and_held_out()
    monkeypatch.setattr(phrasebook, "train_and_held_out", lambda: (known[:100], unseen[:20]))
    return unseen[:20]


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ({}, ("word", "word")),
        ({"level": "character"}, ("character", "character")),
        ({"preset": "repeat"}, ("character", "character")),
    ],
)
def test_the_demo_reads_words_unless_told_otherwise(few, options, levels, tmp_path, capsys):
    assert demo(out=str(tmp_path / "demo"), epochs=1, **options) == 0
    assert {path.name for path in (tmp_path / "demo").iterdir()} == FILES
    translator = passerelle.load(tmp_path / "demo" / "phrasebook.keras")
    settings = translator.settings
    assert (settings.source.level, settings.target.level) == levels
    assert settings.preset == options.get("preset", "compact")
    held_out = passerelle.read_pairs(tmp_path / "demo" / "held-out.tsv")
    assert list(zip(held_out.sources, held_out.targets, strict=True)) == few
    printed = capsys.readouterr().out
    assert f"On all {len({source for source, _ in few})} held-out sentences:" in printed
    assert str(translator.evaluate(held_out)) in printed


def test_ctrl_c_in_the_first_epoch_keeps_what_was_won(few, tmp_path, monkeypatch, capsys):
    def at_once(interruption):
        interruption.requested = True
        return interruption

    monkeypatch.setattr(Interruption, "__enter__", at_once)
    assert demo(out=str(tmp_path)) == INTERRUPTED
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"loss.svg"}
    assert "loss.svg" not in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"level": "wrod"}, {"preset": "compcat"}, {"epochs": 0}], ids=str)
def test_a_wrong_option_leaves_no_folder(options, tmp_path):
    with pytest.raises(SettingsError):
        demo(out=str(tmp_path / "demo"), **options)
    assert not list(tmp_path.iterdir())
