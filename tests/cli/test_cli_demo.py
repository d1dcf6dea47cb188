"""passerelle demo, on the first rows of the phrasebook: token levels, files and printed scores."""

import signal

import pytest

import passerelle
from passerelle.cli.demo import demo
from passerelle.data import phrasebook
from passerelle.errors import SettingsError
from passerelle.training.callbacks.interruption import Interruption

FILES = {
    "held-out.tsv", "inference_decoder.svg", "inference_encoder.svg", "loss.svg", "phrasebook.keras",
    "training_model.svg",
}  # fmt: skip


@pytest.fixture
def few_pairs(monkeypatch):
    """Reduce the phrasebook to 100 training pairs and 20 held-out pairs; return the latter."""
    training, held_out = phrasebook.train_and_held_out()
    monkeypatch.setattr(phrasebook, "train_and_held_out", lambda: (training[:100], held_out[:20]))
    return held_out[:20]


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ({}, ("word", "word")),
        pytest.param({"level": "character"}, ("character", "character"), marks=pytest.mark.slow),
        pytest.param({"preset": "repeat"}, ("character", "character"), marks=pytest.mark.slow),
    ],
)
def test_the_default_level_is_word(few_pairs, options, levels, tmp_path, capsys):
    assert demo(out=str(tmp_path / "demo"), epochs=1, **options) == 0
    assert {path.name for path in (tmp_path / "demo").iterdir()} == FILES
    translator = passerelle.load(tmp_path / "demo" / "phrasebook.keras")
    settings = translator.settings
    assert (settings.source.level, settings.target.level) == levels
    assert settings.preset == options.get("preset", "compact")
    held_out = passerelle.read_pairs(tmp_path / "demo" / "held-out.tsv")
    assert list(zip(held_out.sources, held_out.targets, strict=True)) == few_pairs
    printed = capsys.readouterr().out
    assert f"On all {len({source for source, _ in few_pairs})} held-out sentences:" in printed
    assert str(translator.evaluate(held_out)) in printed


def test_ctrl_c_in_the_first_epoch_saves_the_model(few_pairs, tmp_path, monkeypatch, capsys):
    def interrupt(interruption, run):
        signal.raise_signal(signal.SIGINT)
        run.stop("interrupted", drop=True)

    monkeypatch.setattr(Interruption, "on_update_end", interrupt)
    assert demo(out=str(tmp_path)) == 130
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"loss.svg"}
    assert "loss.svg" not in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"level": "wrod"}, {"preset": "compcat"}, {"epochs": 0}], ids=str)
def test_an_invalid_option_creates_no_folder(options, tmp_path):
    with pytest.raises(SettingsError):
        demo(out=str(tmp_path / "demo"), **options)
    assert not list(tmp_path.iterdir())
