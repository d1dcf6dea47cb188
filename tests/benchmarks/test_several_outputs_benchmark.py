"""The benchmark of several outputs: its German sentences, its split, and models that are already finished."""

import json
import sys
from pathlib import Path

import pytest

import several_outputs


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Is she happy?", "Ist sie glücklich?"),
        ("My brother is not very tall.", "Mein Bruder ist nicht sehr groß."),
        ("Paul will be hungry.", "Paul wird Hunger haben."),
        ("The queen is never afraid.", "Die Königin hat nie Angst."),
        ("Is the baby thirsty?", "Hat das Baby Durst?"),
        ("He is cold.", None),
        ("The novel is beautiful.", None),
    ],
)
def test_german_of_two_patterns(english: str, german: str | None) -> None:
    assert several_outputs.german(english) == german


def test_finished_models_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in several_outputs.MODELS:
        names = several_outputs.OUTPUTS if model == "three outputs" else (model,)
        row = {"seconds": 9.0, "processor": 18.0, "chrf": dict.fromkeys(names, 80.0), "all_right": 50.0}
        path = tmp_path / "word" / f"{model.replace(' ', '-')}-1.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(several_outputs, "run", lambda *_: pytest.fail("a finished model was repeated"))
    monkeypatch.setattr(several_outputs, "data", lambda _: ([], []))
    monkeypatch.setattr(sys, "argv", ["x", "--seeds", "1", "--out", str(tmp_path)])
    several_outputs.main()
    assert "18 for three outputs, 54 for three models (33 %); seconds: 9 for three outputs" in capsys.readouterr().out
