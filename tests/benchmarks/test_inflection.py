"""The inflection benchmark: exact match, and rows that are already finished."""

import json
import sys

import pytest

import inflection


def test_exact_match_requires_a_prediction_for_each_row():
    assert inflection._exact_match(["Hahnes", "wandert aus", ""], ["Hahnes", "wandert auf", "x"]) == pytest.approx(
        100 / 3
    )
    with pytest.raises(ValueError, match="longer"):
        inflection._exact_match(["Hahnes"], ["Hahnes", "wandert aus"])


def test_finished_rows_are_not_repeated(tmp_path, monkeypatch, capsys):
    for seed, exact_match in ((1, 70.0), (2, 80.0)):
        folder = tmp_path / f"passerelle-german-{seed}"
        folder.mkdir()
        row = {"seconds": 50 + seed, "processor": 40, "exact_match": {"dev": exact_match, "test": exact_match - 1}}
        (folder / "result.json").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(inflection, "_timed", lambda *_: pytest.fail("a finished row was repeated"))
    words = ["--languages", "german", "--seeds", "2", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["inflection.py", *words])
    inflection.main()
    table = (tmp_path / "inflection.md").read_text(encoding="utf-8")
    assert "| german | passerelle | 2 | 75.0 (70.0 to 80.0) | 74.0 (69.0 to 79.0) | 52 | 40 |" in table
    assert table in capsys.readouterr().out
